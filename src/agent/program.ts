// How this program starts itself again in another role: the one file, or in development Node with the source.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import sea from "node:sea";

export interface Program {
  readonly file: string;
  /** Before the role: the script, in development. */
  readonly args: readonly string[];
}

export function thisProgram(): Program {
  const script = process.argv[1];
  if (sea.isSea() || script === undefined) return { file: process.execPath, args: [] };
  return { file: process.execPath, args: [path.resolve(script)] };
}

/** Tells one build from another: SHA-256 of the file, or in development of the script's path and the process that asks. */
export async function buildOf(program: Program): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(program.args[0] ?? program.file), hash);
  return hash.digest("hex");
}
