// Datagrams of one client to a backend that this node dials itself: a socket of its own for each.
import dgram from "node:dgram";
import net from "node:net";
import type { Backend } from "../../api/table.ts";
import type { DatagramSession, DatagramWay } from "../../ports.ts";
import { codeOf } from "./error-code.ts";

/** As much as the kernel allows: a burst must not be lost while this process does something else. */
export const RECEIVE_BYTES = 1024 * 1024;
export const UNSENT_BYTES_MAX = 1024 * 1024;
/** Until the socket is open. */
const WAITING_MAX = 16;

export function localDatagrams({ host, port }: Pick<Backend, "host" | "port">, session: DatagramSession): DatagramWay {
  const socket = dgram.createSocket({ type: net.isIPv6(host) ? "udp6" : "udp4", recvBufferSize: RECEIVE_BYTES });
  /** undefined: the socket is open. */
  let waiting: (readonly Uint8Array[])[] | undefined = [];
  let over = false;
  const close = (): void => {
    if (over) return;
    over = true;
    socket.close();
  };
  const end = (error: Error): void => {
    if (over) return;
    close();
    session.closed(error);
  };
  const send = (...parts: readonly Uint8Array[]): void => {
    if (waiting !== undefined) {
      if (waiting.length < WAITING_MAX) waiting.push(parts);
      return;
    }
    if (over || socket.getSendQueueSize() > UNSENT_BYTES_MAX) return;
    socket.send(parts, (error) => {
      if (codeOf(error) === "ECONNREFUSED") end(new Error("nobody listens there"));
    });
  };
  socket.on("error", end);
  socket.on("message", (packet) => session.message(packet));
  socket.connect(port, host, (error?: Error) => {
    if (error !== undefined) return end(error); // its name has no address, or there is no way to it
    const before = waiting ?? [];
    waiting = undefined;
    for (const parts of before) send(...parts);
    return undefined;
  });
  return { send, close };
}
