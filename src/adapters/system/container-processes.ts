// Ends containers without their engine, which may not answer: all processes in the control groups that carry a container's id. An id is
// never used again and is known before a container starts, which a pid is not.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** SIGKILL; answers how many there were. `proc`: as `/proc`. */
export function killContainerProcesses(containers: readonly string[], proc = "/proc"): number {
  const pids = processesOf(containers, proc);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error; // it has ended, or only the engine may
    }
  }
  return pids.length;
}

export function processesOf(containers: readonly string[], proc = "/proc"): readonly number[] {
  if (containers.length === 0) return [];
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const groups = readOrNothing(path.join(proc, pid, "cgroup"));
      return containers.some((id) => groups.includes(id)) && !isZombie(readOrNothing(path.join(proc, pid, "stat")));
    })
    .map(Number);
}

/** Ids of all containers that have processes, of whichever engine. */
export function containersWithProcesses(proc = "/proc"): ReadonlySet<string> {
  const found = new Set<string>();
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    const ids = readOrNothing(path.join(proc, pid, "cgroup")).match(/\b[0-9a-f]{64}\b/g) ?? [];
    if (ids.some((id) => !found.has(id)) && !isZombie(readOrNothing(path.join(proc, pid, "stat")))) for (const id of ids) found.add(id);
  }
  return found;
}

/** Dead, and nobody has asked for its end yet. */
function isZombie(stat: string): boolean {
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

/** It may end at any moment. */
function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
