// What happened in a simulation, line by line: the last lines explain a failure, the fingerprint of all of them shows that two runs of
// one seed are the same run.
import { createHash } from "node:crypto";
import type { VirtualClock } from "../fakes/clock.ts";

const KEPT_LINES = 400;
const SHOWN_CHARACTERS = 240;

export class Trace {
  /** Hears every line as it comes. */
  tell: ((line: string) => void) | undefined;
  readonly #time: VirtualClock;
  readonly #lines: string[] = [];
  readonly #hash = createHash("sha256");
  #count = 0;

  constructor(time: VirtualClock) {
    this.#time = time;
  }

  get count(): number {
    return this.#count;
  }

  add(who: string, what: string): void {
    const line = `${(this.#time.now() / 1000).toFixed(3).padStart(10)} ${who.padEnd(6)} ${what}`;
    this.#hash.update(`${line}\n`);
    this.#count += 1;
    this.tell?.(line);
    this.#lines.push(line.slice(0, SHOWN_CHARACTERS));
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines.splice(0, KEPT_LINES);
  }

  last(lines: number): string {
    return this.#lines.slice(-lines).join("\n");
  }

  fingerprint(): string {
    return this.#hash.copy().digest("hex");
  }
}
