// The app behind the proxies of the ingress' bench, a process of its own: 20 bytes, a page, streams of any length, WebSockets that say
// nothing. Prints its port.
import http from "node:http";
import type net from "node:net";
import { PAGE_BYTES, pageHeaders, SMALL_TEXT } from "./ingress-shapes.ts";

const CHUNK = Buffer.alloc(1024 * 1024, "x");
const page = Buffer.alloc(PAGE_BYTES, "x");

const server = http.createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const bytes = /^\/down\/(\d+)$/.exec(request.url ?? "")?.[1];
  if (bytes !== undefined) return sendStream(response, Number(bytes));
  if (request.url === "/page") return void response.writeHead(200, { ...pageHeaders, "Content-Length": page.length }).end(page);
  request.resume();
  return void request.on("end", () => response.end(SMALL_TEXT));
});

function sendStream(response: http.ServerResponse, bytes: number): void {
  response.writeHead(200, { "Content-Length": bytes });
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}

server.on("upgrade", (_request, socket: net.Socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.resume();
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as net.AddressInfo).port}\n`));
