// The near end of datagrams: all clients of one instance share one connection to its node.
import type tls from "node:tls";
import type { DatagramSession, DatagramWay } from "../../ports.ts";
import { DATAGRAM_MAX, DatagramReader, encodeDatagram } from "./datagram-frames.ts";

const UNSENT_BYTES_MAX = 1024 * 1024;
/** Until the connection is open. */
const WAITING_MAX = 256;
const SESSION_IDS = 2 ** 32;
/** Without a session: a name server is asked again soon. */
const IDLE_MS = 30_000;

export interface DatagramTunnelOptions {
  readonly connect: () => Promise<tls.TLSSocket>;
  /** It takes no sessions any more. */
  readonly ended: () => void;
}

export class DatagramTunnel {
  readonly #options: DatagramTunnelOptions;
  readonly #sessions = new Map<number, DatagramSession>();
  #socket: tls.TLSSocket | undefined;
  #waiting: Buffer[] = [];
  #lastId = 0;
  #ended = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: DatagramTunnelOptions) {
    this.#options = options;
    options.connect().then(
      (socket) => this.#opened(socket),
      (error: unknown) => this.#end(error instanceof Error ? error : new Error(String(error))),
    );
  }

  open(session: DatagramSession): DatagramWay {
    const id = (this.#lastId = (this.#lastId + 1) % SESSION_IDS);
    this.#sessions.set(id, session);
    clearTimeout(this.#idle);
    return {
      send: (...parts) => {
        const bytes = parts.reduce((sum, part) => sum + part.length, 0);
        if (bytes <= DATAGRAM_MAX && this.#sessions.has(id)) this.#write(encodeDatagram({ session: id, kind: "datagram" }, ...parts));
      },
      close: () => {
        if (!this.#sessions.has(id)) return;
        this.#write(encodeDatagram({ session: id, kind: "over" }));
        this.#over(id);
      },
    };
  }

  #opened(socket: tls.TLSSocket): void {
    if (this.#ended) return void socket.destroy();
    this.#socket = socket;
    const reader = new DatagramReader();
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#end(new Error("the connection to its node is over")));
    socket.on("data", (chunk: Buffer) => {
      for (const { session: id, kind, data } of reader.push(chunk)) {
        const session = this.#sessions.get(id);
        if (kind === "datagram") session?.message(Buffer.from(data));
        else if (session !== undefined) {
          this.#over(id);
          session.closed(new Error("nobody listens there"));
        }
      }
    });
    for (const frame of this.#waiting) socket.write(frame);
    this.#waiting = [];
    socket.resume();
    return undefined;
  }

  #over(id: number): void {
    this.#sessions.delete(id);
    if (this.#sessions.size === 0) this.#idle = setTimeout(() => this.#end(undefined), IDLE_MS).unref();
  }

  /** Whatever cannot leave is lost, as datagrams are. */
  #write(frame: Buffer): void {
    if (this.#socket === undefined) {
      if (!this.#ended && this.#waiting.length < WAITING_MAX) this.#waiting.push(frame);
    } else if (this.#socket.writable && this.#socket.writableLength < UNSENT_BYTES_MAX) this.#socket.write(frame);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#idle);
    this.#options.ended();
    this.#socket?.destroy();
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) session.closed(error ?? new Error("the connection to its node is over"));
  }
}
