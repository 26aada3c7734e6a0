// Which etcd this node runs: the one that was named, the one that Fossora carries (unpacked once), or the machine's own.
import { createHash, randomBytes } from "node:crypto";
import { accessSync, closeSync, constants, openSync, readSync, rmSync } from "node:fs";
import { mkdir, open, readdir, rename, type FileHandle } from "node:fs/promises";
import path from "node:path";
import sea from "node:sea";
import { promisify } from "node:util";
import { execFile } from "node:child_process";
import { createZstdDecompress } from "node:zlib";
import { Readable } from "node:stream";
import { UserError } from "../api/errors.ts";
import { explainDisk, isCode, removePartials } from "./files.ts";

export interface EtcdProgram {
  readonly file: string;
  /** `3.7.3` */
  readonly version: string;
  /** SHA-256 of the file: an upgrade of Fossora that brings the same etcd leaves it running. */
  readonly sha256: string;
  readonly origin: "named" | "carried" | "machine";
}

const pieceBytes = 256 * 1024;
const machinePaths = ["/usr/bin/etcd", "/usr/local/bin/etcd"] as const;

/** Throws UserError when there is none. */
export async function findEtcdProgram(options: { readonly dataDir: string; readonly named?: string }): Promise<EtcdProgram> {
  const named = options.named ?? process.env["FOSSORA_ETCD"];
  if (named) return describe(named, "named");
  const carried = await unpackCarried(path.join(options.dataDir, "bin"));
  if (carried) return describe(carried.file, "carried", carried.sha256);
  const machine = machinePaths.find(isExecutable);
  if (machine) return describe(machine, "machine");
  throw new UserError(
    "Cannot start the store: this build of Fossora carries no etcd, and the machine has none. Install it (apt-get install etcd-server), or pass --etcd PATH.",
  );
}

/** True when this program can run more than a house of one: members must be of the same or the next minor version. */
function carriesEtcd(): boolean {
  return sea.isSea() && sea.getAssetKeys().includes("etcd");
}

async function unpackCarried(folder: string): Promise<{ file: string; sha256: string } | undefined> {
  if (!carriesEtcd()) return undefined;
  const sha256 = sea.getAsset("etcd.sha256", "utf8").trim();
  const file = path.join(folder, `etcd-${sha256.slice(0, 16)}`);
  if (isExecutable(file) && digestOf(file) === sha256) return { file, sha256 };
  await writeProgram(file, sha256);
  for (const old of await readdir(folder)) {
    // The one that runs keeps its inode: removing its name does it no harm.
    if (old.startsWith("etcd-") && old !== path.basename(file)) rmSync(path.join(folder, old), { force: true });
  }
  return { file, sha256 };
}

async function writeProgram(file: string, sha256: string): Promise<void> {
  const folder = path.dirname(file);
  const partial = path.join(folder, `.etcd.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
  removePartials(path.join(folder, "etcd"));
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const handle = await open(partial, "wx", 0o755);
    try {
      if ((await unpackTo(handle)) !== sha256)
        throw new UserError("Cannot unpack etcd: this file of Fossora is damaged. Download it again.");
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw explainDisk(error, "unpack etcd", folder);
  }
}

/** Piece by piece: 26 MB at once would stay in the agent's memory. Answers the SHA-256 of what it wrote. */
async function unpackTo(handle: FileHandle): Promise<string> {
  const packed = new Uint8Array(sea.getRawAsset("etcd"));
  const pieces = function* (): Generator<Uint8Array> {
    for (let at = 0; at < packed.length; at += pieceBytes) yield packed.subarray(at, at + pieceBytes);
  };
  const hash = createHash("sha256");
  for await (const piece of Readable.from(pieces()).pipe(createZstdDecompress()) as AsyncIterable<Uint8Array>) {
    hash.update(piece);
    await handle.write(piece);
  }
  return hash.digest("hex");
}

function digestOf(file: string): string {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(pieceBytes);
  const fd = openSync(file, "r");
  try {
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) hash.update(buffer.subarray(0, length));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

async function describe(file: string, origin: EtcdProgram["origin"], sha256?: string): Promise<EtcdProgram> {
  let output: string;
  try {
    output = (
      await promisify(execFile)(file, ["--version"], { timeout: 10_000, env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch } })
    ).stdout;
  } catch (error) {
    if (isCode(error, "EACCES"))
      throw new UserError(
        `Cannot run ${file}: programs may not be started from there (mounted noexec?). Pass --data-dir on another file system.`,
        { cause: error },
      );
    throw new UserError(`Cannot run ${file} as etcd: ${error instanceof Error ? error.message : String(error)}. Pass --etcd PATH.`, {
      cause: error,
    });
  }
  const version = /etcd Version: (\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (version === undefined)
    throw new UserError(`Cannot use ${file} as etcd: "--version" answered ${JSON.stringify(output.slice(0, 80))}. Pass --etcd PATH.`);
  return { file, origin, version, sha256: sha256 ?? digestOf(file) };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
