// An app that speaks real WebSocket with whoever comes: each text is sent back. Only what browsers send: one frame a message, masked.
// RFC 6455.
import { createHash } from "node:crypto";
import type http from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const CLOSE = 8;
const LENGTH_16 = 126;

/** Adds it to a server. */
export function echoWebSockets(server: http.Server, say: (text: string) => string): void {
  server.on("upgrade", (request, socket, head) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    socket.on("error", () => socket.destroy());
    // Node leaves the other half to whoever took the socket over.
    socket.on("end", () => socket.end());
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    let unread: Buffer = head;
    const read = (): void => {
      for (let frame = frameIn(unread); frame !== undefined; frame = frameIn(unread)) {
        unread = unread.subarray(frame.bytes);
        answer(socket, frame, say);
      }
    };
    socket.on("data", (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      read();
    });
    read();
  });
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly bytes: number;
}

function answer(socket: Duplex, { opcode, payload }: Frame, say: (text: string) => string): void {
  if (opcode === TEXT) socket.write(frameOf(TEXT, Buffer.from(say(String(payload)))));
  if (opcode === CLOSE) socket.end(frameOf(CLOSE, payload));
}

/** undefined: it is not whole yet. */
function frameIn(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 127;
  const start = 2 + (short === LENGTH_16 ? 2 : 0);
  if (bytes.length < start + 4) return undefined;
  const length = short === LENGTH_16 ? bytes.readUInt16BE(2) : short;
  const mask = bytes.subarray(start, start + 4);
  const masked = bytes.subarray(start + 4, start + 4 + length);
  if (masked.length < length) return undefined;
  const payload = masked.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { opcode: (bytes[0] ?? 0) & 15, payload: Buffer.from(payload), bytes: start + 4 + length };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < LENGTH_16 ? [128 | opcode, payload.length] : [128 | opcode, LENGTH_16, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}
