// Signs of life on the wire: a UDP socket on each own address. What is lost is lost; a flood costs no more than its HMACs.
import dgram from "node:dgram";
import { once } from "node:events";
import type { SignOfLife } from "../../mesh-ports.ts";
import type { Log } from "../../ports.ts";
import { decodeSign, encodeSign } from "./datagram.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface GossipOptions {
  /** Of the house: the first signs, all are believed. */
  readonly keys: () => readonly Buffer[];
  readonly onSign: (sign: SignOfLife) => void;
  readonly log: Log;
}

export class Gossip {
  readonly #options: GossipOptions;
  readonly #sockets = new Map<4 | 6, dgram.Socket>();

  constructor(options: GossipOptions) {
    this.#options = options;
  }

  /** On all addresses. Answers the port. Throws as `bind` does: EADDRINUSE, EACCES. */
  async open(port: number): Promise<number> {
    const bound = await this.#bind(4, port);
    // A kernel without IPv6 is no trouble.
    await this.#bind(6, bound).catch((error: unknown) => this.#options.log.debug("No signs of life by IPv6", { error: String(error) }));
    return bound;
  }

  /** To each of these, signed once. Never throws: a way that does not exist is silence. */
  send(sign: SignOfLife, to: readonly Endpoint[]): void {
    const [key] = this.#options.keys();
    if (key === undefined || to.length === 0) return;
    const bytes = encodeSign(sign, key);
    for (const { address, port } of to) this.#sockets.get(address.includes(":") ? 6 : 4)?.send(bytes, port, address, () => {});
  }

  async close(): Promise<void> {
    const closed = [...this.#sockets.values()].map((socket) => once(socket.close(), "close"));
    this.#sockets.clear();
    await Promise.all(closed);
  }

  async #bind(family: 4 | 6, port: number): Promise<number> {
    // Addresses, never names: nothing to look up.
    const lookup = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, host, family);
    const socket = dgram.createSocket({ type: family === 4 ? "udp4" : "udp6", ipv6Only: family === 6, lookup });
    const listening = once(socket, "listening"); // which comes within `bind`, for nothing is looked up
    socket.bind(port);
    await listening;
    socket.on("error", (error) => this.#options.log.debug("A sign of life was not sent", { error }));
    socket.on("message", (bytes) => {
      const sign = decodeSign(bytes, this.#options.keys());
      if (sign !== undefined) this.#options.onSign(sign);
    });
    this.#sockets.set(family, socket);
    return socket.address().port;
  }
}
