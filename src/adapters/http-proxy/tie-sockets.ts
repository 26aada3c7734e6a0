// Two sockets that live and die together: what one says the other hears, and when one is gone so is the other.
import type net from "node:net";

/**
 * A laptop that slept, or a router that started anew, finds its connection as it was: whoever does not answer is given up after eleven
 * minutes. Node's own count is ten times a second apart, so that half a minute of absence would end it.
 */
const KEEP_ALIVE = { initialDelay: 60_000, interval: 30_000, count: 20 } as const;
/** For what is still to be written when the other side has gone. */
const LAST_BYTES_MS = 10_000;

/** For a connection of hours. */
export function keepAlive(socket: net.Socket): void {
  socket.setKeepAlive(true, KEEP_ALIVE.initialDelay, KEEP_ALIVE.interval, KEEP_ALIVE.count);
}

/** `b`, to the app, is kept alive by whoever opened it: on the way to another node that is something else. */
export function tieSockets(a: net.Socket, b: net.Socket): void {
  for (const [socket, other] of [
    [a, b],
    [b, a],
  ] as const) {
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on("error", () => other.destroy());
    socket.on("close", () => {
      other.destroySoon();
      other.setTimeout(LAST_BYTES_MS, () => other.destroy());
    });
  }
  keepAlive(a);
  a.pipe(b);
  b.pipe(a);
}
