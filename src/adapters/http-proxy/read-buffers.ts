// Buffers that connections read into again and again, so that nothing is allocated or copied for what only passes.

/** Where connections read into. */
export interface ReadBuffers {
  /** Of all connections: what it holds is gone at the next read. */
  readonly common: Buffer;
  take(): Buffer;
  /** undefined: there are as many out as may be. */
  lend(): Buffer | undefined;
  giveBack(buffer: Buffer): void;
  /** Whoever has bytes of it that are not out keeps it; it is no longer lent. */
  leave(buffer: Buffer): void;
}

/** A connection of which so much comes at once reads into a buffer of its own. */
export const OWN_BUFFER_FROM_BYTES = 16 * 1024;
const COMMON_BYTES = 64 * 1024;
/** For streams: fewer reads and writes, and still within the processor's cache. */
const STREAM_BYTES = 256 * 1024;
const SPARE_BUFFERS_MAX = 4;
/** For answers: a client that does not read on keeps its own for as long as it likes. What comes beyond these is copied. */
const LENT_BUFFERS_MAX = 64;

class Buffers implements ReadBuffers {
  // Not of Node's pool: they are told from others by what they lie in.
  readonly common = Buffer.from(new ArrayBuffer(COMMON_BYTES));
  readonly #spare: Buffer[] = [];
  readonly #lent = new Set<Buffer>();

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.from(new ArrayBuffer(STREAM_BYTES));
  }

  lend(): Buffer | undefined {
    if (this.#lent.size >= LENT_BUFFERS_MAX) return undefined;
    const buffer = this.take();
    this.#lent.add(buffer);
    return buffer;
  }

  giveBack(buffer: Buffer): void {
    this.leave(buffer);
    if (this.#spare.length < SPARE_BUFFERS_MAX) this.#spare.push(buffer);
  }

  leave(buffer: Buffer): void {
    this.#lent.delete(buffer);
  }
}

let shared: ReadBuffers | undefined;

/** One set for the whole process. */
export function readBuffers(): ReadBuffers {
  return (shared ??= new Buffers());
}
