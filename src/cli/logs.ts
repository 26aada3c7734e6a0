// `logs`: what an app prints, of all its instances and containers on all nodes, with a prefix where there are several.
import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../api/durations.ts";
import { kindByWord } from "../api/kinds.ts";
import { OncePerLine } from "../api/once-per-line.ts";
import type { LogLine, LogLive, LogNote, ObjectList, StatusReason } from "../api/wire.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";
import { mergeStreams, type Sink } from "./log-streams.ts";
import { wholeNumber } from "./options.ts";
import { Patience } from "./patience.ts";
import type { Colors } from "./terminal.ts";
import type { CliPorts, Verb } from "./verb.ts";

export interface LogsOptions {
  readonly target?: string;
  readonly selector?: string;
  readonly all: boolean;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly tail?: number;
  /** Unix seconds. */
  readonly since?: number;
  readonly container?: string;
  readonly node?: string;
  readonly prefix?: boolean;
  readonly timestamps: boolean;
  readonly json: boolean;
}

interface Flags {
  readonly selector?: string;
  readonly all?: boolean;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tail?: number;
  readonly since?: number;
  readonly container?: string;
  readonly node?: string;
  readonly prefix?: boolean;
  readonly timestamps?: boolean;
  readonly output?: string;
}

const PREFIX_COLORS: readonly (keyof Colors & ("cyan" | "magenta" | "blue" | "yellow" | "green"))[] = [
  "cyan",
  "magenta",
  "blue",
  "yellow",
  "green",
];

const AGAIN_AFTER_MS = 1_000;
/** While the others are told, one that has nothing to show is asked again this often. */
const AWAY_AGAIN_MS = 3_000;
/** Clocks differ, and lines wait a moment for those of other computers: what is told twice is shown once. */
const AGAIN_SINCE_SECONDS = 10;
/** Until a node that starts again knows the others, what they printed is out of its reach. */
const RETURNING: readonly StatusReason[] = ["NoHouse", "NotFound", "Unreachable"];

export const logs: Verb = {
  define(command, invoke) {
    command
      .argument("[service|svc/name|instance/name]", "whose")
      .option("-l, --selector <labels>", "all services with these labels, merged by time")
      .option("--all", "all services, merged by time")
      .option("-f, --follow", "go on as lines come")
      .option("-p, --previous", "what was printed before the last restart")
      .addOption(new Option("-n, --tail <lines>", "only the last ones; of each container 50000 at most").argParser(wholeNumber))
      .addOption(new Option("--since <duration|time>", "only since then: 1h, or 2026-01-31T12:00:00Z").argParser(parseSince))
      .option("-c, --container <name>", "only of this container")
      .option("--node <name>", "only of what runs there")
      .option("--prefix", "say whose each line is; the default where there are several")
      .option("--no-prefix", "never say it")
      .option("--timestamps", "say when")
      .addOption(new Option("-o, --output <format>", "one object a line").choices(["json"]))
      .addHelpText(
        "before",
        "Examples:\n  fossora logs jellyfin\n  fossora logs svc/paperless -c db -f -n 100\n  fossora logs jellyfin --since 1h --node nas\n",
      )
      .action((target: string | undefined, flags: Flags) =>
        invoke((ports) => {
          const {
            selector,
            all = false,
            follow = false,
            previous = false,
            tail,
            since,
            container,
            node,
            prefix,
            timestamps = false,
          } = flags;
          return runLogs(
            {
              all,
              follow,
              previous,
              timestamps,
              json: flags.output === "json",
              ...(target !== undefined && { target }),
              ...(selector !== undefined && { selector }),
              ...(tail !== undefined && { tail }),
              ...(since !== undefined && { since }),
              ...(container !== undefined && { container }),
              ...(node !== undefined && { node }),
              ...(prefix !== undefined && { prefix }),
            },
            ports,
          );
        }),
      );
  },
};

