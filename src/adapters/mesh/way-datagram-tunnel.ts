// The near end of datagrams: all clients of one instance share one connection to its node.
import type net from "node:net";
import { NoRoom } from "../../api/errors.ts";
import type { DatagramSession, DatagramWay } from "../../ports.ts";
import { DATAGRAM_MAX, DatagramReader, encodeDatagram } from "./datagram-frames.ts";

const UNSENT_BYTES_MAX = 1024 * 1024;
/** Until the connection is open. */
const WAITING_MAX = 256;
const SESSION_IDS = 2 ** 32;
/** Without a session: a name server is asked again soon. */
const IDLE_MS = 30_000;
/** The other ingress may have handed over to another build: the one that has this connection ends with the last of its kind. */
const AGE_MAX_MS = 5 * 60_000;

export interface DatagramTunnelOptions {
  readonly connect: () => Promise<net.Socket>;
  /** It takes no sessions any more. */
  readonly ended: () => void;
}

interface Open {
  readonly session: DatagramSession;
  /** The other end knows of it. */
  isTold: boolean;
}

export class DatagramTunnel {
  readonly #options: DatagramTunnelOptions;
  readonly #sessions = new Map<number, Open>();
  readonly #openedMs = performance.now();
  #socket: net.Socket | undefined;
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

  /** Those that it has go on. */
  get takesSessions(): boolean {
    return !this.#ended && performance.now() - this.#openedMs < AGE_MAX_MS;
  }

  open(session: DatagramSession): DatagramWay {
    const id = (this.#lastId = (this.#lastId + 1) % SESSION_IDS);
    const open = { session, isTold: false };
    this.#sessions.set(id, open);
    clearTimeout(this.#idle);
    return {
      // Whatever cannot leave is lost, as datagrams are.
      send: (...parts) => {
        const bytes = parts.reduce((sum, part) => sum + part.length, 0);
        if (bytes > DATAGRAM_MAX || !this.#sessions.has(id) || !this.#hasRoom) return;
        open.isTold = true;
        this.#write(encodeDatagram({ session: id, kind: "datagram" }, ...parts));
      },
      close: () => {
        if (!this.#sessions.has(id)) return;
        // Room or not: else the other end keeps a place for it.
        if (open.isTold) this.#write(encodeDatagram({ session: id, kind: "over" }));
        this.#over(id);
      },
    };
  }

  #opened(socket: net.Socket): void {
    if (this.#ended) return void socket.destroy();
    this.#socket = socket;
    const reader = new DatagramReader();
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#end(new Error("the connection to its node is over")));
    socket.on("data", (chunk: Buffer) => {
      for (const { session: id, kind, data } of reader.push(chunk)) {
        const { session } = this.#sessions.get(id) ?? {};
        if (kind === "datagram") session?.message(Buffer.from(data));
        else if (session !== undefined) {
          this.#over(id);
          session.closed(kind === "no room" ? new NoRoom("too many clients there") : new Error("nobody listens there"));
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

  get #hasRoom(): boolean {
    if (this.#socket === undefined) return this.#waiting.length < WAITING_MAX;
    return this.#socket.writableLength < UNSENT_BYTES_MAX;
  }

  #write(frame: Buffer): void {
    if (this.#socket?.writable === true) this.#socket.write(frame);
    else if (this.#socket === undefined && !this.#ended) this.#waiting.push(frame);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#idle);
    this.#options.ended();
    this.#socket?.destroy();
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const { session } of sessions) session.closed(error ?? new Error("the connection to its node is over"));
  }
}
