// All addresses that this process listens on, brought in line with what is wished for without touching those that stay.
import type { Listen, Log } from "../../ports.ts";
import { closeHandedDown } from "./handover.ts";
import { Listener, type HandedDown, type ListenerSpec, type ListenerStatus, type Protocol } from "./listener.ts";

export class ListenerSet {
  readonly #listen: Readonly<Record<Protocol, Listen>>;
  readonly #log: Log;
  readonly #draining = new Set<Promise<void>>();
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
    await Promise.all([...inherited].map(([listener, sockets]) => (sockets === undefined ? listener.open() : listener.adopt(sockets))));
  }

  /** Resolves when the last connection has ended, also of listeners that were given up before. */
  async drain(): Promise<void> {
    for (const listener of this.#listeners) this.#drain(listener);
    await Promise.all(this.#draining);
  }

  #drain(listener: Listener): void {
    const drained = listener.drain().finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }
}

function isAt(sockets: HandedDown, { protocol, address, ports }: ListenerSpec): boolean {
  return sockets.protocol === protocol && sockets.address === address && ports.includes(sockets.port);
}
