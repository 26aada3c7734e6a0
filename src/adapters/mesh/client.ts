// A connection that this node makes to another one's 733: who answers is known before a word is said.
import tls from "node:tls";
import type { Duplex } from "node:stream";
import { MeshRefusal, MeshUnreachable } from "../../api/errors.ts";
import type { MeshLink, MeshPeer } from "../../mesh-ports.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { identify, PROTOCOL, secureOptions, type MeshTrust } from "./identify.ts";
import { readResponse, type ResponseMessage } from "./messages.ts";
import { ANSWER_BYTES_MAX } from "./server-connection.ts";

const WAITING_MAX = 64;
const REQUEST_BYTES_MAX = 1024 * 1024;

export interface DialOptions {
  readonly address: string;
  readonly port: number;
  /** Which of this computer's addresses to speak from; absent: what the route says. */
  readonly localAddress?: string;
  readonly trust: MeshTrust;
  readonly limitMs: number;
  readonly signal?: AbortSignal;
  /** Who must answer; anybody else is not spoken to. */
  readonly expect?: { readonly nodeId?: string; readonly standing?: "member" };
}

interface Waiting {
  readonly resolve: (message: ResponseMessage) => void;
  readonly reject: (error: Error) => void;
}

/** Throws MeshUnreachable, and its signal's reason. */
export async function dial(options: DialOptions): Promise<MeshConnection> {
  const { address, port, localAddress, trust, limitMs, signal, expect } = options;
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), ...(signal ? [signal] : [])]);
  limit.throwIfAborted();
  const socket = tls.connect({
    ...secureOptions(trust),
    host: address,
    port,
    ...(localAddress !== undefined && { localAddress }),
    rejectUnauthorized: false, // who it is decides what it is told
    checkServerIdentity: () => undefined,
    ALPNProtocols: [PROTOCOL],
  });
  try {
    await secured(socket, limit);
    const peer = identify(socket, trust);
    if (peer === undefined) throw new Error("it proved no node's key");
    if (expect?.nodeId !== undefined && peer.nodeId !== expect.nodeId) throw new Error(`another node answered (${peer.nodeId})`);
    if (expect?.standing !== undefined && peer.standing !== expect.standing) throw new Error("it is no member of this house");
    return new MeshConnection(socket, peer);
  } catch (cause) {
    socket.destroy();
    if (signal?.aborted) throw signal.reason;
    const why = limit.aborted ? `no answer within ${limitMs} ms` : cause instanceof Error ? cause.message : String(cause);
    throw new MeshUnreachable(`Cannot reach ${address} on port ${port}: ${why}`, { cause });
  }
}

export class MeshConnection implements MeshLink {
  readonly peer: MeshPeer;
  readonly #socket: tls.TLSSocket;
  readonly #reader = new FrameReader(ANSWER_BYTES_MAX);
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed = new AbortController();
  #lastId = 0;
  /** What comes behind the answer to this one is no frame. */
  #streamId = 0;
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);

  constructor(socket: tls.TLSSocket, peer: MeshPeer) {
    this.#socket = socket;
    this.peer = peer;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
    socket.on("data", this.#onData);
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async request(method: string, body: unknown, options: { readonly limitMs: number; readonly signal?: AbortSignal }): Promise<unknown> {
    return bodyOf(await this.#ask({ method, body, stream: false }, options));
  }

  /** The last thing said on this connection: from the answer on it carries bytes, paused, and is the caller's to end. */
  async stream(
    method: string,
    body: unknown,
    options: { readonly limitMs: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly answer: unknown; readonly bytes: Duplex }> {
    const answer = bodyOf(await this.#ask({ method, body, stream: true }, options));
    const rest = this.#reader.rest();
    if (rest.length > 0) this.#socket.unshift(rest);
    return { answer, bytes: this.#socket };
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new MeshUnreachable(`The connection to ${this.peer.address} is over`));
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values())
      reject(new MeshUnreachable(`${this.peer.address} closed the connection before it answered`));
    this.#waiting.clear();
  }

  async #ask(
    message: { readonly method: string; readonly body: unknown; readonly stream: boolean },
    { limitMs, signal }: { readonly limitMs: number; readonly signal?: AbortSignal },
  ): Promise<ResponseMessage> {
    signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    if (this.#waiting.size >= WAITING_MAX) throw new MeshUnreachable(`${this.peer.address} owes ${WAITING_MAX} answers already`);
    const id = ++this.#lastId;
    if (message.stream) this.#streamId = id;
    const { promise, resolve, reject } = Promise.withResolvers<ResponseMessage>();
    const late = setTimeout(() => reject(new MeshUnreachable(`${this.peer.address} did not answer within ${limitMs} ms`)), limitMs);
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.set(id, { resolve, reject });
    try {
      this.#socket.write(encodeFrame({ id, ...message, limitMs }, REQUEST_BYTES_MAX));
      return await promise;
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
    }
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
      for (let body = this.#reader.next(); body; body = this.#reader.next()) {
        const message = readResponse(body);
        this.#waiting.get(message.id)?.resolve(message); // a late answer is nobody's
        if (message.id === this.#streamId && !("error" in message)) {
          this.#socket.off("data", this.#onData);
          this.#socket.pause();
          return;
        }
      }
    } catch {
      this.close();
    }
  }
}

function bodyOf(message: ResponseMessage): unknown {
  if ("error" in message) throw new MeshRefusal(message.error.code, message.error.message);
  return message.body;
}

async function secured(socket: tls.TLSSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal.reason);
  socket.once("secureConnect", resolve);
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("it closed the connection")));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
