// The body of an answer on its way from the app to the client, without a buffer of ours between them.
import type http from "node:http";

/** A body that is whole and no longer than this leaves with its head in one write. */
const ONE_WRITE_BYTES_MAX = 16 * 1024;

/** After `writeHead`. A client that cannot see the end of the body is cut off: it would wait for it. */
export function passBody(response: http.IncomingMessage, client: http.ServerResponse): void {
  const wholeBytes = Number(response.headers["content-length"]);
  let begun = false;
  let isPaused = false;
  response.on("data", (chunk: Buffer) => {
    if (!begun && chunk.length === wholeBytes && wholeBytes <= ONE_WRITE_BYTES_MAX) {
      begun = true;
      // Node joins a head and a text, not a head and a buffer; Latin-1 keeps every byte.
      return void client.end(chunk.toString("latin1"), "latin1");
    }
    begun = true;
    if (client.write(chunk)) return undefined;
    response.pause();
    if (!isPaused) client.on("drain", () => response.resume());
    isPaused = true;
    return undefined;
  });
  response.on("end", () => {
    if (!client.writableEnded) client.end();
  });
  response.on("error", () => client.destroy());
  response.on("close", () => {
    if (!response.complete) client.destroy();
  });
  // An event stream shows its head before its first event; where the body is there already, head and body go together.
  setImmediate(() => {
    if (!begun && !client.writableEnded && !client.destroyed) client.flushHeaders();
  });
}
