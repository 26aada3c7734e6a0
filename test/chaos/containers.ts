// Which containers run on each host, as the kernel tells: also where the engine is dead or hangs, and of hosts that nobody reaches.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { LabHost } from "../support/lab.ts";

const FREEZER = "/sys/fs/cgroup/freezer";

export interface Running {
  readonly app: string;
  /** The beginning of its id. */
  readonly container: string;
}

/** Of apps that tell their name to their containers (NAME). Undefined: the computer is frozen, or has no power. */
export function runningContainers({ cgroup }: Pick<LabHost, "cgroup">): readonly Running[] | undefined {
  const host = path.join(FREEZER, cgroup);
  if (read(path.join(host, "freezer.state"))?.trim() !== "THAWED") return undefined;
  return list(path.join(host, "docker")).flatMap((container) => {
    const pids =
      read(path.join(host, "docker", container, "cgroup.procs"))
        ?.split("\n")
        .filter(Boolean) ?? [];
    const app = pids.map(appOf).find((name) => name !== undefined);
    return app === undefined ? [] : [{ app, container: container.slice(0, 12) }];
  });
}

/** Undefined: a process that has just ended, or is not yet what it shall be. */
function appOf(pid: string): string | undefined {
  const name = read(`/proc/${pid}/environ`)
    ?.split("\0")
    .find((entry) => entry.startsWith("NAME="));
  return name?.slice("NAME=".length);
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // no container was ever started there
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // it is gone
  }
}
