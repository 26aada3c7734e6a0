// How `exec` travels once its connection was upgraded: frames of one byte of type, four bytes of length, the payload. Pure.

export const EXEC_PROTOCOL = "fossora-exec/1";
/** Larger ones are refused: nobody types this, and output is cut into pieces. */
const FRAME_BYTES_MAX = 1024 * 1024;

const HEADER_BYTES = 5;

/** `end`: no more input. `resize`: `COLUMNSxROWS`. `exit`: the code as text. `error`: an ErrorStatus as JSON. */
const FRAME_TYPES = ["stdin", "stdout", "stderr", "end", "resize", "exit", "error"] as const;
export type FrameType = (typeof FRAME_TYPES)[number];

export interface Frame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

export function encodeFrame(type: FrameType, payload: Uint8Array | string = ""): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, FRAME_TYPES.indexOf(type));
  view.setUint32(1, bytes.length);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Cuts a stream of bytes into frames, wherever its chunks end. */
export class FrameDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  /** Throws on a type or a length that no frame has. */
  push(chunk: Uint8Array): readonly Frame[] {
    let bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    const frames: Frame[] = [];
    while (bytes.length >= HEADER_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const type = FRAME_TYPES[view.getUint8(0)];
      const length = view.getUint32(1);
      if (type === undefined || length > FRAME_BYTES_MAX)
        throw new Error(`Cannot read a frame of type ${view.getUint8(0)} and ${length} bytes`);
      if (bytes.length < HEADER_BYTES + length) break;
      frames.push({ type, payload: bytes.slice(HEADER_BYTES, HEADER_BYTES + length) });
      bytes = bytes.subarray(HEADER_BYTES + length);
    }
    this.#rest = bytes.slice();
    return frames;
  }
}

export function frameText(frame: Frame): string {
  return new TextDecoder().decode(frame.payload);
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
