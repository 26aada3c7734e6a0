// Logs that processes write to by a descriptor of their own: none grows beyond a bound, and one old log is kept of each.
import { renameSync, statSync } from "node:fs";
import { copyFile, stat, truncate } from "node:fs/promises";
import path from "node:path";
import type { Log } from "../ports.ts";

const LOG_BYTES_MAX = 8 * 1024 * 1024;

/** Of the agent and its supervisor where there is no systemd. */
export function agentLogOf(dataDir: string): string {
  return path.join(dataDir, "log", "agent.log");
}

/** Of the store beside the agent. */
export function storeLogOf(dataDir: string): string {
  return path.join(dataDir, "log", "etcd.log");
}

/** Before somebody opens it. */
export function rotateLog(file: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  if (before && before.size > LOG_BYTES_MAX) renameSync(file, oldOf(file));
}

/** It is written to by descriptors that append: what is behind goes to the old log, and the file starts anew under them. */
export async function limitLog(file: string, log: Log): Promise<void> {
  try {
    if ((await stat(file)).size <= LOG_BYTES_MAX) return;
    // A full disk takes no copy, and needs the room.
    await copyFile(file, oldOf(file)).catch((error: unknown) => log.warn("Old log was not kept", { file, error }));
    await truncate(file);
  } catch (error) {
    log.debug("Log could not be shortened", { file, error: String(error) }); // somebody took it away, say: tried again soon
  }
}

function oldOf(file: string): string {
  return `${file}.1`;
}
