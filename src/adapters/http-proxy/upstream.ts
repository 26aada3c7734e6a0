// One connection to an app: one request at a time, its answer as bytes in order, and whether the app may be asked on it again. Of what
// the app sends nothing reaches anybody who did not ask for it.
import type net from "node:net";
import { hasNoBody, mayBecomeHead, readAnswerHead, type AnswerHead } from "./answer-head.ts";
import { ChunkReader } from "./chunks.ts";
import { OWN_BUFFER_FROM_BYTES, type ReadBuffers } from "./read-buffers.ts";

/** Who asked. Each call may end the connection. */
export interface Asker {
  /** It stands, and until now no byte of the request was sent: its head follows at once. */
  connected(): void;
  interim(head: AnswerHead): void;
  upgraded(head: AnswerHead, socket: net.Socket, rest: Buffer): void;
  /** `body`: all of it, in Latin-1; undefined: it follows. `isHere`: its beginning at once. */
  answered(head: AnswerHead, body: string | undefined, isHere: boolean): void;
  /** False: no more until `resume`. `isLent`: the bytes stay as they are only while it is false. */
  body(bytes: Buffer, isLent: boolean): boolean;
  ended(): void;
  /** What was written is out: there is room for more. */
  drained(): void;
  /** Nothing more comes. */
  failed(error: Error): void;
}

export interface Question {
  readonly method: string;
  /** Request line and headers, each line with its end, and the empty line. */
  readonly head: string;
  /** A body follows, by `write` and `end`. */
  readonly hasBody: boolean;
}

/** Of an answer's head: cookies and policies of apps are long. */
const HEAD_BYTES_MAX = 64 * 1024;
/** Interim answers (103) before the one that counts. */
const INTERIM_MAX = 20;
/** A body that is whole and no longer than this leaves with its head in one write. */
const WHOLE_BYTES_MAX = 16 * 1024;
/** A connection of which less comes at once reads into the buffer of all again. */
const OWN_BUFFER_UNTIL_BYTES = 1024;

export interface UpstreamOptions {
  /** undefined: it stands already. */
  readonly connectedBy: "connect" | "secureConnect" | undefined;
  readonly buffers: ReadBuffers;
  /** Absent: it is asked once. */
  readonly pool?: Pool | undefined;
}

export interface Pool {
  /** It may be asked again, for as long as the head says. */
  keep(upstream: Upstream, head: AnswerHead): void;
  /** Not again; it may never have been kept. */
  forget(upstream: Upstream): void;
}

export class Upstream {
  readonly socket: net.Socket;
  /** Asked before, on this connection. */
  isReused = false;
  isConnected = false;
  /** Until when it may be asked again, by `performance.now()`. */
  keptUntilMs = 0;
  /** From then on it is asked no more, however often it was until now. */
  agedOutAtMs = Infinity;
  readonly #pool: Pool | undefined;
  readonly #buffers: ReadBuffers;
  #buffer: Buffer;
  #asker: Asker | undefined;
  #method = "";
  #question = "";
  #head: AnswerHead | undefined;
  #partial: Buffer | undefined;
  #interims = 0;
  #left = 0;
  #chunks: ChunkReader | undefined;
  #untilEnd = false;
  #isSent = false;
  #isOver = false;
  #heard = false;
  #isPaused = false;

