// Clients of an app whose computer loses its power: each asks on and on, on a new connection, and remembers which container answered when.
import { once } from "node:events";
import { askPage, lookUp } from "../support/house-client.ts";
import { until } from "../support/until.ts";

const DNS_LIMIT_MS = 1_000;
const CONNECT_LIMIT_MS = 1_000;
const ANSWER_LIMIT_MS = 15_000;
const PAUSE_MS = 20;
const RECOVERY_LIMIT_MS = 180_000;

type AskOnce = () => Promise<string | undefined>;

export class Clients {
  readonly #ending = new AbortController();
  #givingUp = new AbortController();
  readonly #firsts: Map<string, number>[] = [];
  readonly #running: Promise<void>[];

  /** Each answers the container that served it, or throws. */
  constructor(asks: readonly AskOnce[]) {
    this.#running = asks.map((ask) => this.#run(ask));
  }

  /** Resolves when all have been answered; the container that did. */
  async settled(): Promise<string> {
    return until("every client is answered by the same container", () => {
      const [first] = [...(this.#firsts[0]?.keys() ?? [])];
      return first !== undefined && this.#firsts.every((seen) => seen.has(first)) ? first : undefined;
    });
  }

  /** What is under way is given up: a request that a lost computer had taken already says nothing about one that begins after the loss. */
  beginAnew(): void {
    this.#givingUp.abort();
    this.#givingUp = new AbortController();
  }

  /** Until each was answered by another container, ms of `performance.now()`. */
  async recovered(before: string): Promise<readonly number[]> {
    const firstOther = (seen: ReadonlyMap<string, number>): number | undefined =>
      [...seen].find(([container]) => container !== before)?.[1];
    const times = await until(
      "every client is answered from another computer",
      () => {
        const found = this.#firsts.flatMap((seen) => firstOther(seen) ?? []);
        return found.length === this.#firsts.length ? found : undefined;
      },
      RECOVERY_LIMIT_MS,
    );
    return times;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.beginAnew();
    await Promise.all(this.#running);
  }

  async #run(ask: AskOnce): Promise<void> {
    const seen = new Map<string, number>();
    this.#firsts.push(seen);
    while (!this.#ending.signal.aborted) {
      const givenUp = once(this.#givingUp.signal, "abort").then(() => undefined);
      const container = await Promise.race([ask().catch(() => undefined), givenUp]); // it asks again
      if (container !== undefined && !seen.has(container)) seen.set(container, performance.now());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** One client a name server, which it asks first: each look-up asks them in turn, as the only thing that a device has are their addresses. */
export function byName(name: string, servers: readonly string[]): readonly AskOnce[] {
  return servers.map((_, first) => async () => {
    const [address = ""] = await lookUp([...servers.slice(first), ...servers.slice(0, first)], name, DNS_LIMIT_MS);
    return page(address, name, 80);
  });
}

/** One client that asks all addresses at once: the port of an app answers where that runs. */
export function byAddress(addresses: readonly string[], port: number): readonly AskOnce[] {
  return [() => Promise.any(addresses.map((address) => page(address, address, port)))];
}

async function page(address: string, host: string, port: number): Promise<string | undefined> {
  const limits = { connectMs: CONNECT_LIMIT_MS, limitMs: ANSWER_LIMIT_MS };
  const { status, servedBy } = await askPage({ address, host, port, ...limits });
  return status === 200 ? servedBy : undefined;
}
