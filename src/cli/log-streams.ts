// Lines of several services' streams as one, in the order of their times: what was printed before exactly, what comes as they come.
import { LogMerger } from "../api/log-merger.ts";
import type { LogLine } from "../api/wire.ts";
import type { CliPorts } from "./verb.ts";

/** Of one stream, while lines of another one are awaited. */
const WAITING_LINES_MAX = 1_000;
const ROOM_AGAIN_MS = 10;

/** Where a stream brings what it has; `live`: from now on its lines are new ones. */
export interface Sink {
  line(line: LogLine): Promise<void>;
  live(): void;
}

/** Until all of them have ended. `read` tells one stream's lines in their order until the signal; what it throws is thrown, and ends the others. */
export async function mergeStreams(
  names: readonly string[],
  read: (name: string, sink: Sink, signal: AbortSignal) => Promise<void>,
  { print, ports }: { readonly print: (line: LogLine) => void; readonly ports: Pick<CliPorts, "now" | "sleep" | "interrupted"> },
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ports.interrupted, ended.signal]);
  const merger = new LogMerger();
  let wake = (): void => undefined;
  let [open, failure] = [names.length, undefined as { readonly error: unknown } | undefined];
  const sinkOf = (name: string): Sink => ({
    async line(line) {
      merger.push(name, line, ports.now());
      wake();
      while (merger.waiting(name) > WAITING_LINES_MAX && !signal.aborted) await ports.sleep(ROOM_AGAIN_MS, signal).catch(() => undefined);
    },
    live() {
      merger.live(name);
      wake();
    },
  });
  for (const name of names) merger.add(name);
  for (const name of names)
    void read(name, sinkOf(name), signal)
      .catch((error: unknown) => (failure ??= { error }))
      .finally(() => {
        merger.end(name);
        open -= 1;
        wake();
      });
  for (;;) {
    const stirred = new Promise<void>((resolve) => (wake = resolve));
    const { lines, againInMs } = merger.take(ports.now());
    for (const line of lines) print(line);
    if (failure !== undefined) {
      ended.abort(new Error("Another log cannot be told"));
      throw failure.error;
    }
    if (lines.length > 0) continue;
    if (open === 0) return;
    await (againInMs === undefined ? stirred : Promise.race([stirred, ports.sleep(againInMs, ports.interrupted).catch(() => undefined)]));
  }
}
