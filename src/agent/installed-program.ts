// The program's one file on this computer: where it stays, and what a person types to run it.
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import sea from "node:sea";
import { UserError } from "../api/errors.ts";
import { copyWhole, isCode, isFull, isSameFile } from "./files.ts";
import { thisProgram, type Program } from "./program.ts";
import { isRoot } from "./settings.ts";

/** Everybody may run it, and nobody but its owner may change what root runs: it never has the rights that a download came with. */
const PROGRAM_MODE = 0o755;

/** What a person types. */
export function commandName(): string {
  const file = installedFile();
  return !sea.isSea() || (process.env["PATH"] ?? "").split(":").includes(path.dirname(file)) ? "fossora" : file;
}

export function installedFile(): string {
  return isRoot() ? "/usr/local/bin/fossora" : path.join(homedir(), ".local/bin/fossora");
}

/** In development nothing is copied. `flags` are this node's, for who has to start it otherwise. Throws UserError. */
export function installProgram(flags: readonly string[]): Program {
  if (!sea.isSea()) return thisProgram();
  const file = installedFile();
  try {
    placeProgram(process.execPath, file);
  } catch (error) {
    const instead = `let this computer run \`${[process.execPath, "supervise", ...flags].join(" ")}\` at each start`;
    throw new UserError(
      `Cannot install Fossora as ${file}: ${error instanceof Error ? error.message : String(error)}. ${remedy(error, instead)}.`,
      { cause: error },
    );
  }
  return { file, args: [] };
}

/** Copies the one file to where it stays; what runs keeps its old file until it is replaced. */
export function placeProgram(from: string, file: string): void {
  if (isPlaced(from, file)) {
    if ((statSync(file).mode & 0o7777) !== PROGRAM_MODE) chmodSync(file, PROGRAM_MODE);
    return;
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  copyWhole(from, file, PROGRAM_MODE);
}

/** And nobody else's: an owner may change it, whatever its mode is. */
function isPlaced(from: string, file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    if (statSync(file).uid !== process.getuid?.()) return false;
    return isSameFile(from, file) || readFileSync(from).equals(readFileSync(file));
  } catch {
    return false;
  }
}

/** A recursive mkdir on a read-only file system says ENOENT. */
function remedy(error: unknown, instead: string): string {
  if (isFull(error)) return "Free 200 MB there and run `fossora up` again";
  if (["EROFS", "ENOENT"].some((code) => isCode(error, code))) return `Nothing can be put there: ${instead} instead`;
  return `Let this user write there and run \`fossora up\` again, or ${instead}`;
}