export async function runLogs(options: LogsOptions, ports: CliPorts): Promise<number> {
  if (options.follow && options.previous)
    throw new Failure(EXIT.usage, "Cannot follow earlier logs: nothing is added to them.", "fossora logs SERVICE --previous");
  const sources = await sourcesOf(options, ports);
  const printer = new LinePrinter(options, sources.length > 1, ports);
  const [only] = sources;
  if (sources.length === 1 && only !== undefined)
    await readStream(only, options, {
      ports,
      printer,
      sink: { line: (line) => Promise.resolve(printer.print(line)), live: () => undefined },
      signal: ports.interrupted,
      isOneOfMany: false,
    });
  else
    await mergeStreams(
      sources.map(({ service }) => service),
      (service, sink, signal) => readStream({ service }, options, { ports, printer, sink, signal, isOneOfMany: true }),
      { print: (line) => printer.print(line), ports },
    );
  printer.end();
  return ports.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
}

interface Source {
  readonly service: string;
  readonly instance?: string;
}

async function sourcesOf({ target, selector, all }: LogsOptions, ports: CliPorts): Promise<readonly Source[]> {
  if (all && target !== undefined)
    throw new Failure(EXIT.usage, `Cannot show logs of "${target}" and of --all: take one of them.`, `fossora logs ${target}`);
  if (all || selector !== undefined) {
    const query = selector === undefined ? {} : { labelSelector: selector };
    const { items } = await ports.client.json<ObjectList>("GET", "/api/v1/services", { query });
    if (items.length === 0) {
      const message = selector === undefined ? "there are no services" : `no service has the labels "${selector}"`;
      throw new Failure(EXIT.notFound, `Cannot show logs: ${message}.`, "fossora get services --show-labels");
    }
    return items.map(({ metadata }) => ({ service: metadata.name }));
  }
  if (target === undefined) throw new Failure(EXIT.usage, "Cannot show logs: whose? Give a service.", "fossora get services");
  return [parseSource(target)];
}

/** `jellyfin`, `svc/jellyfin`, `instance/jellyfin-k3f9`. */
function parseSource(target: string): Source {
  const [kind, name] = target.includes("/") ? target.split("/") : ["service", target];
  const names = kindByWord(kind ?? "");
  if (!name || (names?.kind !== "Service" && names?.kind !== "Instance"))
    throw new Failure(EXIT.usage, `Cannot show logs of "${target}": only services and instances have any.`, "fossora get services");
  return names.kind === "Service" ? { service: name } : { service: name.slice(0, name.lastIndexOf("-")), instance: name };
}

type Told = LogLine | LogNote | LogLive | { readonly type: "ERROR"; readonly status: ApiFailure["status"] };

interface Outlets {
  readonly ports: CliPorts;
  readonly printer: LinePrinter;
  readonly sink: Sink;
  /** Nobody listens any more. */
  readonly signal: AbortSignal;
  /** What it has nothing to show for is told, and keeps the others from nothing. */
  readonly isOneOfMany: boolean;
}

/** Until it ends; with `follow` until the signal: a node that starts again is asked for what it printed since. */
async function readStream(source: Source, options: LogsOptions, outlets: Outlets): Promise<void> {
  const { ports, printer, sink, signal, isOneOfMany } = outlets;
  const told = new OncePerLine();
  const patience = new Patience(ports, RETURNING);
  const beganSeconds = Math.floor(ports.now() / 1000);
  let [again, isAnswering, wasAnswering] = [options, false, false];
  let noted: string | undefined;
  const newOnes: Sink = { ...sink, line: async (line) => (told.isNew(line) ? sink.line(line) : undefined) };
  for (;;) {
    let againInMs = AGAIN_AFTER_MS;
    try {
      await readOnce(source, again, { ...outlets, sink: newOnes }, () => {
        [isAnswering, wasAnswering, noted] = [true, true, undefined];
        patience.renew();
      });
    } catch (error) {
      // The first try of one must succeed: a typo is no reason to wait.
      if (!options.follow || !wasAnswering || !patience.bears(error)) {
        if (!isOneOfMany || !hasNothingToShow(error)) throw error;
        if (error.message !== noted) printer.note(error.message);
        noted = error.message;
        // Nobody waits for what it printed before.
        sink.live();
        againInMs = AWAY_AGAIN_MS;
      }
    }
    if (!options.follow || signal.aborted) return;
    if (isAnswering) ports.stderr.line("the connection to the node ended; trying again");
    isAnswering = false;
    if (wasAnswering) {
      const { tail: _, ...whole } = options;
      const toldSeconds = told.again();
      const since = toldSeconds === undefined ? beganSeconds : toldSeconds - AGAIN_SINCE_SECONDS;
      again = { ...whole, since: Math.max(options.since ?? 0, since) };
    }
    await ports.sleep(againInMs, signal).catch(() => undefined);
    if (signal.aborted) return;
  }
}

