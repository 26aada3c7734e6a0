// Which process holds a role on this node: its pid and start time, since a pid alone is used again.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import path from "node:path";
import type { Clock } from "../ports.ts";
import { endProcess, startTimeOf } from "./child.ts";
import { readIfThere, writeWhole } from "./files.ts";
import { kernelBootId } from "./identity.ts";

export type Role = "agent" | "supervise";

/** What a folder's holder of a role wrote. The boot: in a folder that survives one, both numbers may be another's by now. */
interface Claim {
  readonly pid: number;
  readonly startTime: string;
  readonly boot: string;
}

/** In the run folder, or in any other that only one process may use. */
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

/** SIGTERM, then SIGKILL after `graceMs`. */
export async function endHolder(folder: string, role: Role, options: { readonly graceMs: number; readonly clock: Clock }): Promise<void> {
  const pid = holder(folder, role);
  if (pid !== undefined) await endProcess(pid, options.graceMs, options.clock);
  rmSync(fileOf(folder, role), { force: true });
}

function fileOf(folder: string, role: Role): string {
  return path.join(folder, `${role}.pid.json`);
}
