// Port 734: the way to the instances of this node for the ingresses of the house's other nodes, and for nobody else.
import net from "node:net";
import tls from "node:tls";
import type { Listen, ListenAt, Listening, Log } from "../../ports.ts";
import { FrameReader } from "./frames.ts";
import { Gate, type GateLimits, type Place } from "./gate.ts";
import type { MeshTrust } from "./identify.ts";
import { serveDatagrams } from "./way-datagrams.ts";
import { encodeAnswer, readWayRequest, WAY_FRAME_MAX, type WayAnswer, type WayTarget } from "./way-messages.ts";
import { connectTo, keepWayAlive, tie } from "./way-socket.ts";
import { ingressBehind, WAY_PROTOCOL, wayOptions } from "./way-trust.ts";

/** Every request under way from another node is a connection of its own; but a node makes eight at a time (`dial-queue.ts`). */
const GATE_LIMITS: GateLimits = {
  strangersMax: 64,
  strangersPerSourceMax: 8,
  membersMax: 8192,
  unproven: { perAddressMax: 64, rate: { burst: 400, perSecond: 200 } },
};
const LIMITS: WayServerLimits = { handshakeMs: 5_000, frameMs: 5_000, idleMs: 120_000, connectMs: 3_000 };
const PROVEN_MAX = 64;

interface WayServerLimits {
  readonly handshakeMs: number;
  /** From the first byte of a frame to its last. */
  readonly frameMs: number;
  /** Of a member that has not said yet where it wants to go: connections are made before they are needed. */
  readonly idleMs: number;
  readonly connectMs: number;
}

export interface WayServerOptions {
  /** undefined: there is no house, and nobody is let in. */
  readonly trust: () => MeshTrust | undefined;
  /** Whether that instance is this node's, by the table of this moment: nothing else is ever dialled. */
  readonly isOwn: (target: WayTarget) => boolean;
  /** Addresses of the house's nodes: a flood of strangers does not shut them out, and one from there nobody else. */
  readonly isFavoured: (address: string) => boolean;
  /** This node's clock: what is told of it by others is on it, so that a question that lay about while this one stood still is an old one. */
  readonly now: () => number;
  /** Another node knows that the house counted this one as alive then. */
  readonly onContact: (atMs: number) => void;
  readonly log: Log;
  /** Other than the usual, for tests. */
  readonly limits?: Partial<WayServerLimits> & { readonly gate?: GateLimits };
}

interface Visitor {
  readonly socket: tls.TLSSocket;
  readonly nodeId: string;
  /** Where it said it wants to go. */
  to: WayTarget | undefined;
  /** What waits for it: datagrams are lost at any time, and some connections never end by themselves. */
  isWaitedFor: boolean;
  /** So that neither end takes what it has for all of it; absent: it is not tied to anything. */
  breakOff?: () => void;
}

export class WayServer {
  readonly #options: WayServerOptions;
  readonly #limits: WayServerLimits;
  readonly #gate: Gate;
  readonly #tls: tls.Server;
  readonly #places = new WeakMap<net.Socket, Place>();
  readonly #visitors = new Set<Visitor>();
  /** Addresses from which a member came, though no table has them. */
  readonly #proven = new Set<string>();
  #trust: MeshTrust | undefined;

