// Small files that must be whole or absent after a power cut, and folders that only the owner may read.
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../api/errors.ts";

/** In the data folder: the key that makes a node what it is. Where that is, the node is. */
export const NODE_KEY = "node.key";

const pieceBytes = 1024 * 1024;

/** Written beside, synced, renamed, folder synced. */
export function writeWhole(file: string, content: string | Uint8Array, mode = 0o600): void {
  putWhole(file, mode, (fd) => writeAll(fd, typeof content === "string" ? Buffer.from(content) : content));
}

/** The same with what another file has, piece by piece. `mode` is the copy's, whatever the other's and the umask are. */
export function copyWhole(from: string, file: string, mode = 0o600): void {
  const source = openSync(from, "r");
  try {
    putWhole(file, 0o600, (fd) => {
      const piece = new Uint8Array(pieceBytes);
      for (let length = readSync(source, piece); length > 0; length = readSync(source, piece)) writeAll(fd, piece.subarray(0, length));
      fchmodSync(fd, mode);
    });
  } finally {
    closeSync(source);
  }
}

function putWhole(file: string, mode: number, fill: (fd: number) => void): void {
  const partial = partialOf(file);
  try {
    const fd = openSync(partial, "w", mode);
    try {
      fill(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  syncFolder(path.dirname(file));
}

/** Where this process writes what becomes the file. */
function partialOf(file: string): string {
  removePartials(file);
  return path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
}

/** What processes left that were killed while they wrote the file, which nobody else would remove: 129 MB each, of the program. */
export function removePartials(file: string): void {
  const [folder, before] = [path.dirname(file), `.${path.basename(file)}.`];
  try {
    for (const name of readdirSync(folder)) {
      const pid = name.startsWith(before) ? /^(\d+)(\.[0-9a-f]+)?\.tmp$/.exec(name.slice(before.length))?.[1] : undefined;
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(path.join(folder, name), { force: true });
    }
  } catch {
    // There is no such folder, or nothing may be removed from it: whoever writes there is told.
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}

/** The same for what may be large: nobody waits for the disk meanwhile. One at a time for each file. */
export async function saveWhole(file: string, content: string, mode = 0o600): Promise<void> {
  const partial = partialOf(file);
  try {
    const handle = await open(partial, "w", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  const folder = await open(path.dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const writableByOthers = 0o022;

/** Throws UserError where it cannot be made, and where it is not this user's alone. */
export function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explainDisk(error, "keep data", folder);
  }
  refuseOthersFolder(folder);
}

/** Programs that we run lie in it, and what we do to this machine. It is nobody's to change on the way: it may have other things in it. */
export function refuseOthersFolder(folder: string): void {
  if (!existsSync(folder) || isOwnersAlone(folder)) return;
  throw new UserError(
    `Cannot keep data in ${folder}: another user owns it or can write to it, and could put there what Fossora runs. See that nothing strange lies in it and make it this user's alone: chown ${process.getuid?.() === 0 ? "root" : "$USER"} ${folder} && chmod go-w ${folder}.${existsSync(path.join(folder, NODE_KEY)) ? "" : " Or pass --data-dir with a new folder."}`,
  );
}

/**
 * Others may pass through it to the socket, which has its own rights; its other files are the owner's. Throws UserError where others
 * could put theirs in its place: a pid file says whom we end, a socket whom we trust.
 */
export function makeRunFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new UserError(
      `Cannot make ${folder} for sockets and pid files: ${error instanceof Error ? error.message : String(error)}. Pass --run-dir with a folder that can be made.`,
      { cause: error },
    );
  }
  if (!isOwnersAlone(folder))
    throw new UserError(
      `Cannot use ${folder} for sockets and pid files: others can write to it. It should be this user's alone (chmod 755); mend it, or pass --run-dir with a new folder.`,
    );
}

function isOwnersAlone(folder: string): boolean {
  const { uid, mode } = statSync(folder);
  return uid === process.getuid?.() && (mode & writableByOthers) === 0;
}

/** Both are there, and one. */
export function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statSync(a, { throwIfNoEntry: false }), statSync(b, { throwIfNoEntry: false })];
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}

/** Undefined when it is not there; anything else is thrown. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/**
 * What a disk that is full, or a folder that cannot be written, means for a person; any other error as it came. The folder is the data folder or
 * one in it. A node that is there already goes to no other folder: it would be another node.
 */
export function explainDisk(error: unknown, action: string, folder: string): unknown {
  const cannot = `Cannot ${action}: ${folder}`;
  const isNew = ![folder, path.dirname(folder)].some((each) => existsSync(path.join(each, NODE_KEY)));
  if (isFull(error))
    return new UserError(`${cannot} is on a disk that is full. Free 100 MB there${isNew ? ", or pass --data-dir on another disk" : ""}.`, {
      cause: error,
    });
  // A recursive mkdir on a read-only file system says ENOENT.
  const code = ["EROFS", "ENOENT", "EACCES", "EPERM", "ENOTDIR"].find((each) => isCode(error, each));
  const isInside = error instanceof Error && "path" in error && `${String(error.path)}/`.startsWith(`${folder}/`);
  if (code === undefined || !isInside) return error;
  const remedy = isNew
    ? "Pass --data-dir with a folder that can"
    : "This node's data is there: see that its disk is well and mounted to be written";
  return new UserError(`${cannot} cannot be written (${code}). ${remedy}.`, { cause: error });
}

export function isFull(error: unknown): boolean {
  return isCode(error, "ENOSPC") || isCode(error, "EDQUOT");
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
