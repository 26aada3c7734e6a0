// One connection that another node made to 733: its requests are answered side by side, and whatever it does is bounded in bytes, time and
// number.
import type { TLSSocket } from "node:tls";
import { MeshRefusal } from "../../api/errors.ts";
import type { MeshHandler, MeshPeer } from "../../mesh-ports.ts";
import type { Log } from "../../ports.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { readRequest, type RequestMessage } from "./messages.ts";

export interface ConnectionLimits {
  /** Of what it may send in one frame. */
  readonly frameBytesMax: number;
  /** From a frame's first byte to its last. */
  readonly frameMs: number;
  /** Without any request. */
  readonly idleMs: number;
  readonly lifeMs: number;
  readonly requestsMax: number;
  /** Of one answer. */
  readonly answerMs: number;
}

export const STRANGER_LIMITS: ConnectionLimits = {
  frameBytesMax: 16 * 1024,
  frameMs: 5_000,
  idleMs: 15_000,
  lifeMs: 60_000,
  requestsMax: 1,
  answerMs: 20_000,
};

export const MEMBER_LIMITS: ConnectionLimits = {
  frameBytesMax: 1024 * 1024,
  frameMs: 20_000,
  idleMs: 300_000,
  lifeMs: Number.POSITIVE_INFINITY,
  requestsMax: 32,
  answerMs: 120_000,
};

/** Answers are ours; this keeps a mistake from filling somebody's memory. */
export const ANSWER_BYTES_MAX = 1024 * 1024;

export interface ServerConnectionOptions {
  readonly socket: TLSSocket;
  readonly peer: MeshPeer;
  readonly handler: MeshHandler;
  readonly limits: ConnectionLimits;
  /** Undefined: it may ask that now. */
  readonly refusal: (method: string) => MeshRefusal | undefined;
  readonly log: Log;
}

export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  readonly #reader: FrameReader;
  readonly #closing = new AbortController();
  readonly #life: NodeJS.Timeout | undefined;
  #timer: { readonly kind: "frame" | "idle"; readonly timeout: NodeJS.Timeout } | undefined;
  #answering = 0;
  #streaming = false;
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    const { socket, limits } = options;
    this.#reader = new FrameReader(limits.frameBytesMax);
    this.#life = Number.isFinite(limits.lifeMs) ? setTimeout(() => this.close(), limits.lifeMs) : undefined;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
    socket.on("data", this.#onData);
    this.#watch();
  }

  get peer(): MeshPeer {
    return this.#options.peer;
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error("The connection is over"));
    clearTimeout(this.#life);
    this.#forget();
    this.#options.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#read();
  }

  /** Takes frames as long as it may answer more; what breaks the rules ends the connection, without a word to a stranger. */
  #read(): void {
    const { socket, limits } = this.#options;
    try {
      while (!this.#streaming && this.#answering < limits.requestsMax) {
        const body = this.#reader.next();
        if (body === undefined) break;
        this.#forget(); // what follows is another frame, with a time of its own
        void this.#answer(readRequest(body));
      }
    } catch {
      this.close();
      return;
    }
    // Whoever waits for a stream says nothing more, but its going is to be heard.
    if (this.#streaming ? this.#reader.partial : this.#answering >= limits.requestsMax) socket.pause();
    else if (socket.isPaused()) socket.resume();
    this.#watch();
  }

  /** A frame that has begun must come to its end, however slowly its bytes drip; a connection must be of use. */
  #watch(): void {
    const { frameMs, idleMs, requestsMax } = this.#options.limits;
    const waits = this.#streaming || this.#answering >= requestsMax;
    const kind =
      this.#closing.signal.aborted || waits ? undefined : this.#reader.partial ? "frame" : this.#answering === 0 ? "idle" : undefined;
    if (kind === "frame" && this.#timer?.kind === "frame") return;
    this.#forget();
    this.#timer = kind && { kind, timeout: setTimeout(() => this.close(), kind === "frame" ? frameMs : idleMs) };
  }

  #forget(): void {
    clearTimeout(this.#timer?.timeout);
    this.#timer = undefined;
  }

  async #answer(request: RequestMessage): Promise<void> {
    this.#answering++;
    try {
      await (request.stream ? this.#stream(request) : this.#reply(request));
    } catch {
      this.close();
    } finally {
      this.#answering--;
      if (!this.#closing.signal.aborted && !this.#streaming) this.#read();
    }
  }

  async #reply(request: RequestMessage): Promise<void> {
    const { handler, peer } = this.#options;
    await this.#send(await this.#outcome(request, async (signal) => handler.request(peer, request.method, request.body, signal)));
  }

  async #stream(request: RequestMessage): Promise<void> {
    const { handler, peer, socket } = this.#options;
    this.#streaming = true; // nothing more is a frame, unless it was refused
    let run: ((bytes: TLSSocket) => void) | undefined;
    const frame = await this.#outcome(request, async (signal) => {
      if (handler.stream === undefined || peer.standing !== "member")
        throw new MeshRefusal("UnknownMethod", `There is no stream ${request.method}`);
      const stream = await handler.stream(peer, request.method, request.body, signal);
      run = (bytes) => stream.run(bytes);
      return stream.answer;
    });
    await this.#send(frame);
    if (run === undefined) {
      this.#streaming = false;
      return;
    }
    socket.off("data", this.#onData);
    socket.pause();
    const rest = this.#reader.rest();
    if (rest.length > 0) socket.unshift(rest);
    run(socket);
  }

  /** The frame of the answer, or of why there is none. */
  async #outcome({ id, method, limitMs }: RequestMessage, work: (signal: AbortSignal) => Promise<unknown>): Promise<Buffer> {
    const { refusal, limits, log, peer } = this.#options;
    const late = AbortSignal.timeout(Math.ceil(Math.min(limitMs, limits.answerMs)));
    const no = (code: string, message: string): Buffer => encodeFrame({ id, error: { code, message } }, ANSWER_BYTES_MAX);
    try {
      const refused = refusal(method);
      if (refused) throw refused;
      return encodeFrame({ id, body: (await work(AbortSignal.any([this.#closing.signal, late]))) ?? null }, ANSWER_BYTES_MAX);
    } catch (error) {
      if (error instanceof MeshRefusal) return no(error.code, error.message);
      if (!this.#closing.signal.aborted) log.warn("Mesh request failed", { method, nodeId: peer.nodeId, address: peer.address, error });
      return no("Internal", "The other node could not do it; its log says why");
    }
  }

  /** Counts as being answered until the bytes have left: a peer that does not read gets no more. */
  #send(frame: Buffer): Promise<void> {
    const { socket } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error("It does not read")), this.#options.limits.answerMs);
    socket.write(frame, (error) => (error ? reject(error) : resolve()));
    return promise.finally(() => clearTimeout(late));
  }
}
