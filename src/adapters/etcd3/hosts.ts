// Which voter to ask next: the first in the list (the local one) unless it failed a moment ago. All calls and streams of a store share
// what each of them learns.
import type { BootMs, Clock, Log } from "../../ports.ts";

/** A host that failed is asked again after this, or earlier when all have failed. */
const SUSPECT_MS = 10_000;

interface Host {
  readonly address: string;
  /** Aborted when the host leaves the list: whatever still runs on it moves. */
  readonly leaving: AbortController;
  failedAtMs: BootMs | undefined;
}

export class Hosts {
  readonly #clock: Clock;
  readonly #log: Log;
  #hosts: readonly Host[] = [];

  constructor(addresses: readonly string[], { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.set(addresses);
  }

  /** In order of preference. */
  set(addresses: readonly string[]): void {
    const before = this.#hosts;
    this.#hosts = addresses.map(
      (address) => before.find((host) => host.address === address) ?? { address, leaving: new AbortController(), failedAtMs: undefined },
    );
    for (const host of before) if (!this.#hosts.includes(host)) host.leaving.abort(new Error(`${host.address} is asked no more`));
  }

  /** Throws when there is none. */
  pick(): string {
    const trusted = this.#hosts.find(({ failedAtMs }) => failedAtMs === undefined || this.#clock.now() - failedAtMs >= SUSPECT_MS);
    const [first, ...others] = this.#hosts;
    if (!first) throw new Error("The list of voters is empty");
    return (trusted ?? others.reduce((a, b) => ((b.failedAtMs ?? 0) < (a.failedAtMs ?? 0) ? b : a), first)).address;
  }

  /** Aborted when the host leaves the list. */
  leaving(address: string): AbortSignal {
    return this.#find(address)?.leaving.signal ?? AbortSignal.abort(new Error(`${address} is not a voter`));
  }

  failed(address: string, error: unknown): void {
    const host = this.#find(address);
    if (!host) return;
    if (host.failedAtMs === undefined) this.#log.warn("Store host failed", { host: address, error: String(error) });
    host.failedAtMs = this.#clock.now();
  }

  answered(address: string): void {
    const host = this.#find(address);
    if (host?.failedAtMs === undefined) return;
    host.failedAtMs = undefined;
    this.#log.info("Store host answered again", { host: address });
  }

  #find(address: string): Host | undefined {
    return this.#hosts.find((host) => host.address === address);
  }
}