  constructor(options: WayServerOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#gate = new Gate(options.limits?.gate ?? GATE_LIMITS);
    this.#tls = tls.createServer({
      requestCert: true,
      rejectUnauthorized: false, // looked at below
      handshakeTimeout: this.#limits.handshakeMs,
      ALPNProtocols: [WAY_PROTOCOL],
      allowHalfOpen: true,
    });
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#tls.on("secureConnection", (socket) => this.#greet(socket));
    this.trustChanged();
  }

  /** From now on. Connections of nodes that are members no longer end at once. */
  trustChanged(): void {
    const trust = this.#options.trust();
    if (trust !== undefined) this.#tls.setSecureContext(wayOptions(trust));
    const sameHouse = trust?.ca === this.#trust?.ca;
    this.#trust = trust;
    for (const { socket, nodeId } of this.#visitors) if (!sameHouse || trust?.removed.includes(nodeId) === true) socket.destroy();
  }

  /** Connections of members, for the metrics. */
  get connections(): number {
    return this.#visitors.size;
  }

  /** Instances that others have a connection to, for whose end somebody waits. */
  busy(): readonly string[] {
    return [...this.#visitors].flatMap(({ to, isWaitedFor }) => (to === undefined || !isWaitedFor ? [] : [to.instance]));
  }

  /** All that is tied to an instance. */
  breakOff(): void {
    for (const { breakOff } of this.#visitors) breakOff?.();
  }

  readonly listen: Listen = async (address, at) => {
    const raws = new Set<net.Socket>();
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (raw) => this.#enter(raw, raws));
    await bind(server, address, at);
    server.on("error", (error) => this.#options.log.warn("Mesh socket failed", { address, error: error.message }));
    return this.#listening(server, raws);
  };

  #listening(server: net.Server, raws: ReadonlySet<net.Socket>): Listening {
    return {
      port: (server.address() as net.AddressInfo).port, // a TCP server has no other kind of address
      sockets: [server],
      drain: () =>
        new Promise((done) => {
          server.close(() => done());
          // What was made before it was needed is of no use any more; what is under way ends by itself.
          const busy = new Set([...this.#visitors].filter(({ to }) => to !== undefined).map(({ socket }) => rawOf(socket)));
          for (const raw of raws) if (!busy.has(raw)) raw.destroy();
        }),
    };
  }

  /** Before a byte is read: the cheapest no is the best. */
  #enter(raw: net.Socket, raws: Set<net.Socket>): void {
    const { remoteAddress } = raw;
    raw.on("error", () => raw.destroy());
    const place =
      this.#trust === undefined || remoteAddress === undefined
        ? undefined
        : this.#gate.enter(remoteAddress, performance.now(), {
            favoured: this.#isFavoured(remoteAddress),
            close: () => void raw.destroy(),
          });
    if (place === undefined) return void raw.destroy();
    raws.add(raw);
    raw.once("close", () => {
      raws.delete(raw);
      place.leave();
    });
    this.#places.set(raw, place);
    this.#tls.emit("connection", raw);
    return undefined;
  }

  #isFavoured(address: string): boolean {
    return this.#proven.has(address) || this.#options.isFavoured(address);
  }

  #greet(socket: tls.TLSSocket): void {
    socket.on("error", () => socket.destroy());
    const nodeId = this.#trust && ingressBehind(socket, this.#trust);
    const raw = rawOf(socket);
    if (nodeId === undefined || raw === undefined || this.#places.get(raw)?.promote() !== true) return void socket.destroy();
    if (raw.remoteAddress !== undefined && !this.#isFavoured(raw.remoteAddress)) {
      if (this.#proven.size >= PROVEN_MAX) this.#proven.clear();
      this.#proven.add(raw.remoteAddress);
    }
    const visitor: Visitor = { socket, nodeId, to: undefined, isWaitedFor: false };
    this.#visitors.add(visitor);
    socket.once("close", () => this.#visitors.delete(visitor));
    keepWayAlive(socket);
    this.#read(visitor, raw);
    return undefined;
  }

  /** Pings are answered; the first request for an instance is the last thing that is read as one. */
  #read(visitor: Visitor, raw: net.Socket): void {
    const { socket } = visitor;
    const reader = new FrameReader(WAY_FRAME_MAX);
    let timer = setTimeout(() => socket.destroy(), this.#limits.idleMs);
    const stop = (): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("close", stop);
    };
    const onEnd = (): void => void socket.destroy();
    const onData = (chunk: Buffer): void => {
      const began = reader.partial;
      reader.push(chunk);
      try {
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          const request = readWayRequest(frame);
          if (request.kind === "open") {
            stop();
            visitor.to = request.to;
            visitor.isWaitedFor = request.to.protocol === "tcp" && request.isEndless !== true;
            socket.pause();
            const rest = reader.rest();
            if (rest.length > 0) socket.unshift(rest);
            return void this.#open(visitor, raw, request);
          }
          if (request.contactAtMs !== undefined) this.#options.onContact(request.contactAtMs);
          // A member that asks and does not listen gets no more.
          if (!socket.write(encodeAnswer({ kind: "pong", atMs: Math.floor(this.#options.now()) }))) throw new Error("it does not read");
        }
      } catch {
        return void socket.destroy();
      }
      if (reader.partial && began) return undefined;
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), reader.partial ? this.#limits.frameMs : this.#limits.idleMs);
      return undefined;
    };
    socket.on("data", onData).on("end", onEnd).on("close", stop);
  }

  async #open(visitor: Visitor, raw: net.Socket, { to, limitMs }: { readonly to: WayTarget; readonly limitMs: number }): Promise<void> {
    const { socket } = visitor;
    const answer = (said: WayAnswer): void => void socket.write(encodeAnswer(said));
    if (!this.#options.isOwn(to)) {
      answer({ kind: "refused", code: "Unknown", message: `${to.instance} does not run there` });
      return socket.destroySoon();
    }
    if (to.protocol === "udp") {
      answer({ kind: "opened" });
      return serveDatagrams(socket, to);
    }
    const upstream = await connectTo(to, Math.min(limitMs, this.#limits.connectMs));
    if (upstream instanceof Error) {
      answer({ kind: "refused", code: "Unreachable", message: upstream.message });
      return socket.destroySoon();
    }
    answer({ kind: "opened" });
    const ends = [
      { socket, reset: () => void raw.resetAndDestroy() },
      { socket: upstream, reset: () => void upstream.resetAndDestroy() },
    ] as const;
    visitor.breakOff = () => ends.forEach(({ reset }) => reset());
    return tie(...ends);
  }
}

async function bind(server: net.Server, address: string, at: ListenAt): Promise<void> {
  const [fd] = "fds" in at ? at.fds : [];
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(fd === undefined ? { port: "port" in at ? at.port : 0, host: address } : { fd }, () => {
      server.off("error", fail);
      done();
    });
  });
}

function rawOf(socket: tls.TLSSocket): net.Socket | undefined {
  return (socket as unknown as { readonly _parent?: net.Socket })._parent; // where Node keeps the socket it wrapped
}
