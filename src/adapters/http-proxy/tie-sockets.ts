// Two sockets that live and die together: what one says the other hears, and when one is gone so is the other.
import type net from "node:net";

const KEEP_ALIVE_MS = 30_000;
/** For what is still to be written when the other side has gone. */
const LAST_BYTES_MS = 10_000;

export function tieSockets(a: net.Socket, b: net.Socket): void {
  for (const [socket, other] of [
    [a, b],
    [b, a],
  ] as const) {
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("error", () => other.destroy());
    socket.on("close", () => {
      other.destroySoon();
      other.setTimeout(LAST_BYTES_MS, () => other.destroy());
    });
  }
  a.pipe(b);
  b.pipe(a);
}
