// Connections to apps: those that may be asked again, and new ones.
import net from "node:net";
import tls from "node:tls";
import type { Backend } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";
import { tlsOf } from "./backend-tls.ts";
import { readBuffers } from "./read-buffers.ts";
import { keepAlive } from "./tie-sockets.ts";
import { Upstream, type Pool } from "./upstream.ts";
import type { AnswerHead } from "./answer-head.ts";

/** Idle connections; a backend that says less in `Keep-Alive` is heeded, a second before it hangs up. */
const IDLE_MS = 60_000;
const HANGS_UP_MS = 1000;
const SWEEP_MS = 5000;
/** Another node's ingress may have handed over to another build: the one that has this connection ends with the last of its kind. */
const WAY_AGE_MAX_MS = 5 * 60_000;
/** Of one backend. */
const IDLE_MAX = 256;
/** On another node, of one backend, at once: a handshake costs more than most requests, which are soon over and leave theirs to the next. */
const OPENING_MAX = 8;
/** An app that lost its power is noticed while it is waited for. */
const PROBE_AFTER_MS = 30_000;

/** To resume TLS with, of one backend each. */
const SESSIONS_MAX = 100;

export interface Wanted {
  /** A new one, for one request. */
  readonly isOnce: boolean;
  readonly isUpgrade: boolean;
  readonly limitMs: number;
}

export class Upstreams {
  readonly #ways: Ways;
  /** Each until no table leads to its backend any more: also one with nothing idle may be given back a connection that is in use. */
  readonly #pools = new Map<string, IdlePool>();
  readonly #buffers = readBuffers();
  readonly #sessions = new Map<string, Buffer>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  /** Connected or about to be; a promise where the way leads through another node, which fails after `limitMs`. */
  take(backend: Backend, wanted: Wanted): Upstream | Promise<Upstream> {
    const pool = wanted.isOnce ? undefined : this.#poolOf(this.#poolKey(backend));
    return pool?.take() ?? (this.#ways.isElsewhere(backend) ? this.#openWay(backend, pool, wanted) : this.#open(backend, pool, wanted));
  }

  /** What leads to anybody else ends once nobody is answered on it: who is let go has to know that nobody comes any more. */
  keep(backends: Iterable<Backend>): void {
    const keys = new Set(Array.from(backends, (backend) => this.#poolKey(backend)));
    for (const [key, pool] of this.#pools) {
      if (keys.has(key)) continue;
      pool.close();
      this.#pools.delete(key);
    }
  }

  #poolKey(backend: Backend): string {
    return this.#ways.isElsewhere(backend) ? `${backend.node} ${backend.instance} ${keyOf(backend)}` : keyOf(backend);
  }

  #poolOf(key: string): IdlePool {
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = new IdlePool();
    this.#pools.set(key, pool);
    this.#sweep ??= setInterval(() => this.#endIdle(), SWEEP_MS).unref();
    return pool;
  }

  #open(backend: Backend, pool: IdlePool | undefined, { isUpgrade }: Wanted): Upstream {
    const upstream = this.#dial(backend, pool, isUpgrade);
    if (isUpgrade) upstream.socket.once("connect", () => keepAlive(upstream.socket));
    return upstream;
  }

