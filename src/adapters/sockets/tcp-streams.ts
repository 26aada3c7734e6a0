// Raw TCP: a connection from outside and one to a backend, tied together until both have ended.
import net from "node:net";
import type { Backend } from "../../api/table.ts";
import type { Listen } from "../../ports.ts";
import { peekHost } from "./peek.ts";
import { StreamCounts, type StreamCount } from "./stream-count.ts";
import { idleLimitMs, type StreamOptions } from "./stream-options.ts";

/** At one port; whoever comes then is turned away at once. */
const CONNECTIONS_MAX = 4096;
const CONNECT_MS = 3000;
/** With another backend to try, a silent one does not get the whole time. */
const CONNECT_MORE_MS = 500;
/** Three round trips to another node, which may be far away in the tailnet. */
const CONNECT_MORE_AWAY_MS = 1000;
/** How long a client waits while no backend takes it: an app that restarts. */
const HOLD_MS = 5000;
const HOLD_RETRY_MS = 250;
/**
 * A laptop that slept, or a router that started anew, finds its connection as it was: whoever does not answer is given up after eleven
 * minutes. Node's own count is ten times a second apart, so that half a minute of absence would end it, whatever `idleTimeout` says.
 */
const KEEP_ALIVE = { initialDelay: 60_000, interval: 30_000, count: 20 } as const;
/** For what is still to be written when the other side has gone. */
const LAST_BYTES_MS = 10_000;
/** Connections may go on for so long after their listener was closed. */
const DRAIN_MS = 30 * 60_000;

export class TcpStreams {
  readonly #options: StreamOptions;
  /** Who waits for a backend, and whether a table has news for them. */
  readonly #held = new Map<() => void, () => boolean>();
  readonly #counts: StreamCounts;
  readonly #tied = new Set<net.Socket>();
  #connections = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#counts = new StreamCounts(options.traffic);
  }

  countBytes(): void {
    this.#counts.countBytes();
  }

  /** Open right now, for the metrics. */
  get connections(): number {
    return this.#connections;
  }

  /** So that neither side takes what it has for all of it, before this process ends. */
  breakOff(): void {
    for (const socket of this.#tied) socket.resetAndDestroy();
  }

  /** After a new table: whoever is held and leads elsewhere now looks again. */
  changed(): void {
    for (const [wake, hasNews] of this.#held) if (hasNews()) wake();
  }

  readonly listen: Listen = async (address, at) => {
    const clients = new Set<net.Socket>();
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      clients.add(client);
      this.#connections += 1;
      client.on("error", () => client.destroy());
      client.once("close", () => {
        clients.delete(client);
        this.#connections -= 1;
      });
      void this.#serve(client, address);
    });
    server.maxConnections = CONNECTIONS_MAX;
    const [fd] = "fds" in at ? at.fds : [];
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(fd === undefined ? { port: "port" in at ? at.port : 0, host: address } : { fd }, () => {
        server.off("error", fail);
        done();
      });
    });
    server.on("error", (error) => this.#options.log.warn("TCP socket failed", { address, error: error.message }));
    return {
      port: (server.address() as net.AddressInfo).port, // a TCP server has no other kind of address
      sockets: [server],
      drain: () =>
        new Promise((done) => {
          const limit = setTimeout(() => clients.forEach((client) => client.destroy()), DRAIN_MS);
          server.close(() => {
            clearTimeout(limit);
            done();
          });
        }),
    };
  };

  async #serve(client: net.Socket, address: string): Promise<void> {
    try {
      if (!(await this.#connect(client, address))) client.resetAndDestroy();
    } catch (error) {
      this.#options.log.error("Connection failed", { address, error: error instanceof Error ? error.stack : String(error) });
      client.destroy();
    }
  }

  /** False: nobody may or can take it. */
  async #connect(client: net.Socket, address: string): Promise<boolean> {
    const { route: find, isAllowed, preface, plainAddress, readHello, noSuchHost } = this.#options;
    const from = { address: plainAddress(client.remoteAddress ?? ""), port: client.remotePort ?? 0 };
    const asked = { address: plainAddress(client.localAddress ?? ""), port: client.localPort ?? 0 };
    const count = this.#counts.begin(client);
    let since = performance.now();
    let host: string | undefined;
    for (;;) {
      const route = find("tcp", address, asked.port, host);
      if (route === "by host") {
        host = await peekHost(client, readHello);
        if (host === undefined) return false;
        since = performance.now();
        continue;
      }
      if (route === undefined && host !== undefined) {
        client.end(noSuchHost);
        client.resume().setTimeout(LAST_BYTES_MS, () => client.destroy());
        return true;
      }
      if (route === undefined) return false;
      count.routed(route);
      count.reason = isAllowed(route, from.address) ? (route.backends.length === 0 ? "waiting" : "unreachable") : "notAllowed";
      if (count.reason === "notAllowed") return false;
      const upstream = await this.#firstOf(route.backends, count);
      if (upstream !== undefined) {
        const bytes = preface(route, from, asked);
        if (bytes !== undefined) upstream.write(bytes);
        for (const socket of [client, upstream]) this.#tied.add(socket.once("close", () => this.#tied.delete(socket)));
        tie(client, upstream, idleLimitMs(route));
        return true;
      }
      const leftMs = HOLD_MS - (performance.now() - since);
      if (leftMs <= 0) return false;
      // Without a backend only a new table helps; one that does not answer may be back at any moment.
      await this.#hold(route.backends.length === 0 ? leftMs : Math.min(leftMs, HOLD_RETRY_MS), () => {
        const now = find("tcp", address, asked.port, host);
        return now === undefined || now === "by host" || !isAllowed(now, from.address) || !leadSame(now.backends, route.backends);
      });
    }
  }

  async #firstOf(backends: readonly Backend[], count: StreamCount): Promise<net.Socket | undefined> {
    const { health, node, ways } = this.#options;
    const ordered = health.order(backends, node(), performance.now());
    for (const [index, backend] of ordered.entries()) {
      const sinceMs = performance.now();
      const moreMs = ways.isElsewhere(backend) ? CONNECT_MORE_AWAY_MS : CONNECT_MORE_MS;
      const limitMs = index < ordered.length - 1 ? moreMs : CONNECT_MS;
      const upstream = ways.isElsewhere(backend)
        ? await ways.connect(backend, { limitMs, isEndless: true }).catch(toError)
        : await connectTo(backend, limitMs);
      count.tried(backend, upstream instanceof Error ? upstream : undefined, sinceMs);
      if (!(upstream instanceof Error)) return upstream;
      health.unreachable(backend, performance.now());
    }
    return undefined;
  }

  #hold(ms: number, hasNews: () => boolean): Promise<void> {
    return new Promise((done) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#held.delete(wake);
        done();
      };
      const timer = setTimeout(wake, ms);
      this.#held.set(wake, hasNews);
    });
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function leadSame(left: readonly Backend[], right: readonly Backend[]): boolean {
  return left.length === right.length && left.every((backend, index) => leadsSame(backend, right[index]));
}

