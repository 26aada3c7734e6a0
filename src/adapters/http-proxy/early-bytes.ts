// What a client says before its upgrade is answered, for the app; and its end, which nobody else would hear meanwhile.
import type net from "node:net";

/** A handshake is waited for (RFC 6455, 4.1): nobody says so much before the answer. */
const BYTES_MAX = 64 * 1024;

export class EarlyBytes {
  readonly #socket: net.Socket;
  readonly #chunks: Buffer[];
  #bytes: number;

  /** `head`: what has come already. */
  constructor(socket: net.Socket, head: Buffer) {
    this.#socket = socket;
    this.#chunks = [head];
    this.#bytes = head.length;
    socket.on("data", this.#keep).on("end", this.#gone);
  }

  /** For whoever reads the connection from now on. */
  giveBack(): void {
    this.#socket.off("data", this.#keep).off("end", this.#gone).pause();
    if (this.#bytes > 0) this.#socket.unshift(Buffer.concat(this.#chunks));
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > BYTES_MAX) this.#gone();
  };

  readonly #gone = (): void => void this.#socket.destroy();
}
