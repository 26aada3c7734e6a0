// Datagrams of many clients on one connection: two bytes of length, four of the session, one of what it is, then the datagram. Pure but for
// Buffer.

const HEADER_BYTES = 7;
export const DATAGRAM_MAX = 65_535;

export interface DatagramFrame {
  readonly session: number;
  /** `over`: nothing more comes of this session, and nothing more is taken; `no room`: nor was anything, there are too many. */
  readonly kind: "datagram" | "over" | "no room";
  readonly data: Buffer;
}

const OVER = 1;
/** In place of the datagram. An earlier release, which does not look for it, takes the frame for another `over`. */
const NO_ROOM = Buffer.from("no room");

export function encodeDatagram({ session, kind }: Omit<DatagramFrame, "data">, ...data: readonly Uint8Array[]): Buffer {
  const parts = kind === "no room" ? [NO_ROOM] : data;
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt16BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    0,
  );
  header.writeUInt32BE(session, 2);
  header.writeUInt8(kind === "datagram" ? 0 : OVER, 6);
  return Buffer.concat([header, ...parts]);
}

export class DatagramReader {
  #buffer: Buffer = Buffer.alloc(0);

  /** All that are whole now. */
  push(chunk: Buffer): readonly DatagramFrame[] {
    const bytes = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const frames: DatagramFrame[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bytes.readUInt16BE(at);
      if (end > bytes.length) break;
      const data = bytes.subarray(at + HEADER_BYTES, end);
      const kind = bytes.readUInt8(at + 6) !== OVER ? "datagram" : data.equals(NO_ROOM) ? "no room" : "over";
      frames.push({ session: bytes.readUInt32BE(at + 2), kind, data });
      at = end;
    }
    this.#buffer = Buffer.from(bytes.subarray(at));
    return frames;
  }
}
