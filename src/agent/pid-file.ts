// Which process holds a role on this node: its pid and start time, since a pid alone is used again.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import path from "node:path";
import type { Clock, Log } from "../ports.ts";
import { endProcess, startTimeOf } from "./child.ts";
import { isFull, readIfThere, writeWhole } from "./files.ts";
import { kernelBootId } from "./identity.ts";

export type Role = "agent" | "supervise";

/** What a folder's holder of a role wrote. The boot: in a folder that survives one, both numbers may be another's by now. */
interface Claim {
  readonly pid: number;
  readonly startTime: string;
  readonly boot: string;
}

/** A node's own: the run folder, and the data folder, in which one that was given another run folder finds it. */
export interface NodeFolders {
  readonly runDir: string;
  readonly dataDir: string;
}

/** The holders before must have ended. A full disk keeps nobody from running what bears one: then the run folder alone tells. */
export function claimNode({ runDir, dataDir }: NodeFolders, role: Role, log: Log): void {
  claim(runDir, role);
  try {
    claim(dataDir, role);
  } catch (error) {
    if (!isFull(error)) throw error;
    log.warn("The data folder does not say who uses it: its disk is full", { dataDir, error });
  }
}

export function unclaimNode({ runDir, dataDir }: NodeFolders, role: Role): void {
  for (const folder of [runDir, dataDir]) unclaim(folder, role);
}

/** Whichever folder tells of it. */
export function holderOf({ runDir, dataDir }: NodeFolders, role: Role): number | undefined {
  return holder(runDir, role) ?? holder(dataDir, role);
}

/** Another process took it after this one. The data folder is asked first: two that were given different run folders must see the same. */
export function isTaken({ runDir, dataDir }: NodeFolders, role: Role): boolean {
  const present = holder(dataDir, role) ?? holder(runDir, role);
  return present !== undefined && present !== process.pid;
}

/** The supervisor goes first, for it would start the agent again. */
export async function endNode(
  { runDir, dataDir }: NodeFolders,
  options: { readonly graceMs: number; readonly clock: Clock },
): Promise<void> {
  for (const role of ["supervise", "agent"] as const) for (const folder of [runDir, dataDir]) await endHolder(folder, role, options);
}

/** In any folder that only one process may use. */
export function claim(folder: string, role: Role): void {
  const startTime = startTimeOf(process.pid);
  assert(startTime !== undefined, "this process runs");
  const mine: Claim = { pid: process.pid, startTime, boot: kernelBootId() };
  writeWhole(fileOf(folder, role), JSON.stringify(mine));
}

export function unclaim(folder: string, role: Role): void {
  if (holder(folder, role) === process.pid) rmSync(fileOf(folder, role), { force: true });
}

/** The pid of the living process that holds the role. */
export function holder(folder: string, role: Role): number | undefined {
  try {
    const { pid, startTime, boot } = JSON.parse(readIfThere(fileOf(folder, role)) ?? "{}") as Partial<Claim>; // written by claim alone
    if (pid === undefined || startTime === undefined || boot !== kernelBootId()) return undefined;
    return startTimeOf(pid) === startTime ? pid : undefined;
  } catch {
    return undefined; // unreadable: nobody
  }
}

/** As it was called; empty when it has ended. */
export function commandOf(pid: number): readonly string[] {
  return (readIfThere(`/proc/${pid}/cmdline`) ?? "").split("\0").filter(Boolean);
}

/** SIGTERM, then SIGKILL after `graceMs`. */
export async function endHolder(folder: string, role: Role, options: { readonly graceMs: number; readonly clock: Clock }): Promise<void> {
  const pid = holder(folder, role);
  if (pid !== undefined) await endProcess(pid, options.graceMs, options.clock);
  rmSync(fileOf(folder, role), { force: true });
}

function fileOf(folder: string, role: Role): string {
  return path.join(folder, `${role}.pid.json`);
}
