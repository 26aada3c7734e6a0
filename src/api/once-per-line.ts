// Which lines of a log are new: a node that is asked again, after it was away, begins with some that it told before. Pure.
import { isEarlier } from "./log-merger.ts";
import type { LogLine } from "./wire.ts";

export class OncePerLine {
  /** By container: within one, times only grow. */
  readonly #last = new Map<string, LogLine>();
  /** Of containers whose node was asked again: what is not later was told before. */
  readonly #toldUntil = new Map<string, string>();

  isNew(line: LogLine): boolean {
    const key = `${line.node} ${line.instance} ${line.container} ${line.stream}`;
    const until = this.#toldUntil.get(key);
    if (until !== undefined && !isEarlier(until, line.time)) return false;
    this.#last.set(key, line);
    return true;
  }

  /** From where to ask a node again, or all of them, in Unix seconds; undefined: nothing was told yet. */
  again(node?: string): number | undefined {
    const lines = [...this.#last].filter(([, line]) => (node ?? line.node) === line.node && line.time !== "");
    for (const [key, { time }] of lines) this.#toldUntil.set(key, time);
    const latest = lines.map(([, { time }]) => time).reduce((a, b) => (isEarlier(a, b) ? b : a), "");
    return latest === "" ? undefined : Math.floor(Date.parse(latest) / 1000);
  }
}