function leadsSame({ node, host, port }: Backend, other: Backend | undefined): boolean {
  return other?.host === host && other.port === port && other.node === node;
}

/** An error: it refused, or did not answer in time. */
function connectTo({ host, port }: Backend, limitMs: number): Promise<net.Socket | Error> {
  return new Promise((done) => {
    const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    let problem = new Error(`no connection within ${limitMs} ms`);
    const limit = setTimeout(() => socket.destroy(), limitMs);
    socket.on("error", (error) => {
      problem = error;
      socket.destroy();
    });
    socket.once("connect", () => {
      clearTimeout(limit);
      keepAlive(socket);
      done(socket);
    });
    socket.once("close", () => {
      clearTimeout(limit);
      done(problem);
    });
  });
}

/**
 * What one says the other hears. Each may say that it has no more while it goes on listening; one that breaks off breaks the other
 * off, so that nobody takes half an answer for a whole one.
 */
function tie(client: net.Socket, upstream: net.Socket, idleMs: number): void {
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    socket.on("error", () => other.resetAndDestroy());
    socket.on("close", () => {
      other.destroySoon();
      other.setTimeout(LAST_BYTES_MS, () => other.destroy());
    });
    socket.pipe(other);
  }
  // The other was, by whoever opened it: on the way to another node that is something else.
  keepAlive(client);
  // The client's socket sees every byte, in either direction.
  client.setTimeout(idleMs, () => client.destroy());
  // It may have gone while it was held.
  if (client.destroyed) upstream.destroy();
}

function keepAlive(socket: net.Socket): void {
  socket.setKeepAlive(true, KEEP_ALIVE.initialDelay, KEEP_ALIVE.interval, KEEP_ALIVE.count);
}
