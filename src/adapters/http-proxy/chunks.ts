// The chunks of an app's answer (RFC 9112, 7.1), read strictly: extensions are skipped, trailers are read and dropped. Pure.
import { areHeaderLines } from "./answer-head.ts";

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
/** 2^48 bytes: more is no size. */
const SIZE_DIGITS_MAX = 12;
/** Of all extensions of one body, and of its trailers. */
const EXTENSION_BYTES_MAX = 16 * 1024;
const TRAILER_BYTES_MAX = 64 * 1024;

type At = "size" | "extension" | "size LF" | "data" | "data CR" | "data LF" | "trailers" | "end";

export class ChunkReader {
  #at: At = "size";
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #trailers = "";

  get isDone(): boolean {
    return this.#at === "end";
  }

  /** Hands over each piece of the body; answers how many bytes it read, or -1 where they are no chunks. */
  read(bytes: Uint8Array, take: (from: number, to: number) => void): number {
    let offset = 0;
    while (offset < bytes.length && this.#at !== "end") {
      if (this.#at === "data") {
        const end = Math.min(bytes.length, offset + this.#size);
        take(offset, end);
        this.#size -= end - offset;
        offset = end;
        if (this.#size === 0) this.#at = "data CR";
      } else if (!this.#step(bytes[offset] ?? 0)) return -1;
      else offset += 1;
    }
    return offset;
  }

  /** False: this byte cannot stand here. */
  #step(byte: number): boolean {
    switch (this.#at) {
      case "size":
        return this.#readSize(byte);
      case "extension":
        this.#extensionBytes += 1;
        if (byte === CR) this.#at = "size LF";
        return (byte === CR || isText(byte)) && this.#extensionBytes <= EXTENSION_BYTES_MAX;
      case "size LF":
        this.#at = this.#size === 0 ? "trailers" : "data";
        this.#digits = 0;
        return byte === LF;
      case "data CR":
        this.#at = "data LF";
        return byte === CR;
      case "data LF":
        this.#at = "size";
        return byte === LF;
      case "trailers":
        return this.#readTrailer(byte);
      case "data":
      case "end":
        return false;
    }
  }

  #readSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit !== undefined) {
      this.#size = this.#size * 16 + digit;
      this.#digits += 1;
      return this.#digits <= SIZE_DIGITS_MAX;
    }
    this.#at = byte === CR ? "size LF" : "extension";
    return this.#digits > 0 && (byte === CR || byte === SEMICOLON);
  }

  #readTrailer(byte: number): boolean {
    this.#trailers += String.fromCharCode(byte);
    if (byte !== LF) return this.#trailers.length <= TRAILER_BYTES_MAX;
    if (!this.#trailers.endsWith("\r\n")) return false;
    if (this.#trailers !== "\r\n" && !this.#trailers.endsWith("\r\n\r\n")) return true;
    this.#at = "end";
    return areHeaderLines(this.#trailers.slice(0, -2));
  }
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}

function isText(byte: number): boolean {
  return (byte >= 32 && byte !== 127) || byte === 9;
}
