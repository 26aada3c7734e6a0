// The far end of datagrams: one connection from another node, a UDP socket to the instance for each of that node's clients.
import dgram from "node:dgram";
import net from "node:net";
import { DatagramReader, encodeDatagram } from "./datagram-frames.ts";
import type { WayTarget } from "./way-messages.ts";

const SESSIONS_MAX = 1024;
/** A session that its client's node has forgotten. That node ends it by its Route's own limit, mostly earlier. */
const IDLE_MS = 3_600_000;
const RECEIVE_BYTES = 1024 * 1024;
/** Datagrams may be lost; memory must not be. */
const UNSENT_BYTES_MAX = 1024 * 1024;

interface Session {
  readonly socket: dgram.Socket;
  readonly idle: NodeJS.Timeout;
  /** Until its socket is open. */
  waiting: Buffer[] | undefined;
}

/** Until the connection ends. */
export function serveDatagrams(tunnel: net.Socket, to: WayTarget): void {
  const sessions = new Map<number, Session>();
  const reader = new DatagramReader();
  const end = (id: number, tell: boolean): void => {
    const session = sessions.get(id);
    if (session === undefined) return;
    sessions.delete(id);
    clearTimeout(session.idle);
    session.socket.close();
    if (tell && tunnel.writable) tunnel.write(encodeDatagram({ session: id, kind: "over" }));
  };
  tunnel.on("data", (chunk: Buffer) => {
    for (const { session: id, kind, data } of reader.push(chunk)) {
      if (kind !== "datagram") {
        end(id, false);
        continue;
      }
      let session = sessions.get(id);
      if (session === undefined) {
        if (sessions.size >= SESSIONS_MAX) {
          if (tunnel.writableLength < UNSENT_BYTES_MAX) tunnel.write(encodeDatagram({ session: id, kind: "no room" }));
          continue;
        }
        session = open(id, to, tunnel, end);
        sessions.set(id, session);
      }
      send(session, data, () => end(id, true));
    }
  });
  tunnel.on("end", () => tunnel.destroy());
  tunnel.on("close", () => {
    for (const id of sessions.keys()) end(id, false);
  });
  tunnel.resume();
}

function open(id: number, { host, port }: WayTarget, tunnel: net.Socket, end: (id: number, tell: boolean) => void): Session {
  const socket = dgram.createSocket({ type: net.isIPv6(host) ? "udp6" : "udp4", recvBufferSize: RECEIVE_BYTES });
  const session: Session = { socket, idle: setTimeout(() => end(id, true), IDLE_MS), waiting: [] };
  socket.on("error", () => end(id, true));
  socket.on("message", (packet) => {
    session.idle.refresh();
    if (tunnel.writableLength < UNSENT_BYTES_MAX) tunnel.write(encodeDatagram({ session: id, kind: "datagram" }, packet));
  });
  socket.connect(port, host, (error?: Error) => {
    if (error !== undefined) return end(id, true);
    const waiting = session.waiting ?? [];
    session.waiting = undefined;
    for (const packet of waiting) send(session, packet, () => end(id, true));
    return undefined;
  });
  return session;
}

const WAITING_MAX = 16;

function send(session: Session, packet: Buffer, refused: () => void): void {
  session.idle.refresh();
  if (session.waiting !== undefined) {
    if (session.waiting.length < WAITING_MAX) session.waiting.push(Buffer.from(packet));
    return;
  }
  if (session.socket.getSendQueueSize() > UNSENT_BYTES_MAX) return;
  session.socket.send(Buffer.from(packet), (error) => {
    if ((error as { readonly code?: string } | null)?.code === "ECONNREFUSED") refused();
  });
}
