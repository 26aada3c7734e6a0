// One end of a way: a connection to an instance, and two connections that live and die together.
import net from "node:net";

/** For what is still to be written when the other side has gone. */
const LAST_BYTES_MS = 10_000;

/**
 * Of a computer that the house counts as dead all ways are cut; this notices one where nobody can count, after 45 s. Two that go on through
 * a relay have nothing from each other for up to ten seconds: Node's own count, ten times a second apart, could be over by then.
 */
const KEEP_ALIVE = { initialDelay: 15_000, interval: 5_000, count: 6 } as const;

export function keepWayAlive(socket: net.Socket): void {
  socket.setKeepAlive(true, KEEP_ALIVE.initialDelay, KEEP_ALIVE.interval, KEEP_ALIVE.count);
}

/** An error: it refused, or did not answer in time. */
export function connectTo({ host, port }: { readonly host: string; readonly port: number }, limitMs: number): Promise<net.Socket | Error> {
  return new Promise((done) => {
    const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    let problem = new Error(`no connection within ${limitMs} ms`);
    const limit = setTimeout(() => socket.destroy(), limitMs);
    socket.on("error", (error) => {
      problem = error;
      socket.destroy();
    });
    socket.once("connect", () => {
      clearTimeout(limit);
      done(socket);
    });
    socket.once("close", () => {
      clearTimeout(limit);
      done(problem);
    });
  });
}

export interface End {
  readonly socket: net.Socket;
  /** Breaks it off so that the other side hears it was not the end. */
  readonly reset: () => void;
}

/** Each may say that it has no more while it goes on listening; one that breaks off breaks the other off. */
export function tie(left: End, right: End): void {
  for (const [end, other] of [
    [left, right],
    [right, left],
  ] as const) {
    end.socket.on("error", () => other.reset());
    end.socket.on("close", () => {
      other.socket.destroySoon();
      other.socket.setTimeout(LAST_BYTES_MS, () => other.socket.destroy());
    });
    end.socket.pipe(other.socket);
  }
  // It may have gone meanwhile.
  if (left.socket.destroyed) right.socket.destroy();
  if (right.socket.destroyed) left.socket.destroy();
}