  #dial(backend: Backend, pool: IdlePool | undefined, isUpgrade: boolean): Upstream {
    const { host, port } = backend;
    const to = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS };
    if (backend.tls !== undefined) return this.#secured(backend, to, pool);
    const options = { connectedBy: "connect", buffers: this.#buffers, pool } as const;
    // What may become a WebSocket is read as any socket.
    if (isUpgrade) return new Upstream(() => net.connect(to), options).readEvents();
    return new Upstream((onread) => net.connect({ ...to, onread }), options);
  }

  #openWay(backend: Backend, pool: IdlePool | undefined, wanted: Wanted): Promise<Upstream> {
    const open = (): Promise<Upstream> => this.#connectWay(backend, pool, wanted);
    return pool === undefined ? open() : pool.next(open);
  }

  async #connectWay(backend: Backend, pool: IdlePool | undefined, { limitMs, isUpgrade }: Wanted): Promise<Upstream> {
    const socket = await this.#ways.connect(backend, { limitMs, isEndless: isUpgrade });
    const upstream =
      backend.tls === undefined
        ? new Upstream(() => socket, { connectedBy: undefined, buffers: this.#buffers, pool }).readEvents()
        : this.#secured(backend, { socket }, pool);
    upstream.agedOutAtMs = performance.now() + WAY_AGE_MAX_MS;
    return upstream;
  }

  /** TLS of the app's own. */
  #secured(backend: Backend, over: tls.ConnectionOptions, pool: IdlePool | undefined): Upstream {
    const key = keyOf(backend);
    const session = this.#sessions.get(key);
    const socket = tls.connect({
      ...over,
      ...tlsOf(backend),
      ...(session && { session }),
    });
    socket.on("session", (fresh: Buffer) => {
      if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.clear();
      this.#sessions.set(key, fresh);
    });
    return new Upstream(() => socket, { connectedBy: "secureConnect", buffers: this.#buffers, pool }).readEvents();
  }

  #endIdle(): void {
    const nowMs = performance.now();
    for (const pool of this.#pools.values()) pool.endIdle(nowMs);
    if (this.#pools.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

interface Waiting {
  readonly open: () => Promise<Upstream>;
  readonly take: (upstream: Upstream | Promise<Upstream>) => void;
  readonly fail: (error: unknown) => void;
}

/** Of one backend; the one that was used last is used first. */
class IdlePool implements Pool {
  readonly #idle: Upstream[] = [];
  readonly #waiting: Waiting[] = [];
  #opening = 0;
  #isClosed = false;

  take(): Upstream | undefined {
    for (;;) {
      const upstream = this.#idle.pop();
      if (upstream === undefined) return undefined;
      if (performance.now() < upstream.keptUntilMs) {
        upstream.socket.ref();
        upstream.isReused = true;
        return upstream;
      }
      upstream.socket.destroy();
    }
  }

  /**
   * Opened now, or, where some are being opened already, whichever is free first: theirs, one of another request that is over, or its own.
   * Throws what `open` does, also that of another.
   */
  next(open: () => Promise<Upstream>): Promise<Upstream> {
    if (this.#opening < OPENING_MAX) return this.#open(open);
    const { promise, resolve: take, reject: fail } = Promise.withResolvers<Upstream>();
    this.#waiting.push({ open, take, fail });
    return promise;
  }

  async #open(open: () => Promise<Upstream>): Promise<Upstream> {
    this.#opening += 1;
    try {
      return await open();
    } catch (error) {
      for (const { fail } of this.#waiting.splice(0)) fail(error);
      throw error;
    } finally {
      this.#opening -= 1;
      const next = this.#waiting.shift();
      if (next !== undefined) next.take(this.#open(next.open));
    }
  }

  /** Nothing is kept any more. */
  close(): void {
    this.#isClosed = true;
    for (const upstream of this.#idle.splice(0)) upstream.socket.destroy();
  }

  keep(upstream: Upstream, { keepSeconds }: AnswerHead): void {
    const idleMs = keepSeconds === undefined ? IDLE_MS : Math.min(IDLE_MS, keepSeconds * 1000 - HANGS_UP_MS);
    const nowMs = performance.now();
    const mayStay = !this.#isClosed && idleMs > 0 && this.#idle.length < IDLE_MAX && nowMs < upstream.agedOutAtMs;
    if (!mayStay) return void upstream.socket.destroy();
    const next = this.#waiting.shift();
    if (next !== undefined) {
      upstream.isReused = true;
      return next.take(upstream);
    }
    upstream.keptUntilMs = Math.min(nowMs + idleMs, upstream.agedOutAtMs);
    upstream.socket.unref(); // nobody waits for it
    this.#idle.push(upstream);
  }

  forget(upstream: Upstream): void {
    const index = this.#idle.indexOf(upstream);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  endIdle(nowMs: number): void {
    for (const upstream of this.#idle) if (upstream.keptUntilMs <= nowMs) upstream.socket.destroy();
  }
}

function keyOf({ host, port, tls: secured }: Backend): string {
  return `${host} ${port} ${secured ?? ""}`;
}
