// A tar archive of a few small files, as Docker's archive call takes it (POSIX ustar). Pure but for Buffer.
import { EngineError } from "../../api/errors.ts";

export interface TarFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string;
  /** Octal, as in `0644`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
}

const blockBytes = 512;
const nameMax = 100;
const prefixMax = 155;
/** Two empty blocks end an archive. */
const endBytes = 2 * blockBytes;

export function tar(files: readonly TarFile[]): Buffer {
  const parts: Buffer[] = [];
  for (const file of files) {
    const content = Buffer.from(file.content);
    parts.push(header(file, content.length), content, Buffer.alloc(-content.length & (blockBytes - 1)));
  }
  return Buffer.concat([...parts, Buffer.alloc(endBytes)]);
}

function header({ path, mode, uid, gid }: TarFile, bytes: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const { name, prefix } = split(path.replace(/^\/+/, ""));
  block.write(name, 0);
  block.write(octal(Number.parseInt(mode, 8), 8), 100);
  block.write(octal(uid, 8), 108);
  block.write(octal(gid, 8), 116);
  block.write(octal(bytes, 12), 124);
  block.write(octal(0, 12), 136); // time: the same files give the same archive
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\0" + "00", 257);
  block.write(prefix, 345);
  block.write(`${octal(block.reduce((sum, byte) => sum + byte, 0), 7)}\0 `, 148);
  return block;
}

/** In octal, padded, with the closing NUL that is already there. */
function octal(value: number, width: number): string {
  return value.toString(8).padStart(width - 1, "0");
}

function split(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= nameMax) return { name: path, prefix: "" };
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= prefixMax && Buffer.byteLength(name) <= nameMax) return { name, prefix };
  }
  throw new EngineError("invalid", `Cannot write the file "/${path}": its path is longer than ${prefixMax + nameMax} characters`);
}
