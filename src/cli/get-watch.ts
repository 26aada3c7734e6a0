// `get -w`: a table that grows by one line at each change that it can show. A broken connection is taken up again.
import { reference } from "../api/kinds.ts";
import type { ServedObject, WatchLine } from "../api/wire.ts";
import { watchLines } from "./client.ts";
import { columnsOf, type Column } from "./columns.ts";
import { EXIT, Failure } from "./failure.ts";
import { Patience } from "./patience.ts";
import { yaml, type Format } from "./print.ts";
import { formatRow, widthsOf } from "./table.ts";
import { pathOf, type Target } from "./targets.ts";
import type { CliPorts } from "./verb.ts";

export interface GetOptions {
  readonly targets: readonly Target[];
  readonly format: Format;
  readonly selector?: string;
  readonly fields?: string;
  readonly sortBy?: string;
  readonly showLabels: boolean;
  readonly watch: boolean;
}

const AGAIN_AFTER_MS = 1_000;

export async function watchGroups(options: GetOptions, ports: CliPorts): Promise<number> {
  const tables = options.targets.map((target) => new TableWatch(target, options, ports).run());
  const ended = new AbortController();
  const nodes = options.targets.find(({ names }) => names.kind === "Membership");
  const notices = nodes === undefined || ports.quiet ? undefined : sayNodeNews(nodes.name, ports, ended.signal);
  await Promise.all(tables).finally(() => ended.abort());
  await notices;
  return ports.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
}

/** A computer on its way into the house is in no table yet: what happens to it is said beside, on stderr. */
async function sayNodeNews(name: string | undefined, ports: CliPorts, ended: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([ended, ports.interrupted]);
  while (!signal.aborted) {
    try {
      let isNew = false;
      for await (const line of watchLines(ports.client, "/api/v1/events", { signal })) {
        if (line.type === "BOOKMARK") isNew = true;
        if (!isNew || line.type !== "ADDED" || line.object.kind !== "Event") continue;
        const { object, message } = line.object.spec;
        const [kind, node = ""] = object.split("/");
        if (kind !== "Membership" || (name !== undefined && node !== name)) continue;
        ports.stderr.line(`${clockTime(line.object.metadata.creationTimestamp)} node ${node}: ${message}`);
      }
    } catch {
      // The table's own watch says what is wrong.
    }
    await ports.sleep(AGAIN_AFTER_MS, signal).catch(() => undefined);
  }
}

/** `20:14:07`, as the clock on the wall. */
function clockTime(time: string): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

class TableWatch {
  readonly #target: Target;
  readonly #options: GetOptions;
  readonly #ports: CliPorts;
  readonly #columns: readonly Column[];
  /** What was printed last of each object. */
  readonly #shown = new Map<string, { readonly object: ServedObject; readonly text: string }>();
  #widths: readonly number[] = [];
  #synced = false;
  #connected = false;
  #stale = false;
  readonly #patience: Patience;

  constructor(target: Target, options: GetOptions, ports: CliPorts) {
    this.#target = target;
    this.#options = options;
    this.#ports = ports;
    this.#patience = new Patience(ports, ["NoHouse"]);
    const { format } = options;
    this.#columns =
      format.kind === "custom"
        ? format.columns
        : columnsOf(target.names.kind, { wide: format.kind === "table" && format.wide, labels: options.showLabels });
  }

