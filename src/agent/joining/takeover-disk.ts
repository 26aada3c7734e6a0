// A take-over on this node's disk, step by step: the house's store is made anew, with this node as its only voter, from the copy that a standby
// has. Each step is written down before it is done. What was killed before the new store was whole is as if it had never begun; from then on
// every start goes on with it.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { base32 } from "../../api/base32.ts";
import { UserError } from "../../api/errors.ts";
import { splitUrls } from "../../joining/peer-urls.ts";
import { etcdFolder, hasData, writeFounded } from "../etcd.ts";
import { copyWhole, makePrivateFolder, readIfThere, writeWhole } from "../files.ts";
import { writeHosts } from "./seen.ts";
import { archive } from "./member-disk.ts";

export interface Takeover {
  readonly houseId: string;
  /** The new one. */
  readonly epoch: number;
  readonly peerUrl: string;
  /** Another member than the standby that it was, of another cluster than the one that is gone. */
  readonly memberName: string;
  readonly clusterToken: string;
}

const RESTORE_LIMIT_MS = 120_000;

export function newTakeover(given: Pick<Takeover, "houseId" | "epoch" | "peerUrl"> & { readonly nodeId: string }): Takeover {
  const { nodeId, houseId, epoch, peerUrl } = given;
  return { houseId, epoch, peerUrl, memberName: `${nodeId}-${base32(randomBytes(5))}`, clusterToken: base32(randomBytes(20)) };
}

/** What a start has to go on with; a store that was not whole yet is thrown away, and the old one is where it was. */
export function takeoverUnderWay(dataDir: string): Takeover | undefined {
  const text = readIfThere(recordFile(dataDir));
  if (text !== undefined) return JSON.parse(text) as Takeover; // written below alone
  rmSync(freshFolder(dataDir), { recursive: true, force: true });
  return undefined;
}

/** Once etcd has ended. Throws UserError, and then nothing has changed. */
export async function restoreStore(dataDir: string, takeover: Takeover, program: string): Promise<void> {
  const { memberName, peerUrl, clusterToken } = takeover;
  const fresh = freshFolder(dataDir);
  rmSync(fresh, { recursive: true, force: true });
  makePrivateFolder(fresh);
  const flags = ["--name", memberName, "--data-dir", path.join(fresh, "member"), "--initial-advertise-peer-urls", peerUrl];
  const members = splitUrls(peerUrl).map((url) => `${memberName}=${url}`);
  const cluster = ["--initial-cluster", members.join(), "--initial-cluster-token", clusterToken];
  const copy = path.join(etcdFolder(dataDir), "member/member/snap/db");
  try {
    // The file of a running store carries no hash of itself.
    const args = ["utl", "snapshot", "restore", copy, "--skip-hash-check", ...flags, ...cluster];
    await promisify(execFile)(program, args, { timeout: RESTORE_LIMIT_MS });
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw new UserError(
      `Cannot take the house over: its store could not be restored from ${copy}: ${lastLine(error)}. Nothing is changed.`,
      {
        cause: error,
      },
    );
  }
  writeFounded(fresh, { memberName, clusterToken });
  for (const file of ["ports.json", "version"]) {
    const from = path.join(etcdFolder(dataDir), file);
    if (existsSync(from)) copyWhole(from, path.join(fresh, file));
  }
  writeWhole(recordFile(dataDir), JSON.stringify(takeover));
}

/** The old store is renamed, and kept as one of the last three; the new one takes its place. Safe to repeat. */
export function swapStores(dataDir: string): void {
  const fresh = freshFolder(dataDir);
  writeHosts(dataDir, []);
  if (!existsSync(fresh)) return;
  const folder = etcdFolder(dataDir);
  if (hasData(dataDir)) archive(dataDir);
  rmSync(folder, { recursive: true, force: true }); // no data is in it
  renameSync(fresh, folder);
}

export function isSwapped(dataDir: string): boolean {
  return !existsSync(freshFolder(dataDir));
}

export function endTakeover(dataDir: string): void {
  rmSync(recordFile(dataDir), { force: true });
}

function freshFolder(dataDir: string): string {
  return path.join(dataDir, "etcd.taking-over");
}

function recordFile(dataDir: string): string {
  return path.join(dataDir, "takeover.json");
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string }; // of execFile
  return (stderr?.trim() || message).split("\n").at(-1) ?? "";
}
