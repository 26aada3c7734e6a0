// What the tools need of this machine: Debian packages, processes by pid and start time, files of state.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

export type Say = (text: string) => void;

export const projectRoot = path.join(import.meta.dirname, "..");
export const isRoot = process.getuid?.() === 0;
export const hasSystemd = existsSync("/run/systemd/system");

/** Where what was built or fetched once is kept, for every clone; `$XDG_CACHE_HOME/fossora` or `~/.cache/fossora`. */
export function cacheFolder(): string {
  return path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "fossora");
}

/** Where the labs of the tests are; `$LAB_DIR` moves them, as it does for `test/lab/lab`. */
export const labsFolder = process.env["LAB_DIR"] ?? "/var/lib/fossora-lab";

const INTERRUPTED = 130;

const searchPath = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];

/** The file that a command's name stands for; system folders are looked at too, since a person's PATH may lack them. */
export function findCommand(name: string): string | undefined {
  return searchPath.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** For apt-get. Without systemd a package's init script must not start what the tools start, and end, themselves. */
export const packageEnv = { ...process.env, DEBIAN_FRONTEND: "noninteractive", ...(hasSystemd ? {} : { RUNLEVEL: "1" }) };

/** Installs Debian packages. Throws a sentence for a person when that cannot be done here. */
export function installPackages(names: readonly string[], say: Say): void {
  if (!isRoot || findCommand("apt-get") === undefined) {
    throw new Error(
      `${names.join(" and ")} must be installed first${isRoot ? "" : ", which only root can do"}: apt-get install ${names.join(" ")}`,
    );
  }
  say(`Installing ${names.join(", ")} (Debian packages)`);
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...names]]) {
    // Another apt-get, say the machine's own at night, is waited for.
    const { status, stdout, stderr } = spawnSync("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=120", ...args], {
      env: packageEnv,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`apt-get ${args.join(" ")} failed:\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  }
}

/** A pid alone is used again; with its start time it is one process for good. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

export function processId(pid: number): ProcessId | undefined {
  try {
    // The command's name, in brackets, may hold spaces: fields are counted behind it. State is the 3rd, start time the 22nd.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return fields[0] === "Z" || fields[19] === undefined ? undefined : { pid, startTime: fields[19] };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startTime }: ProcessId): boolean {
  return processId(pid)?.startTime === startTime;
}

/** SIGTERM, then SIGKILL when the grace is over. */
export async function endProcess(id: ProcessId, graceMs: number): Promise<void> {
  for (const [signal, limitMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", 5_000],
  ] as const) {
    if (!isAlive(id)) return;
    process.kill(id.pid, signal);
    await until(() => !isAlive(id), limitMs);
  }
}

/** A folder and all below it, also where something is still mounted there. */
export function removeTree(folder: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts.toReversed()) if (`${mount}/`.startsWith(`${folder}/`)) spawnSync("umount", ["--lazy", mount]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Looks every 50 ms; answers whether the condition came true within the limit. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

/** What a person, or the end of their session, asks of a process; a second time it ends at once. Nobody waits longer than for `end`. */
export function whenInterrupted(end: () => void | Promise<void>): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => void Promise.resolve(end()).finally(() => process.exit(INTERRUPTED)));
}

/** Small state that survives an interrupted run: written whole or not at all. */
export function writeState(file: string, value: unknown): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.tmp`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${file}.tmp`, file);
}
