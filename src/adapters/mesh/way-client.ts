// The way to instances of other nodes: connections to their 734, made when they are needed and a few before that.
import type net from "node:net";
import type tls from "node:tls";
import { MeshUnreachable } from "../../api/errors.ts";
import type { Backend } from "../../api/table.ts";
import type { DatagramSession, DatagramWay, Log, Ways } from "../../ports.ts";
import { DialQueue } from "./dial-queue.ts";
import { FrameReader } from "./frames.ts";
import type { MeshTrust } from "./identify.ts";
import { dialNode, keepSession, type KeptSession, type WayAddress } from "./way-dial.ts";
import { DatagramTunnel } from "./way-datagram-tunnel.ts";
import { encodeRequest, readWayAnswer, WAY_FRAME_MAX, type WayAnswer, type WayTarget } from "./way-messages.ts";

/** Ready before they are needed, once a node is in use: a request that may not share a connection finds one. */
const SPARES = 2;
/** Well within what the other end allows. */
const SPARE_MS = 45_000;
const DATAGRAMS_CONNECT_MS = 3_000;

export interface WayNode {
  readonly nodeId: string;
  /** Best first. */
  readonly addresses: readonly WayAddress[];
}

export interface WayClientOptions {
  /** undefined: there is no house. */
  readonly trust: () => MeshTrust | undefined;
  /** This node's name. */
  readonly node: () => string;
  readonly nodeOf: (node: string) => WayNode | undefined;
  /** On which the moments are that pings tell of. */
  readonly now: () => number;
  readonly log: Log;
}

type How = Parameters<Ways["connect"]>[1];

interface Kept {
  session: KeptSession | undefined;
  /** The address that answered last, tried first from then on. */
  best: WayAddress | undefined;
  readonly spares: tls.TLSSocket[];
  readonly dials: DialQueue<tls.TLSSocket>;
  /** All that are open, in use or not. */
  readonly open: Map<tls.TLSSocket, string>;
  making: number;
  /** For pings alone, one at a time. */
  asked?: tls.TLSSocket;
  /** What the other one's clock showed when it answered on it last, and when that was heard. */
  clock?: { readonly thereMs: number; readonly hereMs: number } | undefined;
  asking?: Promise<void>;
}

export class WayClient implements Ways {
  readonly #options: WayClientOptions;
  readonly #nodes = new Map<string, Kept>();
  readonly #tunnels = new Map<string, DatagramTunnel>();
  #ca: string | undefined;

  constructor(options: WayClientOptions) {
    this.#options = options;
    this.#ca = options.trust()?.ca;
  }

  isElsewhere({ node, instance }: Backend): boolean {
    return instance !== "" && node !== this.#options.node();
  }