/** Nothing of it ran yet, or where it ran does not answer. */
function hasNothingToShow(error: unknown): error is ApiFailure {
  return error instanceof ApiFailure && (error.status.reason === "NotFound" || error.status.reason === "Unreachable");
}

async function readOnce(
  source: Source,
  options: LogsOptions,
  { ports, printer, sink, signal }: Outlets,
  answers: () => void,
): Promise<void> {
  const query = {
    ...(source.instance !== undefined && { instance: source.instance }),
    ...(options.container !== undefined && { container: options.container }),
    ...(options.node !== undefined && { node: options.node }),
    ...(options.follow && { follow: "1" }),
    ...(options.previous && { previous: "1" }),
    ...(options.tail !== undefined && { tail: String(options.tail) }),
    ...(options.since !== undefined && { since: String(options.since) }),
  };
  for await (const line of ports.client.lines<Told>(`/api/v1/services/${encodeURIComponent(source.service)}/logs`, { query, signal })) {
    if ("status" in line) throw new ApiFailure(line.status);
    answers();
    if (!("type" in line)) await sink.line(line);
    else if (line.type === "LIVE") sink.live();
    else printer.note(line.message);
  }
}

/** Says whose a line is once a second source was seen; until then it may be held back, so that the first lines say it too. */
class LinePrinter {
  static readonly #HELD_MAX = 200;
  readonly #options: LogsOptions;
  readonly #ports: CliPorts;
  readonly #sources = new Map<string, number>();
  #prefix: boolean | undefined;
  #held: LogLine[] = [];

  constructor(options: LogsOptions, several: boolean, ports: CliPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#prefix = options.prefix ?? (several ? true : undefined);
  }

  print(line: LogLine): void {
    if (this.#options.json) return this.#ports.stdout.line(JSON.stringify(line));
    const key = `${line.instance}/${line.container}`;
    if (!this.#sources.has(key)) this.#sources.set(key, this.#sources.size);
    if (this.#prefix === undefined && this.#sources.size > 1) this.#prefix = true;
    if (this.#prefix !== undefined || this.#options.follow) {
      this.#release();
      this.#write(line);
    } else {
      this.#held.push(line);
      if (this.#held.length >= LinePrinter.#HELD_MAX) this.#prefix = false;
    }
  }

  /** Between the lines, where it belongs. */
  note(message: string): void {
    this.#release();
    if (!this.#ports.quiet) this.#ports.stderr.line(`${this.#ports.stderr.marks.warn} ${message}`);
  }

  end(): void {
    this.#release();
  }

  #release(): void {
    for (const line of this.#held) this.#write(line);
    this.#held = [];
  }

  #write(line: LogLine): void {
    const time = this.#options.timestamps ? `${line.time} ` : "";
    this.#ports.stdout.line(`${this.#prefixOf(line)}${time}${line.text}`);
  }

  #prefixOf({ instance, container, node }: LogLine): string {
    if (!this.#prefix) return "";
    const index = this.#sources.get(`${instance}/${container}`) ?? 0;
    const color = PREFIX_COLORS[index % PREFIX_COLORS.length] ?? "cyan";
    // The container of a Service that has one is called as the Service.
    const source = container === instance.slice(0, instance.lastIndexOf("-")) ? instance : `${instance}/${container}`;
    return `${this.#ports.stdout.colors[color](`${source}@${node} │`)} `;
  }
}

const DATE = /^\d{4}-\d\d-\d\d(?:$|[T ])/;

/** Only what looks like a date: `Date.parse` takes 10 for a month of 2001. */
function parseSince(text: string): number {
  const ms = parseDuration(text);
  const sinceMs = ms !== undefined ? Date.now() - ms : DATE.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(sinceMs)) throw new InvalidArgumentError("It should look like 1h, or 2026-01-31T12:00:00Z.");
  return Math.floor(sinceMs / 1000);
}
