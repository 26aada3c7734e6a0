// The load of the ingress' bench that no Debian package makes, a process of its own: `down|up PORT BYTES TIMES`, `sockets PORT COUNT`
// (until its input ends), and `requests PORT OPTIONS` (JSON) where there is no wrk. Prints one line of JSON.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { HOST } from "./ingress-shapes.ts";

const WRITE_BYTES = 1024 * 1024;
const UPGRADE = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

/** Reads into one buffer again and again: the client shares its core with the app, so it must cost little. */
function connect(port: number, onBytes: (bytes: Buffer) => void): net.Socket {
  const buffer = Buffer.allocUnsafe(WRITE_BYTES);
  const socket = net.connect({
    port,
    host: "127.0.0.1",
    onread: {
      buffer,
      callback(length) {
        onBytes(buffer.subarray(0, length));
        return true;
      },
    },
  });
  socket.on("error", (error) => {
    throw error;
  });
  return socket;
}

/** Sends one request after another on one connection; resolves with the seconds that they took. */
async function exchange(port: number, times: number, send: (socket: net.Socket) => Promise<void>): Promise<number> {
  let awaited = 0;
  let answered: () => void = () => undefined;
  const socket = connect(port, (bytes) => {
    if (awaited === 0) awaited = lengthOf(bytes);
    awaited -= bytes.length;
    if (awaited === 0) answered();
  });
  const began = performance.now();
  for (let left = times; left > 0; left -= 1) {
    const answer = new Promise<void>((done) => (answered = done));
    await send(socket);
    await answer;
  }
  socket.destroy();
  return (performance.now() - began) / 1000;
}

/** Of head and body, from the first bytes of an answer. */
function lengthOf(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n\r\n") + 4;
  const head = bytes.toString("latin1", 0, end);
  const body = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (!/^HTTP\/1.1 200/.test(head) || body === undefined) throw new Error(`Cannot measure: the answer was ${head}`);
  return end + Number(body);
}

function down(port: number, bytes: number, times: number): Promise<number> {
  return exchange(port, times, async (socket) => void socket.write(`GET /down/${bytes} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`));
}

function up(port: number, bytes: number, times: number): Promise<number> {
  const chunk = Buffer.alloc(WRITE_BYTES, "x");
  return exchange(port, times, async (socket) => {
    socket.write(`POST /up HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${bytes}\r\n\r\n`);
    for (let left = bytes; left > 0; left -= WRITE_BYTES) {
      const part = left < WRITE_BYTES ? chunk.subarray(0, left) : chunk;
      if (!socket.write(part)) await once(socket, "drain");
    }
  });
}

async function sockets(port: number, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    const socket = net.connect(port, "127.0.0.1");
    socket.write(UPGRADE);
    const [head] = (await once(socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(`Cannot measure: the answer was ${head.toString("latin1")}`);
    socket.resume();
  }
  say({ opened: count });
  process.stdin.resume();
  await once(process.stdin, "end");
  process.exit(0);
}

interface RequestOptions {
  readonly path: string;
  readonly seconds: number;
  readonly connections: number;
  readonly headers: http.OutgoingHttpHeaders;
  /** A connection for each request. */
  readonly fresh?: boolean;
}

async function requests(port: number, { path, seconds, connections, headers, fresh = false }: RequestOptions): Promise<void> {
  const agent = new http.Agent({ keepAlive: !fresh });
  const times: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const sent = performance.now();
      await new Promise<void>((done, fail) => {
        const request = http.get({ host: "127.0.0.1", port, path, agent, headers }, (response) => {
          response.resume().on("end", done);
        });
        request.on("error", fail);
      });
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  agent.destroy();
  times.sort((a, b) => a - b);
  say({ units: times.length, seconds: (performance.now() - began) / 1000, p99Ms: times[Math.floor(times.length * 0.99)] });
}

function say(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

const [mode = "", portText = "", first = "", second = ""] = process.argv.slice(2);
const port = Number(portText);
const [bytes, times] = [Number(first), Number(second)];
if (mode === "down") say({ units: (bytes * times) / 1e6, seconds: await down(port, bytes, times) });
else if (mode === "up") say({ units: (bytes * times) / 1e6, seconds: await up(port, bytes, times) });
else if (mode === "sockets") await sockets(port, Number(first));
else await requests(port, JSON.parse(first) as RequestOptions); // what ingress-load.ts says