  async run(): Promise<void> {
    const { interrupted } = this.#ports;
    for (;;) {
      try {
        await this.#watchOnce();
      } catch (error) {
        if (interrupted.aborted) return;
        // The first try must succeed: a typo is no reason to wait.
        if (!this.#synced || !this.#patience.bears(error)) throw error;
      }
      if (interrupted.aborted) return;
      if (!this.#synced)
        throw new Failure(EXIT.unreachable, "Cannot watch: the node ended the answer before all of it was there.", "fossora status");
      if (this.#connected) this.#ports.stderr.line("the connection to the node ended; trying again");
      this.#connected = false;
      await this.#ports.sleep(AGAIN_AFTER_MS, interrupted).catch(() => undefined);
    }
  }

  async #watchOnce(): Promise<void> {
    const { selector, fields } = this.#options;
    const { name, names } = this.#target;
    const byName = name === undefined ? fields : [`metadata.name=${name}`, ...(fields === undefined ? [] : [fields])].join(",");
    const first: ServedObject[] = [];
    let syncing = true;
    for await (const line of watchLines(this.#ports.client, pathOf({ names }), {
      query: { labelSelector: selector, fieldSelector: byName },
      signal: this.#ports.interrupted,
    })) {
      if (line.type === "BOOKMARK") {
        if (syncing) await this.#sync(first);
        syncing = false;
        this.#sayStale(line);
      } else if (line.type === "PROGRESS") continue;
      else if (syncing) first.push(line.object);
      else if (line.type === "DELETED") await this.#gone(line.object);
      else await this.#show(line.object);
    }
  }

  /** The whole state, at first and after each new connection. */
  async #sync(objects: readonly ServedObject[]): Promise<void> {
    if (!this.#synced) this.#begin(objects);
    this.#synced = true;
    this.#connected = true;
    this.#patience.renew();
    const there = new Set(objects.map((object) => object.metadata.name));
    for (const { object } of [...this.#shown.values()]) if (!there.has(object.metadata.name)) await this.#gone(object);
    for (const object of objects) await this.#show(object);
  }

  #begin(objects: readonly ServedObject[]): void {
    if (!isTable(this.#options.format)) return;
    const headers = this.#columns.map((column) => column.header);
    this.#widths = widthsOf([headers, ...objects.map((object) => this.#row(object))]);
    this.#ports.stdout.line(formatRow(headers, this.#widths));
  }

  async #show(object: ServedObject): Promise<void> {
    const { name } = object.metadata;
    const text = await this.#text(object);
    // Ages grow by themselves: they are no change.
    const what = isTable(this.#options.format)
      ? this.#columns.map((column) => (column.header === "AGE" ? "" : column.value(object, this.#ports.now()))).join("\u0000")
      : text;
    if (this.#shown.get(name)?.text === what) return;
    this.#shown.set(name, { object, text: what });
    this.#ports.stdout.line(text);
  }

  async #gone(object: ServedObject): Promise<void> {
    if (!this.#shown.delete(object.metadata.name)) return;
    if (!isTable(this.#options.format)) return this.#ports.stderr.line(`${reference(object.kind, object.metadata.name)} deleted`);
    const mark = this.#columns.findIndex((column) => column.header === "STATUS");
    const at = mark === -1 ? this.#columns.findIndex((column) => column.header === "READY") : mark;
    this.#ports.stdout.line(
      formatRow(
        this.#row(object).map((cell, index) => (index === at ? "Deleted" : cell)),
        this.#widths,
      ),
    );
  }

  async #text(object: ServedObject): Promise<string> {
    const { format } = this.#options;
    switch (format.kind) {
      case "json":
        return JSON.stringify(object);
      case "yaml":
        return `---\n${await yaml(object)}`;
      case "name":
        return reference(object.kind, object.metadata.name);
      case "jsonpath":
        return format.render(object);
      case "custom":
      case "table":
        return formatRow(this.#row(object), this.#widths);
    }
  }

  #row(object: ServedObject): readonly string[] {
    return this.#columns.map((column) => column.value(object, this.#ports.now()));
  }

  #sayStale(line: Extract<WatchLine, { type: "BOOKMARK" }>): void {
    if ((line.stale ?? false) === this.#stale) return;
    this.#stale = !this.#stale;
    this.#ports.stderr.line(
      this.#stale ? "the house's store does not answer: nothing new is seen until it does" : "the house's store answers again",
    );
  }
}

function isTable(format: Format): boolean {
  return format.kind === "table" || format.kind === "custom";
}
