// One responder for multicast DNS a LAN segment: opens and closes their sockets as addresses come and go, and wakes them when something
// is due. What to say is somebody else's decision.
import type { Log } from "../../ports.ts";
import { MdnsSocket, PORT, type Datagram, type Endpoint } from "./socket.ts";

export interface SegmentWish {
  /** This node's own on that segment. */
  readonly address: string;
  /** There it speaks and hears by IPv6, too, if the kernel lets it; who is in none of the networks (CIDR) is not heard. Absent: by IPv4 alone. */
  readonly byIpv6?: { readonly interface: string; readonly networks: readonly string[] };
}

export interface Responder<W extends SegmentWish> {
  /** On the clock of `performance.now()`; Infinity: never. */
  readonly dueAtMs: number;
  update(wish: W, nowMs: number): readonly Datagram[];
  receive(packet: Buffer, from: Endpoint, nowMs: number): readonly Datagram[];
  tick(nowMs: number): readonly Datagram[];
  leave(): readonly Datagram[];
}

export interface LinksOptions<R> {
  readonly responder: () => R;
  readonly log: Log;
}

export interface LinkState<W, R> {
  readonly wish: W;
  readonly responder: R;
  /** Why nothing can be said or heard there. */
  readonly problem?: string;
}

/** What `setTimeout` takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** So that a name is still answered until the process that takes over has probed for it. */
const HANDOVER_MS = 5000;

export class MdnsLinks<W extends SegmentWish, R extends Responder<W>> {
  readonly #options: LinksOptions<R>;
  readonly #links = new Map<string, Link<W, R>>();
  #ending = false;

  constructor(options: LinksOptions<R>) {
    this.#options = options;
  }

  /** By network. What is no longer wished for says goodbye. */
  apply(wishes: ReadonlyMap<string, W>): void {
    if (this.#ending) return;
    for (const [network, link] of this.#links) {
      if (wishes.has(network)) continue;
      this.#links.delete(network);
      void link.end({ goodbye: true });
    }
    for (const [network, wish] of wishes) {
      const link = this.#links.get(network) ?? new Link<W, R>(network, this.#options);
      this.#links.set(network, link);
      link.apply(wish);
    }
  }

  get state(): readonly LinkState<W, R>[] {
    return [...this.#links.values()].flatMap((link) => link.state ?? []);
  }

  /** `handover`: another process of this node announces the same names now. */
  async end({ handover }: { readonly handover: boolean }): Promise<void> {
    this.#ending = true;
    const links = [...this.#links.values()];
    if (handover && links.length > 0) await new Promise((done) => setTimeout(done, HANDOVER_MS));
    this.#links.clear();
    await Promise.all(links.map((link) => link.end({ goodbye: !handover })));
  }
}

class Link<W extends SegmentWish, R extends Responder<W>> {
  readonly #network: string;
  readonly #options: LinksOptions<R>;
  #responder: R;
  #wish: W | undefined;
  #socket: { readonly at: string; readonly socket: MdnsSocket } | undefined;
  #isOpen = false;
  /** Nobody is told that there is none: all there is to say is said by IPv4 as well. */
  #ipv6: { readonly at: string; readonly socket: MdnsSocket } | undefined;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(network: string, options: LinksOptions<R>) {
    this.#network = network;
    this.#options = options;
    this.#responder = options.responder();
  }

  get state(): LinkState<W, R> | undefined {
    if (this.#wish === undefined) return undefined;
    return { wish: this.#wish, responder: this.#responder, ...(this.#problem !== undefined && { problem: this.#problem }) };
  }

  apply(wish: W): void {
    this.#wish = wish;
    if (this.#socket?.at !== wish.address) this.#open(wish.address);
    else this.#socket.socket.joinAgain();
    this.#openIpv6(wish.byIpv6);
    if (this.#isOpen) this.#send(this.#responder.update(wish, performance.now()));
  }

  async end({ goodbye }: { readonly goodbye: boolean }): Promise<void> {
    this.#wish = undefined;
    clearTimeout(this.#timer);
    const datagrams = goodbye && this.#isOpen ? this.#responder.leave() : [];
    const sockets = this.#sockets;
    [this.#socket, this.#ipv6] = [undefined, undefined];
    await Promise.all(sockets.map((socket) => socket.send(datagrams)));
    for (const socket of sockets) socket.close();
  }

  get #sockets(): readonly MdnsSocket[] {
    return [this.#socket, this.#ipv6].flatMap((each) => each?.socket ?? []);
  }

  #open(address: string): void {
    this.#socket?.socket.close();
    this.#isOpen = false;
    const socket = new MdnsSocket({
      spot: { family: 4, address, networks: [this.#network] },
      onOpen: () => {
        this.#isOpen = true;
        this.#problem = undefined;
        if (this.#wish !== undefined) this.#send(this.#responder.update(this.#wish, performance.now()));
      },
      onFailed: (error) => this.#failed(socket, error),
      onPacket: (packet, from) => this.#send(this.#responder.receive(packet, from, performance.now())),
    });
    this.#socket = { at: address, socket };
    socket.open();
  }

  #openIpv6(where: SegmentWish["byIpv6"]): void {
    const at = where && [where.interface, ...where.networks].join();
    if (at === this.#ipv6?.at) return this.#ipv6?.socket.joinAgain();
    this.#ipv6?.socket.close();
    this.#ipv6 = undefined;
    if (where === undefined || at === undefined || where.networks.length === 0) return;
    const socket = new MdnsSocket({
      spot: { family: 6, ...where },
      onOpen: () => undefined,
      onFailed: () => {
        if (this.#ipv6?.socket === socket) this.#ipv6 = undefined;
      },
      onPacket: (packet, from) => {
        if (this.#isOpen) this.#send(this.#responder.receive(packet, from, performance.now()));
      },
    });
    this.#ipv6 = { at, socket };
    socket.open();
  }

  /** Tried again with the next wish, which comes when the addresses are looked at. */
  #failed(socket: MdnsSocket, error: NodeJS.ErrnoException): void {
    if (this.#socket?.socket !== socket) return;
    const problem = error.code === "EADDRINUSE" ? `another program has port ${PORT} for itself` : `port ${PORT}: ${error.message}`;
    if (problem !== this.#problem)
      this.#options.log.warn("Names cannot be announced on the LAN", { address: this.#socket.at, error: error.message });
    this.#problem = problem;
    // It heard nothing meanwhile: the next one probes again.
    this.#responder = this.#options.responder();
    this.#socket = undefined;
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }

  #send(datagrams: readonly Datagram[]): void {
    if (datagrams.length > 0) for (const socket of this.#sockets) void socket.send(datagrams);
    clearTimeout(this.#timer);
    const { dueAtMs } = this.#responder;
    if (dueAtMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(Math.max(Math.ceil(dueAtMs - performance.now()), 0), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.#send(this.#responder.tick(performance.now())), waitMs);
  }
}
