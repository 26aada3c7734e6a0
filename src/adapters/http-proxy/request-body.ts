// The body of a request on its way from the client to the app, as fast as the app takes it.
import type http from "node:http";
import { leaveGarbage } from "./garbage.ts";
import type { Upstream } from "./upstream.ts";

export interface BodyOptions {
  readonly maxBytes: number | undefined;
  /** More of it came. */
  readonly moved: (isTooMuch: boolean) => void;
}

export class RequestBody {
  readonly #request: http.IncomingMessage;
  readonly #upstream: Upstream;
  readonly #isChunked: boolean;
  readonly #options: BodyOptions;
  #bytes = 0;
  #isOut = false;

  constructor(request: http.IncomingMessage, upstream: Upstream, options: BodyOptions) {
    this.#request = request;
    this.#upstream = upstream;
    this.#options = options;
    // Node undid the chunks.
    this.#isChunked = request.headers["transfer-encoding"] !== undefined;
    request.on("data", this.#pass);
    request.on("end", this.#end);
  }

  /** All of it was handed on. */
  get isOut(): boolean {
    return this.#isOut;
  }

  resume(): void {
    if (!this.#isOut) this.#request.resume();
  }

  /** Nobody takes the rest. */
  drop(): void {
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