  /** Connections to nodes that are members no longer end at once. */
  trustChanged(): void {
    const trust = this.#options.trust();
    const sameHouse = trust?.ca === this.#ca;
    this.#ca = trust?.ca;
    for (const kept of this.#nodes.values()) kept.session = undefined;
    for (const { open } of this.#nodes.values())
      for (const [socket, nodeId] of open) if (!sameHouse || trust?.removed.includes(nodeId) === true) breakOff(socket);
  }

  /** Nobody is there any more: whoever waits for an answer hears so now. It is pinged all the same, for it may be back. */
  cut(node: string): void {
    const { open, asked } = this.#nodes.get(node) ?? {};
    for (const socket of open?.keys() ?? []) if (socket !== asked) breakOff(socket);
  }

  /** Open right now, for the metrics. */
  get connections(): number {
    return [...this.#nodes.values()].reduce((sum, { open }) => sum + open.size, 0);
  }

  async connect(backend: Backend, how: How): Promise<net.Socket> {
    return this.#open(backend, "tcp", how);
  }

  datagrams(backend: Backend, session: DatagramSession): DatagramWay {
    const key = `${backend.node} ${backend.instance} ${backend.host} ${backend.port}`;
    let tunnel = this.#tunnels.get(key);
    if (tunnel?.takesSessions !== true) {
      const opened: DatagramTunnel = new DatagramTunnel({
        connect: () => this.#open(backend, "udp", { limitMs: DATAGRAMS_CONNECT_MS }),
        ended: () => {
          if (this.#tunnels.get(key) === opened) this.#tunnels.delete(key);
        },
      });
      this.#tunnels.set(key, (tunnel = opened));
    }
    return tunnel.open(session);
  }

  /** Its ingress is there and answers, at whatever it is. Throws when it does not, or not in time. */
  ping(node: string, limitMs: number, contactAtMs?: number): Promise<void> {
    const kept = this.#keep(node);
    kept.asking ??= this.#ping(node, kept, { limitMs, contactAtMs }).finally(() => delete kept.asking);
    return kept.asking;
  }

  async #ping(
    node: string,
    kept: Kept,
    { limitMs, contactAtMs: hereMs }: { readonly limitMs: number; readonly contactAtMs: number | undefined },
  ): Promise<void> {
    const untilMs = performance.now() + limitMs;
    const leftMs = (): number => Math.max(1, Math.ceil(untilMs - performance.now()));
    for (;;) {
      const known = kept.asked?.destroyed === false ? kept.asked : undefined;
      if (known === undefined) delete kept.clock;
      const socket = (kept.asked = known ?? (await this.#dial(node, kept, leftMs())));
      const contactAtMs = hereMs === undefined ? undefined : thereAt(kept.clock, hereMs);
      const answer = await ask(socket, encodeRequest({ kind: "ping", contactAtMs }), leftMs());
      if (answer?.kind === "pong") {
        kept.clock = answer.atMs === undefined ? undefined : { thereMs: answer.atMs, hereMs: this.#options.now() };
        // Not read until the next ping, it would not hear that it was closed.
        if (known === undefined) socket.once("end", () => socket.destroy());
        return void socket.resume();
      }
      socket.destroy();
      // Unless it was closed at this very moment.
      if (known === undefined || performance.now() >= untilMs) throw new Error(`${node} does not answer`);
    }
  }

  async #open(backend: Backend, protocol: WayTarget["protocol"], { limitMs, isEndless }: How): Promise<tls.TLSSocket> {
    const { node, instance, host, port } = backend;
    const untilMs = performance.now() + limitMs;
    const leftMs = (): number => Math.max(1, Math.ceil(untilMs - performance.now()));
    const kept = this.#keep(node);
    try {
      for (;;) {
        const spare = kept.spares.pop();
        const socket = spare ?? (await kept.dials.next(leftMs()));
        this.#refill(node, kept);
        const request = encodeRequest({ kind: "open", to: { instance, host, port, protocol }, limitMs: leftMs(), isEndless });
        const answer = await ask(socket, request, leftMs());
        if (answer === undefined && spare !== undefined && performance.now() < untilMs) continue; // it was closed at this very moment
        if (answer?.kind === "opened") return socket;
        socket.destroy();
        throw new Error(answer?.kind === "refused" ? answer.message : `no answer within ${limitMs} ms`);
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new MeshUnreachable(`Cannot reach ${instance} on ${node}: ${why}`, { cause });
    }
  }

  #keep(node: string): Kept {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const kept: Kept = {
      session: undefined,
      best: undefined,
      spares: [],
      dials: new DialQueue({ dial: (limitMs) => this.#dial(node, kept, limitMs), keep: (socket) => this.#spare(socket, kept) }),
      open: new Map(),
      making: 0,
    };
    this.#nodes.set(node, kept);
    return kept;
  }

  async #dial(node: string, kept: Kept, limitMs: number): Promise<tls.TLSSocket> {
    const trust = this.#options.trust();
    const known = this.#options.nodeOf(node);
    if (trust === undefined || known === undefined) throw new Error("it is no node of this house, or this node has not joined yet");
    if (trust.removed.includes(known.nodeId)) throw new Error("it was removed from the house");
    if (kept.session?.nodeId !== known.nodeId) kept.session = keepSession(trust, known.nodeId);
    const to = { trust, nodeId: known.nodeId, addresses: bestFirst(known.addresses, kept.best), kept: kept.session };
    const { socket, address } = await dialNode(to, limitMs);
    kept.best = address;
    // It may have been removed while it was dialled.
    if (this.#options.trust()?.removed.includes(known.nodeId) !== false) {
      socket.destroy();
      throw new Error("it was removed from the house");
    }
    kept.open.set(socket, known.nodeId);
    socket.once("close", () => kept.open.delete(socket));
    return socket;
  }

  #refill(node: string, kept: Kept): void {
    if (kept.spares.length + kept.making >= SPARES) return;
    kept.making += 1;
    this.#dial(node, kept, DATAGRAMS_CONNECT_MS)
      .then(
        (socket) => this.#spare(socket, kept),
        (error: unknown) => this.#options.log.debug("No spare connection to another node", { node, error: String(error) }),
      )
      .finally(() => (kept.making -= 1));
  }

  #spare(socket: tls.TLSSocket, kept: Kept): void {
    const drop = (): void => {
      const at = kept.spares.indexOf(socket);
      if (at < 0) return;
      kept.spares.splice(at, 1);
      socket.destroy();
    };
    kept.spares.push(socket);
    setTimeout(drop, SPARE_MS).unref();
    // Not read meanwhile, it would not hear that it was closed.
    socket.once("end", drop).once("close", drop).resume();
  }
}

/** A moment of this clock on the other one's, or a little before: its answer was under way when it was heard. */
function thereAt(clock: Kept["clock"], hereMs: number): number | undefined {
  return clock && Math.max(1, Math.floor(clock.thereMs + hereMs - clock.hereMs));
}

/** Also for this end it is a failure: nobody takes half an answer for a whole one. */
function breakOff(socket: tls.TLSSocket): void {
  socket.resetAndDestroy();
  socket.destroy(new MeshUnreachable("the way to its node was cut"));
}

function bestFirst(addresses: readonly WayAddress[], best: WayAddress | undefined): readonly WayAddress[] {
  const found = addresses.find(({ host, port }) => host === best?.host && port === best.port);
  return found === undefined ? addresses : [found, ...addresses.filter((each) => each !== found)];
}

/** undefined: the connection ended, or nothing came in time. What follows the answer is left to be read. */
function ask(socket: tls.TLSSocket, request: Buffer, limitMs: number): Promise<WayAnswer | undefined> {
  return new Promise((done) => {
    const reader = new FrameReader(WAY_FRAME_MAX);
    const finish = (answer: WayAnswer | undefined): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).pause();
      const rest = reader.rest();
      if (answer === undefined) socket.destroy();
      else if (rest.length > 0) socket.unshift(rest);
      done(answer);
    };
    const timer = setTimeout(() => finish(undefined), limitMs);
    const onEnd = (): void => finish(undefined);
    const onData = (chunk: Buffer): void => {
      reader.push(chunk);
      try {
        const frame = reader.next();
        if (frame !== undefined) finish(readWayAnswer(frame));
      } catch {
        finish(undefined);
      }
    };
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).resume();
    if (socket.destroyed) return finish(undefined);
    socket.write(request);
    return undefined;
  });
}
