// Hears from logind that this machine is about to shut down or to sleep, and holds it up for as long as logind allows. By the two programs
// that come with logind, for the lock is a file descriptor that D-Bus hands over, which no package in plain JavaScript can take.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Clock, Log } from "../../ports.ts";
import { parseDelayMs, parseSignal, type PowerSignal } from "./signals.ts";

export interface LogindOptions {
  /** The machine stops when what is returned has ended, or when the time is over. */
  readonly onStopping: (what: PowerSignal["what"], withinMs: number) => Promise<void>;
  /** It slept, and is awake again; or it was not to stop after all. */
  readonly onBack: () => void;
  /** Names or paths; others in tests. */
  readonly programs?: { readonly inhibit: string; readonly bus: string };
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Log;
}

const MANAGER = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"] as const;
const MATCH = "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Manager'";
/** For what comes after what is waited for: letting go, and logind noticing it. */
const MARGIN_MS = 500;
const ASK_LIMIT_MS = 5_000;
const AGAIN_AFTER_MS = 30_000;

export class Logind {
  readonly #options: LogindOptions;
  readonly #programs: { readonly inhibit: string; readonly bus: string };
  #lock: ChildProcess | undefined;
  #delayMs = 0;

  constructor(options: LogindOptions) {
    this.#options = options;
    this.#programs = options.programs ?? { inhibit: "systemd-inhibit", bus: "busctl" };
  }

  /** Until the signal. Without logind it ends at once. */
  async run(signal: AbortSignal): Promise<void> {
    const { onBack, clock, log } = this.#options;
    const delayMs = await this.#askDelay(signal);
    if (delayMs === undefined) return log.debug("There is no logind: nobody tells when this machine stops");
    this.#delayMs = delayMs;
    while (!signal.aborted) {
      await this.#listen(signal).catch((error: unknown) => log.debug("logind is not heard", { error: String(error) }));
      this.#letGo();
      // What was said meanwhile was not heard; that it is awake it knows.
      onBack();
      await clock.sleep(AGAIN_AFTER_MS, signal).catch(() => undefined); // aborted: the loop ends
    }
  }

  async #askDelay(signal: AbortSignal): Promise<number | undefined> {
    try {
      const words = ["--system", "--json=short", "get-property", ...MANAGER, "InhibitDelayMaxUSec"];
      const { stdout } = await promisify(execFile)(this.#programs.bus, words, { timeout: ASK_LIMIT_MS, signal });
      return parseDelayMs(stdout);
    } catch {
      return undefined; // no such program, no such service, or not for us to ask
    }
  }

  /** Until it ends by itself, or the signal. */
  async #listen(signal: AbortSignal): Promise<void> {
    // Its own end is seen to by a reader of our pipe: an agent that is killed must leave no listener behind.
    const script = '"$0" --system --json=short --match="$1" monitor & cat >/dev/null; kill $!';
    const listener = spawn("sh", ["-c", script, this.#programs.bus, MATCH], { stdio: ["pipe", "pipe", "ignore"] });
    const ended = once(listener, "exit");
    ended.catch(() => undefined); // awaited below
    const stop = (): void => void listener.stdin.end();
    signal.addEventListener("abort", stop, { once: true });
    try {
      this.#hold();
      for await (const line of createInterface({ input: listener.stdout })) this.#hear(parseSignal(line));
      await ended;
    } finally {
      stop();
      signal.removeEventListener("abort", stop);
    }
  }

  #hear(heard: PowerSignal | undefined): void {
    if (heard === undefined) return;
    const { onStopping, onBack, log } = this.#options;
    if (!heard.begins) {
      this.#hold();
      return onBack();
    }
    log.info("This machine is about to stop", { what: heard.what, withinMs: this.#delayMs });
    onStopping(heard.what, Math.max(0, this.#delayMs - MARGIN_MS))
      .catch((error: unknown) => log.warn("Not all was done before this machine stops", { error: String(error) }))
      .finally(() => this.#letGo());
  }

  /** The lock lasts as long as its program, and that as long as our pipe. */
  #hold(): void {
    if (this.#lock !== undefined) return;
    const words = ["--what=shutdown:sleep", "--mode=delay", "--who=Fossora", "--why=Its apps move to other computers of the house", "cat"];
    const lock = spawn(this.#programs.inhibit, words, { stdio: ["pipe", "ignore", "ignore"] });
    lock.once("error", (error) => this.#options.log.debug("The machine cannot be held up", { error: String(error) }));
    lock.stdin.on("error", () => undefined); // it has ended before us
    this.#lock = lock;
  }

  #letGo(): void {
    this.#lock?.stdin?.end();
    this.#lock = undefined;
  }
}