  /** `open` connects; what reads into our buffers says nothing by "data". */
  constructor(open: (reading: net.OnReadOpts) => net.Socket, { connectedBy, buffers, pool }: UpstreamOptions) {
    this.#pool = pool;
    this.#buffers = buffers;
    this.#buffer = buffers.common;
    const socket = open({
      buffer: () => this.#buffer,
      callback: (length, buffer) => this.#read((buffer as Buffer).subarray(0, length)), // `buffer` gives no others
    });
    this.socket = socket;
    this.isConnected = connectedBy === undefined;
    if (connectedBy !== undefined)
      socket.once(connectedBy, () => {
        this.isConnected = true;
        this.#say();
      });
    socket.on("drain", this.#drained);
    socket.on("end", this.#ended);
    socket.on("error", this.fail);
    socket.on("close", this.#closed);
  }

  /** Of a connection that does not read into our buffers. */
  readEvents(): this {
    this.socket.on("data", this.#readEvent);
    this.socket.resume(); // it may come paused
    return this;
  }

  /** Bytes of an answer have come: what was asked has been heard. */
  get heard(): boolean {
    return this.#heard;
  }

  ask(asker: Asker, { method, head, hasBody }: Question): void {
    this.#asker = asker;
    this.#method = method;
    this.#head = undefined;
    this.#interims = 0;
    this.#untilEnd = false;
    this.#isSent = !hasBody;
    this.#isOver = false;
    this.#heard = false;
    this.#question = head;
    if (this.isConnected) this.#say();
  }

  /** False: wait for `drained`. */
  write(bytes: Buffer | string): boolean {
    // Where all of it is out at once there is room whatever Node says: it counts what is written before it is.
    return this.socket.write(bytes, "latin1") || this.socket.writableLength === 0;
  }

  /** The bytes stay as they are until `written` is called, soon or, where it is false, when they are out. */
  lend(bytes: Buffer, written: () => void): boolean {
    this.socket.write(bytes, written);
    return this.socket.writableLength === 0;
  }

  /** The request is out. */
  end(): void {
    this.#isSent = true;
    this.#release(false);
  }

  resume(): void {
    this.#isPaused = false;
    this.socket.resume();
  }

  /** Ends the connection, and tells who asked. */
  readonly fail = (error: Error): void => {
    const asker = this.#asker;
    this.#asker = undefined;
    this.socket.destroy();
    this.#giveBack(true);
    this.#pool?.forget(this);
    asker?.failed(error);
  };

  #say(): void {
    const head = this.#question;
    this.#question = "";
    if (this.#asker === undefined) return;
    this.#asker.connected();
    this.socket.write(head, "latin1");
  }

  readonly #readEvent = (bytes: Buffer): void => {
    if (!this.#read(bytes)) this.socket.pause();
  };
  readonly #drained = (): void => this.#asker?.drained();
  // Of a way that is cut the end may be told before its reason.
  readonly #closed = (): void => this.fail(this.socket.errored ?? new Error("the app ended the connection"));
  readonly #ended = (): void => {
    if (this.#untilEnd && this.#asker !== undefined && !this.#isOver) this.#finish(false);
    else this.#closed();
  };

  /** False: no more for now. */
  #read(bytes: Buffer): boolean {
    // An answer that nobody asked for.
    if (this.#asker === undefined || this.#isOver) this.fail(new Error("the app said more than it was asked"));
    else if (this.#head === undefined) this.#readHead(bytes);
    else this.#readBody(bytes);
    if (this.#asker !== undefined && !this.#isOver) this.#choose(bytes);
    return !this.#isPaused;
  }

  /** The buffer to read into next: one of its own for what comes fast, which nobody has to copy. */
  #choose(bytes: Buffer): void {
    const { common } = this.#buffers;
    if (this.#buffer === common) {
      if (bytes.length >= OWN_BUFFER_FROM_BYTES && bytes.buffer === common.buffer) this.#buffer = this.#buffers.lend() ?? common;
    } else if (bytes.length < OWN_BUFFER_UNTIL_BYTES && !this.#isPaused) this.#giveBack(false);
  }

  #readHead(bytes: Buffer): void {
    this.#heard = true;
    const all = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes]);
    this.#partial = undefined;
    for (let at = 0; this.#asker !== undefined;) {
      while (all[at] === 13 || all[at] === 10) at += 1; // empty lines before it
      const end = all.indexOf("\r\n\r\n", at, "latin1");
      if ((end < 0 ? all.length : end) - at > HEAD_BYTES_MAX) return this.fail(new Error("an answer whose head does not end"));
      if (end < 0) {
        if (!mayBecomeHead(all.toString("latin1", at))) return this.fail(new Error("what is no answer of HTTP/1"));
        this.#partial = Buffer.from(all.subarray(at));
        return undefined;
      }
      const head = readAnswerHead(all.toString("latin1", at, end + 2));
      if (typeof head === "string") return this.fail(new Error(head));
      at = end + 4;
      if (head.status === 101) return this.#upgrade(head, all.subarray(at));
      if (head.status >= 200) return this.#begin(head, all.subarray(at));
      this.#interims += 1;
      if (this.#interims > INTERIM_MAX) return this.fail(new Error("interim answers without end"));
      this.#asker.interim(head);
    }
    return undefined;
  }

  #begin(head: AnswerHead, rest: Buffer): void {
    this.#head = head;
    const body = hasNoBody(this.#method, head.status) ? 0 : head.body;
    if (typeof body === "number" && body <= rest.length && body <= WHOLE_BYTES_MAX) {
      this.#asker?.answered(head, rest.toString("latin1", 0, body), true);
      return this.#finish(rest.length > body);
    }
    this.#left = typeof body === "number" ? body : Infinity;
    this.#untilEnd = body === undefined;
    this.#chunks = body === "chunked" ? new ChunkReader() : undefined;
    this.#asker?.answered(head, undefined, rest.length > 0);
    if (rest.length > 0) this.#readBody(rest);
    return undefined;
  }

  #readBody(bytes: Buffer): void {
    if (this.#chunks !== undefined) {
      const read = this.#chunks.read(bytes, (from, to) => this.#pass(bytes.subarray(from, to)));
      if (read < 0) this.fail(new Error("an answer whose chunks cannot be read"));
      else if (this.#chunks.isDone) this.#finish(read < bytes.length);
      return;
    }
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    this.#pass(part);
    if (this.#left === 0) this.#finish(part.length < bytes.length);
  }

  #pass(part: Buffer): void {
    // What is in the buffer of all is soon somebody else's.
    const bytes = part.buffer === this.#buffers.common.buffer ? Buffer.from(part) : part;
    if (this.#asker?.body(bytes, part.buffer === this.#buffer.buffer) === false) this.#isPaused = true;
  }

  /** The whole answer has come. */
  #finish(isMore: boolean): void {
    if (this.#asker === undefined) return;
    this.#isOver = true;
    this.#asker.ended();
    // Where the last bytes still wait for the client, they stay theirs.
    this.#giveBack(this.#isPaused);
    this.#release(isMore);
  }

  /** For the next request, once both question and answer are over. */
  #release(isMore: boolean): void {
    const head = this.#head;
    if (this.#asker === undefined || !this.#isSent || !this.#isOver) return;
    this.#asker = undefined;
    this.#chunks = undefined;
    if (this.#isPaused) this.resume();
    // An app that answers before it reads may still have the rest of the question before it.
    const mayKeep = head?.isKept === true && !this.#untilEnd && !isMore && this.socket.writableLength === 0;
    if (mayKeep && this.#pool !== undefined) this.#pool.keep(this, head);
    else this.socket.destroy();
  }

  #giveBack(isNeeded: boolean): void {
    if (this.#buffer === this.#buffers.common) return;
    if (isNeeded) this.#buffers.leave(this.#buffer);
    else this.#buffers.giveBack(this.#buffer);
    this.#buffer = this.#buffers.common;
  }

  #upgrade(head: AnswerHead, rest: Buffer): void {
    const asker = this.#asker;
    this.#asker = undefined;
    this.socket.off("data", this.#readEvent).off("end", this.#ended).off("drain", this.#drained).off("close", this.#closed);
    asker?.upgraded(head, this.socket, rest);
  }
}
