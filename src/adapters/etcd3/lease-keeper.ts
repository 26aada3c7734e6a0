// Keeps one lease alive and its keys written, whatever becomes of members and connections: a lease that was lost is granted anew and
// the keys are written again. Knows no etcd3: the fake store keeps its leases with it too.
import type { BootMs, Clock, Lease, Log } from "../../ports.ts";

export interface Grant {
  readonly id: string;
  /** A restored store may know the lease and lack its keys, so a lease of another cluster counts as lost. */
  readonly clusterId: string;
}

/** One bounded attempt each; the next attempt after a failure goes to another host. */
export interface LeaseCalls {
  grant(ttlMs: number, signal: AbortSignal): Promise<Grant>;
  /** False: the store says that there is no such lease. */
  keepAlive(lease: Grant, signal: AbortSignal): Promise<boolean>;
  /** The revision; undefined: the store says that there is no such lease. */
  put(lease: Grant, key: string, value: string, signal: AbortSignal): Promise<number | undefined>;
  /** Deletes the key if it is still the lease's. */
  delete(lease: Grant, key: string, signal: AbortSignal): Promise<void>;
  revoke(lease: Grant, signal: AbortSignal): Promise<void>;
  /** Ends what renewals keep open. */
  close(): void;
}

/** Renewals begin so far apart, answered or not: whatever a new leader takes counts from the last one, and a renewal writes nothing to a disk. */
const RENEWALS_PER_TTL = 16;
/** After one that was stuck for longer. */
const PAUSES_PER_TTL = 80;
/** A call that is not answered in this part of the TTL leaves enough of it to ask other hosts. */
const CALLS_PER_TTL = 10;
/** A small computer under load takes this long to greet. */
const CALL_LIMIT_MIN_MS = 1_000;
/** How long `close` tries to revoke; after that the lease runs out by itself. */
const REVOKE_LIMIT_MS = 3_000;

/** Of one call. */
export function callLimitMs(ttlMs: number): number {
  return Math.max(CALL_LIMIT_MIN_MS, ttlMs / CALLS_PER_TTL);
}

export class LeaseKeeper implements Lease {
  readonly #ttlMs: number;
  readonly #calls: LeaseCalls;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #wanted = new Map<string, string>();
  /** What the present lease holds; empty again with each new one. Without a value: it is not known which, for a call had no answer. */
  readonly #written = new Map<string, { readonly value?: string; readonly revision: number }>();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #lease: Grant | undefined;
  #renewedAtMs: BootMs | undefined;
  #losses = 0;
  #changed = false;
  #wake: () => void = () => {};

  constructor(ttlMs: number, calls: LeaseCalls, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#ttlMs = ttlMs;
    this.#calls = calls;
    this.#clock = clock;
    this.#log = log;
    this.#running = this.#run();
  }

  put(key: string, value: string): void {
    this.#wanted.set(key, value);
    this.#change();
  }

  delete(key: string): void {
    this.#wanted.delete(key);
    this.#change();
  }

  renewedAtMs(): BootMs | undefined {
    return this.#renewedAtMs;
  }

  losses(): number {
    return this.#losses;
  }

  writtenAt(key: string): number | undefined {
    return this.#written.get(key)?.revision;
  }

  async close(): Promise<void> {
    await this.abandon();
    if (this.#lease === undefined) return;
    const limit = new AbortController();
    const cancel = this.#clock.timer(REVOKE_LIMIT_MS, () => limit.abort(new Error(`not revoked within ${REVOKE_LIMIT_MS} ms`)));
    await this.#calls.revoke(this.#lease, limit.signal).catch((error: unknown) => this.#log.debug("Lease was left to run out", { error }));
    cancel();
  }

  /** Stops renewing and leaves the lease to run out: what a process does that will soon be back. */
  async abandon(): Promise<void> {
    this.#ending.abort(new Error("the lease was closed"));
    this.#wake();
    await this.#running;
    this.#calls.close();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const beganMs = this.#clock.now();
      try {
        await this.#renew();
        await this.#write();
        await this.#pause(this.#untilDueMs());
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#log.debug("Lease was not renewed", { error });
        // A change does not cut this short: whoever is away is not asked more often because keys change.
        const pauseMs = Math.max(this.#ttlMs / PAUSES_PER_TTL, beganMs + this.#ttlMs / RENEWALS_PER_TTL - this.#clock.now());
        await this.#clock.sleep(pauseMs, this.#ending.signal).catch(() => {});
      }
    }
  }

  async #renew(): Promise<void> {
    const { signal } = this.#ending;
    if (this.#lease !== undefined && this.#untilDueMs() > 0) return;
    const sentAtMs = this.#clock.now();
    if (this.#lease !== undefined && !(await this.#calls.keepAlive(this.#lease, signal))) return this.#lose();
    this.#lease ??= await this.#calls.grant(this.#ttlMs, signal);
    this.#renewedAtMs = sentAtMs;
  }

  async #write(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    const { signal } = this.#ending;
    for (const [key, value] of this.#wanted) {
      if (this.#written.get(key)?.value === value) continue;
      this.#doubt(key);
      const revision = await this.#calls.put(lease, key, value, signal);
      if (revision === undefined) {
        this.#lose();
        throw new Error(`There is no such lease any more: ${key} was not written`);
      }
      this.#written.set(key, { value, revision });
    }
    for (const key of this.#written.keys()) {
      if (this.#wanted.has(key)) continue;
      this.#doubt(key);
      await this.#calls.delete(lease, key, signal);
      this.#written.delete(key);
    }
  }

  /** Until the call is answered. */
  #doubt(key: string): void {
    const before = this.#written.get(key);
    if (before !== undefined) this.#written.set(key, { revision: before.revision });
  }

  #lose(): void {
    this.#log.warn("Lease was lost, its keys are written anew", { keys: this.#wanted.size });
    this.#losses += 1;
    this.#lease = undefined;
    this.#written.clear();
  }

  #untilDueMs(): number {
    if (this.#lease === undefined || this.#renewedAtMs === undefined) return 0;
    return Math.max(0, this.#renewedAtMs + this.#ttlMs / RENEWALS_PER_TTL - this.#clock.now());
  }

  #change(): void {
    this.#changed = true;
    this.#wake();
  }

  #pause(ms: number): Promise<void> {
    const changed = this.#changed;
    this.#changed = false;
    if (changed || this.#ending.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.timer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
