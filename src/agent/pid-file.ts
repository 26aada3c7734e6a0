// Which process holds a role on this node: its pid and start time, since a pid alone is used again.
import path from "node:path";
import { rmSync } from "node:fs";
import type { Clock } from "../ports.ts";
import { endProcess, startTimeOf } from "./child.ts";
import { readIfThere, writeWhole } from "./files.ts";

export type Role = "agent" | "supervise";

export function claim(runDir: string, role: Role): void {
  writeWhole(fileOf(runDir, role), JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
}

export function unclaim(runDir: string, role: Role): void {
  if (holder(runDir, role) === process.pid) rmSync(fileOf(runDir, role), { force: true });
}

/** The pid of the living process that holds the role. */
export function holder(runDir: string, role: Role): number | undefined {
  try {
    const { pid, startTime } = JSON.parse(readIfThere(fileOf(runDir, role)) ?? "{}") as { pid?: number; startTime?: string }; // written by claim alone
    return pid !== undefined && startTime !== undefined && startTimeOf(pid) === startTime ? pid : undefined;
  } catch {
    return undefined; // unreadable: nobody
  }
}

/** SIGTERM, then SIGKILL after `graceMs`. Answers whether there was one. */
export async function endHolder(
  runDir: string,
  role: Role,
  options: { readonly graceMs: number; readonly clock: Clock },
): Promise<boolean> {
  const pid = holder(runDir, role);
  if (pid !== undefined) await endProcess(pid, options.graceMs, options.clock);
  rmSync(fileOf(runDir, role), { force: true });
  return pid !== undefined;
}

function fileOf(runDir: string, role: Role): string {
  return path.join(runDir, `${role}.pid.json`);
}
