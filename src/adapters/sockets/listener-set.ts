// All addresses that this process listens on, brought in line with what is wished for without touching those that stay.
import type { Listen, Log } from "../../ports.ts";
import { closeHandedDown } from "./handover.ts";
import { Listener, type HandedDown, type ListenerSpec, type ListenerStatus, type Protocol } from "./listener.ts";

interface Draining {
  readonly drained: Promise<void>;
  /** Ends it at once. */
  readonly now: AbortController;
}

export class ListenerSet {
  readonly #listen: Readonly<Record<Protocol, Listen>>;
  readonly #log: Log;
  readonly #draining = new Map<Listener, Draining>();
  #listeners: readonly Listener[] = [];

  constructor(listen: Readonly<Record<Protocol, Listen>>, log: Log) {
    this.#listen = listen;
    this.#log = log;
  }

  get status(): readonly ListenerStatus[] {
    return this.#listeners.map((listener) => listener.status);
  }

  get handedDown(): readonly HandedDown[] {
    return this.#listeners.flatMap((listener) => listener.handedDown ?? []);
  }

  /** Resolves when each address was tried once. Sockets that were handed down and are not wished for are closed. */
  async apply(wishes: readonly ListenerSpec[], handed: readonly HandedDown[] = []): Promise<void> {
    const kept = this.#listeners.filter((listener) => wishes.some((wish) => listener.satisfies(wish)));
    const left = this.#listeners.filter((listener) => !kept.includes(listener));
    const opened = wishes
      .filter((wish) => !kept.some((listener) => listener.satisfies(wish)))
      .map((wish) => new Listener(wish, this.#listen[wish.protocol], this.#log));
    this.#listeners = [...kept, ...opened];
    for (const listener of left) this.#drain(listener);
    const inherited = new Map(opened.map((listener) => [listener, handed.find((sockets) => isAt(sockets, listener.spec))]));
    closeHandedDown(handed.filter((sockets) => ![...inherited.values()].includes(sockets)));
    await Promise.all(
      [...inherited].map(([listener, sockets]) => (sockets === undefined ? this.#open(listener) : listener.adopt(sockets))),
    );
  }

  /** A port that was given up a moment ago is wished for again: what is left of before goes, and nobody else "holds" it. */
  async #open(listener: Listener): Promise<void> {
    const before = [...this.#draining].flatMap(([each, draining]) => (each.isInTheWayOf(listener.spec) ? [draining] : []));
    for (const { now } of before) now.abort();
    await Promise.all(before.map(({ drained }) => drained));
    await listener.open();
  }

  /** Resolves when the last connection has ended, also of listeners that were given up before. */
  async drain(): Promise<void> {
    for (const listener of this.#listeners) this.#drain(listener);
    await Promise.all([...this.#draining.values()].map(({ drained }) => drained));
  }

  #drain(listener: Listener): void {
    const now = new AbortController();
    const drained = listener.drain(now.signal).finally(() => this.#draining.delete(listener));
    this.#draining.set(listener, { drained, now });
  }
}

function isAt(sockets: HandedDown, { protocol, address, ports }: ListenerSpec): boolean {
  return sockets.protocol === protocol && sockets.address === address && ports.includes(sockets.port);
}
