// The ingress of this node as a process: adopted when it is of this build, asked to hand over when it is of another, started again
// when it died. After each of these it is told everything anew.
import type { IngressClient } from "../adapters/ingress-client/client.ts";
import type { FenceTold, IngressSettings, IngressStatus } from "../api/table.ts";
import type { Clock, Log } from "../ports.ts";
import type { Child, ChildCommand } from "./child.ts";
import type { Program } from "./program.ts";

export interface IngressOptions {
  readonly program: Program;
  readonly build: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly child: Child;
  readonly client: IngressClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Another process serves now: it has only what was on disk. */
  readonly onChange: () => void;
  /** What it listens on may be new. */
  readonly onStatus: (status: IngressStatus) => void;
}

const callLimitMs = 5_000;
const handoverLimitMs = 30_000;
/** One that was started anew takes a while until it answers. */
const fenceLimitMs = 10_000;
const retryMs = 50;
/** Listeners that could not be bound are tried again by the ingress: this is how soon their state is seen here. */
const statusEveryMs = 30_000;

export class IngressKeeper {
  readonly #options: IngressOptions;
  readonly #command: ChildCommand;
  #settings: IngressSettings | undefined;
  #status: IngressStatus | undefined;

  constructor(options: IngressOptions) {
    this.#options = options;
    const { program, build, dataDir, runDir } = options;
    const args = [...program.args, "ingress", "--data-dir", dataDir, "--run-dir", runDir, "--build", build];
    this.#command = { file: program.file, args, env: {}, identity: [program.file, ...args].join(" ") };
  }

  /** Resolves once a process was started or adopted, or at the signal; watches it until that, when it is left alive. */
  async start(signal: AbortSignal): Promise<void> {
    const { child, client, log } = this.#options;
    signal.addEventListener("abort", () => child.release(), { once: true });
    await this.#find(signal);
    if (signal.aborted) return child.release(); // it may have been before it was listened to
    const running = child.running();
    let told: FenceTold | undefined;
    if (running && running.identity !== this.#command.identity) {
      told = await client.fence(this.#limit(signal, callLimitMs)).catch(() => undefined); // it does not answer, or knows of no such thing
      try {
        const pid = await client.handover({ execPath: this.#command.file, args: this.#command.args }, this.#limit(signal, handoverLimitMs));
        child.replacedBy(pid, this.#command);
        log.info("Ingress handed over to another build", { from: running.pid, to: pid });
      } catch (error) {
        if (signal.aborted) return; // nobody waits, and it hands over all the same: the next agent finds who serves then
        log.warn("Ingress did not hand over; it is replaced", { pid: running.pid, error });
        await this.#find(signal);
        await child.keep(this.#command);
      }
    } else {
      await child.keep(this.#command);
    }
    if (told !== undefined) await this.#tellFence(told, signal);
    void this.#follow(signal);
    void this.#poll(signal);
  }

  /** As last told; none before that. */
  get listeners(): IngressStatus["listeners"] {
    return this.#status?.listeners ?? [];
  }

  /** Sent now and to every process that takes its place. */
  async setSettings(settings: IngressSettings, signal: AbortSignal): Promise<void> {
    this.#settings = settings;
    await this.#send(signal);
  }

  /** Who serves is in no record where it was handed over to and nobody waited for that. */
  async #find(signal: AbortSignal): Promise<void> {
    const { build, child, client, log } = this.#options;
    const status = await client.status(this.#limit(signal, callLimitMs)).catch(() => undefined); // nobody answers
    if (status === undefined || status.pid === child.running()?.pid) return;
    log.info("Ingress was found that is in no record", { pid: status.pid, build: status.build });
    child.found(status.pid, status.build === build ? this.#command.identity : `build ${status.build}`);
  }

  /** What the one before it was told: nobody else knows of that until this agent has looked at its containers. */
  async #tellFence(told: FenceTold, signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#options;
    const limit = this.#limit(signal, fenceLimitMs);
    for (;;) {
      try {
        return await client.putFence(told, limit);
      } catch (error) {
        if (limit.aborted) return log.warn("Ingress was not told what ends with the contact", { error });
        await clock.sleep(retryMs, limit).catch(() => {}); // aborted: the next try says so
      }
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    if (!this.#settings) return;
    await client.putSettings(this.#settings, this.#limit(signal, callLimitMs));
    this.#heard(await client.status(this.#limit(signal, callLimitMs)));
  }

  #heard(status: IngressStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }

  /** Whenever another process takes the place, tells it everything. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { child, client, clock, onChange, log } = this.#options;
    while (!signal.aborted) {
      try {
        await client.status(this.#limit(signal, callLimitMs));
        await this.#send(signal);
        onChange();
        await client.gone(signal);
        child.look();
      } catch (error) {
        if (signal.aborted) return;
        log.debug("Ingress does not answer yet", { error });
        await clock.sleep(retryMs, signal).catch(() => {}); // aborted: the loop ends
      }
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(statusEveryMs, signal).catch(() => {}); // aborted: the loop ends
      await client.status(this.#limit(signal, callLimitMs)).then(
        (status) => this.#heard(status),
        () => {}, // away: #follow sees to that
      );
    }
  }

  #limit(signal: AbortSignal, limitMs: number): AbortSignal {
    return AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  }
}
