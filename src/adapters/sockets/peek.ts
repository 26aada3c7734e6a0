// Which host a TLS connection asks for, read from its first bytes without taking them: whoever is tied to the connection gets them all.
import type net from "node:net";
import type { StreamOptions } from "./stream-options.ts";

/** Browsers send it in one or two pieces; whoever sends it byte by byte is none. */
const PIECES_MAX = 64;
const PEEK_MS = 10_000;

/** undefined: it asks for none, or did not say in time. `client` is paused, before and after. */
export function peekHost(client: net.Socket, readHello: StreamOptions["readHello"]): Promise<string | undefined> {
  return new Promise((done) => {
    let bytes: Buffer = Buffer.alloc(0);
    let pieces = 0;
    const finish = (host: string | undefined): void => {
      clearTimeout(timer);
      client.off("data", look).off("close", leave).off("end", leave).pause();
      if (bytes.length > 0 && !client.destroyed) client.unshift(bytes);
      done(host);
    };
    const leave = (): void => finish(undefined);
    const look = (piece: Buffer): void => {
      bytes = Buffer.concat([bytes, piece]);
      pieces += 1;
      const hello = readHello(bytes);
      if (hello.kind === "name") finish(hello.name);
      else if (hello.kind === "nameless" || pieces >= PIECES_MAX) finish(undefined);
    };
    const timer = setTimeout(leave, PEEK_MS);
    client.on("data", look).on("close", leave).on("end", leave).resume();
  });
}
