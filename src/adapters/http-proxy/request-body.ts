// The body of a request on its way from the client to the app, as fast as the app takes it.
import type http from "node:http";
import { leaveGarbage } from "./garbage.ts";
import { readPastParser, type PastParser } from "./past-parser.ts";
import type { Upstream } from "./upstream.ts";

export interface BodyOptions {
  readonly maxBytes: number | undefined;
  /** More of it came. */
  readonly moved: (isTooMuch: boolean) => void;
}

/** Of a length that was announced, so much still to come is worth reading past Node's parser. */
const LARGE_BYTES = 256 * 1024;

export class RequestBody {
  readonly #request: http.IncomingMessage;
  readonly #upstream: Upstream;
  readonly #isChunked: boolean;
  readonly #options: BodyOptions;
  readonly #length: number;
  #bytes = 0;
  #isOut = false;
  #past: PastParser | undefined;
  /** Writes of lent bytes that are not out. */
  #unwritten = 0;

  constructor(request: http.IncomingMessage, upstream: Upstream, options: BodyOptions) {
    this.#request = request;
    this.#upstream = upstream;
    this.#options = options;
    // Node undid the chunks.
    this.#isChunked = request.headers["transfer-encoding"] !== undefined;
    this.#length = this.#isChunked ? 0 : Number(request.headers["content-length"]);
    request.on("data", this.#pass);
    request.on("end", this.#end);
  }

  /** All of it was handed on. */
  get isOut(): boolean {
    return this.#isOut;
  }

  resume(): void {
    if (!this.#isOut && this.#unwritten === 0) this.#request.resume();
  }

  /** Nobody takes the rest. */
  drop(): void {
    this.#past?.end();
    this.#request.off("data", this.#pass).off("end", this.#end);
    this.#request.resume();
  }

  readonly #pass = (bytes: Buffer): void => {
    this.#bytes += bytes.length;
    leaveGarbage(bytes.length);
    const isTooMuch = this.#bytes > (this.#options.maxBytes ?? Infinity);
    this.#options.moved(isTooMuch);
    if (isTooMuch) return;
    if (!(this.#isChunked ? this.#writeChunk(bytes) : this.#upstream.write(bytes))) this.#request.pause();
    else if (this.#length - this.#bytes >= LARGE_BYTES && this.#request.readableLength === 0)
      this.#past = readPastParser(this.#request.socket, this.#length - this.#bytes, this.#lend);
  };

  readonly #lend = (bytes: Buffer): boolean => {
    this.#bytes += bytes.length;
    this.#options.moved(false);
    this.#unwritten += 1;
    if (this.#upstream.lend(bytes, this.#written)) return true;
    // It is not the client that is slow.
    this.#request.pause();
    return false;
  };

  readonly #written = (): void => {
    this.#unwritten -= 1;
    if (this.#unwritten > 0) return;
    this.#past?.resume();
    this.resume();
  };

  #writeChunk(bytes: Buffer): boolean {
    const { socket } = this.#upstream;
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    socket.write(bytes);
    const isRoom = socket.write("\r\n", "latin1");
    socket.uncork();
    return isRoom;
  }

  readonly #end = (): void => {
    this.#isOut = true;
    if (this.#isChunked) this.#upstream.write("0\r\n\r\n");
    this.#upstream.end();
  };
}
