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
  writeNumber(block, Number.parseInt(mode, 8), { at: 100, width: 8 });
  writeNumber(block, uid, { at: 108, width: 8 });
  writeNumber(block, gid, { at: 116, width: 8 });
  writeNumber(block, bytes, { at: 124, width: 12 });
  writeNumber(block, 0, { at: 136, width: 12 }); // time: the same files give the same archive
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\u000000", 257);
  block.write(prefix, 345);
  writeNumber(
    block,
    block.reduce((sum, byte) => sum + byte, 0),
    { at: 148, width: 7 },
  );
  block[154] = 0;
  return block;
}

/** In octal, padded, with a NUL behind; what is too big for that (a uid beyond two million) in GNU's way, binary with the first bit set. */
function writeNumber(block: Buffer, value: number, { at, width }: { readonly at: number; readonly width: number }): void {
  if (value < 8 ** (width - 1)) {
    block.write(value.toString(8).padStart(width - 1, "0"), at);
    return;
  }
  block[at] = 0x80;
  block.writeUIntBE(value, at + width - 6, 6);
}

function split(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= nameMax) return { name: path, prefix: "" };
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= prefixMax && Buffer.byteLength(name) <= nameMax) return { name, prefix };
  }
  throw new EngineError("invalid", `Cannot write the file "/${path}": its path is longer than ${prefixMax + nameMax} characters`);
}
