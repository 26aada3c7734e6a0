// Raw UDP on one address and port: each client has a session, a socket of its own to the backend, until nobody says anything.
import dgram from "node:dgram";
import net from "node:net";
import { NoRoom } from "../../api/errors.ts";
import type { Backend, StreamRoute } from "../../api/table.ts";
import type { OwnReason } from "../../api/traffic.ts";
import type { DatagramSession, DatagramWay, Listen, ListenAt, Listening, TrafficCounter } from "../../ports.ts";
import { localDatagrams, RECEIVE_BYTES, UNSENT_BYTES_MAX } from "./local-datagrams.ts";
import { idleLimitMs, type StreamOptions } from "./stream-options.ts";
import { UdpSessions, type PlacedSession } from "./udp-sessions.ts";

/** At one address and port. Then a new client waits until one is idle, or has the place of a source that has too many. */
const SESSIONS_MAX = 1024;
const DRAIN_POLL_MS = 50;
/** After the listener was closed: answers that are under way still arrive. */
const DRAIN_QUIET_MS = 1000;
const DRAIN_MS = 10_000;

export class UdpStreams {
  readonly #options: StreamOptions;
  readonly #ports = new Set<UdpPort>();

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** Open right now, for the metrics. */
  get sessions(): number {
    return [...this.#ports].reduce((sum, port) => sum + port.sessions, 0);
  }

  readonly listen: Listen = async (address, at) => {
    const port = new UdpPort(this.#options, address);
    const listening = await port.bind(at);
    this.#ports.add(port);
    return {
      ...listening,
      drain: async (now) => {
        await listening.drain(now);
        this.#ports.delete(port);
      },
    };
  };
}

class UdpPort {
  readonly #options: StreamOptions;
  readonly #address: string;
  readonly #socket: dgram.Socket;
  readonly #sessions = new UdpSessions<Session>();
  #datagrams = 0;
  #lastAnswerMs = 0;

  constructor(options: StreamOptions, address: string) {
    this.#options = options;
    this.#address = address;
    const family = net.isIPv6(address) ? 6 : 4;
    this.#socket = dgram.createSocket({ type: `udp${family}`, ipv6Only: family === 6, recvBufferSize: RECEIVE_BYTES });
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  async bind(at: ListenAt): Promise<Listening> {
    const socket = this.#socket;
    await new Promise<void>((done, fail) => {
      socket.once("error", fail);
      const ready = (): void => {
        socket.off("error", fail);
        done();
      };
      const [fd] = "fds" in at ? at.fds : [];
      if (fd === undefined) socket.bind({ port: "port" in at ? at.port : 0, address: this.#address }, ready);
      else socket.bind({ fd }, ready);
    }).catch((cause: unknown) => {
      socket.close();
      throw cause;
    });
    const { port } = socket.address();
    socket.on("error", (error) => this.#options.log.warn("UDP socket failed", { address: this.#address, port, error: error.message }));
    socket.on("message", (packet, sender) => this.#receive(packet, sender, port));
    return { port, sockets: [socket], drain: (now) => this.#drain(now) };
  }

  #receive(packet: Buffer, sender: dgram.RemoteInfo, port: number): void {
    if (sender.port === 0) return; // nobody can be answered there, and Node throws at it
    const found = this.#options.route("udp", this.#address, port);
    const route = found === "by host" ? undefined : found; // a datagram asks for none
    const key = `${sender.address} ${sender.port}`;
    let session = this.#sessions.get(key);
    if (session !== undefined && session.route !== route && !(route && this.#mayGoOn(session, route, sender))) {
      session.close();
      session = undefined;
    }
    session ??= route && this.#open(key, route, sender, port);
    if (session === undefined) return;
    session.lastDatagram = this.#datagrams += 1;
    session.send(packet);
  }

  /** After a new table. What the app is told and how long a session waits are settled when it opens. */
  #mayGoOn(session: Session, route: StreamRoute, sender: dgram.RemoteInfo): boolean {
    const { proxyProtocol, idleTimeoutMs } = session.route;
    if (proxyProtocol !== route.proxyProtocol || idleTimeoutMs !== route.idleTimeoutMs) return false;
    const { node, host, port } = session.backend;
    const leadsThere = route.backends.some((each) => each.host === host && each.port === port && each.node === node);
    if (!leadsThere || !this.#options.isAllowed(route, sender.address)) return false;
    if (session.route.name !== route.name) this.#options.traffic.began(route, session.route);
    session.route = route;
    return true;
  }

  /** undefined: the client may not, there is no backend, or there is no room. */
  #open(key: string, route: StreamRoute, sender: dgram.RemoteInfo, port: number): Session | undefined {
    const { isAllowed, health, node, preface, traffic, ways } = this.#options;
    const nowMs = performance.now();
    const turnAway = (reason: OwnReason): undefined => {
      traffic.began(route, undefined);
      traffic.ended({ ...UNANSWERED, route, backend: undefined, reason, status: 0 }, nowMs);
    };
    if (!isAllowed(route, sender.address)) return turnAway("notAllowed");
    const [backend] = health.order(route.backends, node(), nowMs);
    if (backend === undefined) return turnAway("waiting");
    if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.whoMakesRoom(sender.address)?.close();
    if (this.#sessions.size >= SESSIONS_MAX) return turnAway("busy");
    const session: Session = new Session({
      route,
      backend,
      source: sender.address,
      preface: preface(route, sender, { address: this.#address, port }),
      answer: (packet) => {
        session.lastDatagram = this.#datagrams += 1;
        this.#answer(packet, sender);
      },
      closed: () => this.#sessions.delete(key),
      connect: (session) => (ways.isElsewhere(backend) ? ways.datagrams(backend, session) : localDatagrams(backend, session)),
      refused: () => health.unreachable(backend, performance.now()),
      traffic,
    });
    this.#sessions.add(key, session);
    return session;
  }

  #answer(packet: Buffer, { port, address }: dgram.RemoteInfo): void {
    this.#lastAnswerMs = performance.now();
    if (this.#socket.getSendQueueSize() > UNSENT_BYTES_MAX) return;
    this.#socket.send(packet, port, address, () => {}); // a client that is gone is no error of ours
  }

  async #drain(over: AbortSignal | undefined): Promise<void> {
    const since = performance.now();
    while (this.#sessions.size > 0 && over?.aborted !== true) {
      const now = performance.now();
      if (now - Math.max(since, this.#lastAnswerMs) >= DRAIN_QUIET_MS || now - since >= DRAIN_MS) break;
      await new Promise((done) => setTimeout(done, DRAIN_POLL_MS));
    }
    for (const session of this.#sessions.all()) session.close();
    await new Promise<void>((done) => this.#socket.close(done));
  }
}

interface SessionOptions {
  readonly route: StreamRoute;
  readonly backend: Backend;
  readonly source: string;
  readonly preface: Uint8Array | undefined;
  readonly answer: (packet: Buffer) => void;
  readonly closed: () => void;
  readonly connect: (session: DatagramSession) => DatagramWay;
  /** Nobody listens there. */
  readonly refused: () => void;
  readonly traffic: TrafficCounter;
}

/** Whether anybody answers a datagram, nobody can say. */
const UNANSWERED = { firstByteMs: undefined, whole: true } as const;

class Session implements PlacedSession {
  readonly backend: Backend;
  readonly source: string;
  lastDatagram = 0;
  /** Of the table that it was last checked against. */
  route: StreamRoute;
  readonly #options: SessionOptions;
  readonly #upstream: DatagramWay;
  readonly #idle: NodeJS.Timeout;
  readonly #openedMs = performance.now();
  #answered = false;
  #closed = false;

  constructor(options: SessionOptions) {
    const { route, backend, source } = options;
    this.#options = options;
    this.source = source;
    this.route = route;
    this.backend = backend;
    options.traffic.began(route, undefined);
    this.#idle = setTimeout(() => this.close(), idleLimitMs(route));
    this.#upstream = options.connect({
      message: (packet) => {
        this.#idle.refresh();
        this.#countAnswer(packet.length);
        options.answer(packet);
      },
      closed: (error) => this.#refused(error),
    });
  }

  #countAnswer(bytes: number): void {
    const { traffic } = this.#options;
    traffic.moved(this.route, 0, bytes);
    if (this.#answered) return;
    this.#answered = true;
    const nowMs = performance.now();
    traffic.tried(this.route, this.backend, { tookMs: nowMs - this.#openedMs }, nowMs);
  }

  send(packet: Buffer): void {
    if (this.#closed) return;
    this.#idle.refresh();
    const { preface, traffic } = this.#options;
    traffic.moved(this.route, packet.length, 0);
    if (preface === undefined) this.#upstream.send(packet);
    else this.#upstream.send(preface, packet);
  }

  /** `reason`: why it was none. */
  close(reason?: OwnReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#upstream.close();
    const { route } = this;
    const ended = reason === undefined ? { backend: this.backend, status: 200 } : { backend: undefined, status: 0 };
    this.#options.traffic.ended({ ...UNANSWERED, ...ended, route, reason }, performance.now());
    this.#options.closed();
  }

  #refused(error: Error): void {
    if (this.#closed) return;
    // Its node is there, and the app works.
    if (error instanceof NoRoom) return this.close("busy");
    this.#options.traffic.tried(this.route, this.backend, { fault: "unreachable", error, tookMs: 0 }, performance.now());
    this.#options.refused();
    return this.close();
  }
}
