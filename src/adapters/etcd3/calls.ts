// Single calls: one client a host, a deadline on every attempt, another host after a failure, and never a second attempt at a write
// that may have happened.
import type { Etcd3 } from "etcd3";
import { OutcomeUnknown, StoreFull, StoreUnavailable } from "../../api/errors.ts";
import type { Clock } from "../../ports.ts";
import { connect, type Credentials } from "./connect.ts";
import { faultOf, type Fault } from "./faults.ts";
import type { Hosts } from "./hosts.ts";

export type Call<T> = (etcd: Etcd3) => Promise<T>;

export interface CallLimits {
  readonly signal: AbortSignal;
  /** Of all attempts together; long enough for an election over a tailnet. */
  readonly limitMs?: number;
}

const ATTEMPT_MS = 4_000;
const LIMIT_MS = 12_000;
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 1_000;
/** A small computer under load takes this long to greet: a write that is cut short meanwhile would be told as one that may have happened. */
const ATTEMPT_MIN_MS = 1_000;
/** So that a call with little time has more than one attempt. */
const ATTEMPT_MIN_PART = 1 / 4;

export class Calls {
  readonly #hosts: Hosts;
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly #attemptMs: number;
  readonly #clients = new Map<string, Etcd3>();

  constructor(
    hosts: Hosts,
    {
      clock,
      credentials,
      attemptMs = ATTEMPT_MS,
    }: { readonly clock: Clock; readonly credentials: Credentials; readonly attemptMs?: number | undefined },
  ) {
    this.#hosts = hosts;
    this.#clock = clock;
    this.#credentials = credentials;
    this.#attemptMs = attemptMs;
  }

  /** Throws StoreUnavailable. */
  read<T>(call: Call<T>, limits: CallLimits): Promise<T> {
    return this.#attempt(call, limits, "read");
  }

  /** Throws StoreUnavailable when nothing was written (StoreFull: no host would), OutcomeUnknown when that cannot be known. */
  write<T>(call: Call<T>, limits: CallLimits): Promise<T> {
    return this.#attempt(call, limits, "write");
  }

  /** Closes the clients of all other hosts. */
  keepOnly(hosts: readonly string[]): void {
    for (const host of this.#clients.keys()) if (!hosts.includes(host)) this.#drop(host);
  }

  async #attempt<T>(
    call: Call<T>,
    { signal, limitMs = Math.max(LIMIT_MS, this.#attemptMs) }: CallLimits,
    verb: "read" | "write",
  ): Promise<T> {
    const endMs = this.#clock.now() + limitMs;
    /** No further attempt begins later. */
    const lastMs = endMs - Math.min(ATTEMPT_MIN_MS, limitMs * ATTEMPT_MIN_PART);
    const inVain = (host: string, cause: unknown): StoreUnavailable =>
      new StoreUnavailable(`Cannot ${verb}: no voter answered, the last one asked was ${host}`, { cause });
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      signal.throwIfAborted();
      const host = this.#hosts.pick();
      try {
        return await this.#attemptAt(host, call, { signal, limitMs: endMs - this.#clock.now() });
      } catch (cause) {
        signal.throwIfAborted();
        const fault = faultOf(cause);
        // What is read in parts is asked for in smaller ones the next time.
        if (fault === "invalid" || (fault === "tooLarge" && verb === "write")) throw cause;
        if (fault === "full") throw new StoreFull(`Cannot ${verb}: the store has no room left`, { cause });
        if (verb === "write" && fault === "unanswered") throw new OutcomeUnknown(`Cannot tell whether ${host} wrote: no answer`, { cause });
        if (this.#clock.now() + pauseMs > lastMs) throw inVain(host, cause);
        await this.#clock.sleep(pauseMs, signal);
        // The computer stood still: whoever is asked now has no time to answer, and is not to blame.
        if (this.#clock.now() > lastMs) throw inVain(host, cause);
      }
    }
  }

  async #attemptAt<T>(host: string, call: Call<T>, { signal, limitMs }: Required<CallLimits>): Promise<T> {
    const client = this.#client(host);
    const late = new AbortController();
    const cancel = this.#clock.timer(limitMs, () => late.abort(new Error(`No answer within ${limitMs} ms`)));
    try {
      const result = await abortable(call(client), AbortSignal.any([signal, late.signal, this.#hosts.leaving(host)]));
      this.#hosts.answered(host);
      return result;
    } catch (error) {
      if (!signal.aborted && !isAnswer(faultOf(error))) {
        // The next call gets a new connection; what still runs on the old one may end.
        if (this.#clients.get(host) === client) this.#drop(host);
        this.#hosts.failed(host, error);
      }
      throw error;
    } finally {
      cancel();
    }
  }

  #client(host: string): Etcd3 {
    const known = this.#clients.get(host);
    if (known) return known;
    const client = connect({ host, credentials: this.#credentials, attemptMs: this.#attemptMs });
    this.#clients.set(host, client);
    return client;
  }

  #drop(host: string): void {
    this.#clients.get(host)?.close();
    this.#clients.delete(host);
  }
}

/** The host is well. */
function isAnswer(fault: Fault): boolean {
  return fault === "invalid" || fault === "tooLarge" || fault === "full";
}

/** etcd3 cannot cancel a call: it ends at its deadline, and nobody waits for it. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
