// Frames on port 733: four bytes of length, big-endian, then so many bytes of JSON. Memory follows what came, never what was announced.
// Pure but for Buffer.

const HEADER_BYTES = 4;
const KEPT_BYTES = 64 * 1024;

export class FrameTooLong extends Error {
  override readonly name = "FrameTooLong";
}

export class FrameReader {
  #bytesMax: number;
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): void {
    this.#reserve(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The body of the next whole frame. Throws FrameTooLong as soon as its length is known. */
  next(): Buffer | undefined {
    const available = this.#end - this.#start;
    if (available < HEADER_BYTES) return undefined;
    const length = this.#buffer.readUInt32BE(this.#start);
    if (length > this.#bytesMax) throw new FrameTooLong(`A frame of ${length} bytes, ${this.#bytesMax} are allowed`);
    if (available < HEADER_BYTES + length) return undefined;
    const body = Buffer.from(this.#buffer.subarray(this.#start + HEADER_BYTES, this.#start + HEADER_BYTES + length));
    this.#drop(HEADER_BYTES + length);
    return body;
  }

  /** A frame has begun and is not whole. */
  get partial(): boolean {
    return this.#end > this.#start;
  }

  /** What came behind the last frame, taken out. */
  rest(): Buffer {
    const rest = Buffer.from(this.#buffer.subarray(this.#start, this.#end));
    this.#drop(rest.length);
    return rest;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const used = this.#end - this.#start;
    const grown = Buffer.allocUnsafeSlow(Math.max(used + bytes, 2 * used));
    this.#buffer.copy(grown, 0, this.#start, this.#end);
    [this.#buffer, this.#start, this.#end] = [grown, 0, used];
  }

  #drop(bytes: number): void {
    this.#start += bytes;
    if (this.#start < this.#end) return;
    [this.#start, this.#end] = [0, 0];
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.alloc(0);
  }
}

/** Throws FrameTooLong. */
export function encodeFrame(message: unknown, bytesMax: number): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > bytesMax) throw new FrameTooLong(`A message of ${body.length} bytes, ${bytesMax} are allowed`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}
