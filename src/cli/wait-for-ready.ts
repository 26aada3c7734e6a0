// Watching what was changed until all of it is ready, or cannot become so, or the time is over: how `apply` and `rollout` end.
import type { ApplyResult, LogLine, LogNote } from "../api/wire.ts";
import { EXIT, Failure } from "./failure.ts";
import { follow, keyOf, NOTHING_SEEN, type Sight } from "./follow.ts";
import { outcomeOf, refOf } from "./rollout.ts";
import { rolloutView } from "./rollout-view.ts";
import type { CliPorts } from "./verb.ts";

type Applied = Pick<ApplyResult, "kind" | "name" | "generation">;

const LOG_TAIL = 10;
/** What was wrong with the generation before may be told once more. */
const FAILED_FOR_MS = 1_000;

/** Ctrl-C stops the watching, not what is watched. */
export async function waitForAll(results: readonly Applied[], timeoutMs: number, ports: CliPorts): Promise<number> {
  const view = rolloutView(results, ports);
  let last = NOTHING_SEEN;
  let failedSinceMs: number | undefined;
  const look = (sight: Sight): "ready" | "failed" | undefined => {
    last = sight;
    view.show(sight);
    const states = results.map((each) => outcomeOf(sight.objects.get(keyOf(each)), each.generation).state);
    if (states.includes("waiting")) failedSinceMs = undefined;
    else if (!states.includes("failed")) return "ready";
    else if (ports.now() - (failedSinceMs ??= ports.now()) >= FAILED_FOR_MS) return "failed";
    return undefined;
  };
  const settled = await follow(results, ports, timeoutMs, look)
    .catch((error: unknown) => {
      if (ports.interrupted.aborted) return "interrupted" as const;
      throw error;
    })
    .finally(() => view.end(last));
  if (settled === "ready") return EXIT.ok;
  if (settled === "failed") throw await failed(results, last, ports);
  if (settled === undefined) throw timedOut(results, last, { timeoutMs, ports });
  ports.stderr.line(`Stopped watching; the house goes on with it. To see: fossora get ${firstUnready(results, last)} -w`);
  return EXIT.interrupted;
}

function timedOut(
  results: readonly Applied[],
  sight: Sight,
  { timeoutMs, ports }: { readonly timeoutMs: number; readonly ports: CliPorts },
): Failure {
  for (const each of results) {
    const outcome = outcomeOf(sight.objects.get(keyOf(each)), each.generation);
    if (outcome.state === "waiting")
      ports.stderr.line(
        `${ports.stderr.marks.error} ${refOf(each)} is not ready: ${outcome.message || "nothing was said of it"} (${outcome.reason})`,
      );
  }
  return new Failure(
    EXIT.timeout,
    `Not everything was ready after ${timeoutMs / 1000} s; the house goes on with it.`,
    `fossora describe ${firstUnready(results, sight)}`,
  );
}

/** The last lines that the app itself printed often say it all. */
async function failed(results: readonly Applied[], sight: Sight, ports: CliPorts): Promise<Failure> {
  const those = results.filter((each) => outcomeOf(sight.objects.get(keyOf(each)), each.generation).state === "failed");
  for (const each of those) {
    if (each.kind !== "Service") continue;
    for (const line of await logTail(each.name, ports))
      ports.stderr.line(`  ${ports.stderr.colors.dim(`${line.container} │`)} ${line.text}`);
  }
  const first = those[0];
  return new Failure(
    EXIT.failed,
    `${those.map(refOf).join(", ")} cannot become ready as it was written.`,
    first ? `fossora describe ${refOf(first)}` : "fossora status",
  );
}

async function logTail(service: string, ports: CliPorts): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  try {
    for await (const line of ports.client.lines<LogLine | LogNote>(`/api/v1/services/${service}/logs`, {
      query: { tail: String(LOG_TAIL) },
    }))
      if (!("type" in line)) lines.push(line);
  } catch {
    // It never ran: there is nothing to show.
  }
  return lines.slice(-LOG_TAIL);
}

function firstUnready(results: readonly Applied[], sight: Sight): string {
  const first = results.find((each) => outcomeOf(sight.objects.get(keyOf(each)), each.generation).state !== "ready") ?? results[0];
  return first ? refOf(first) : "services";
}
