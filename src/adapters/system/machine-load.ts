// How busy this machine is and how much of its memory is taken, as the kernel counts it (proc(5): stat, meminfo).
import { readFile } from "node:fs/promises";
import path from "node:path";

/** Since the machine was started. */
export interface MachineCounts {
  readonly cpus: number;
  /** In ticks, of all cores together. */
  readonly busyTicks: number;
  readonly allTicks: number;
  readonly memoryBytes: number;
  /** Without what the kernel gives back when it is needed. */
  readonly usedBytes: number;
}

/** `proc`: another one in tests. */
export async function readMachineCounts(proc = "/proc"): Promise<MachineCounts> {
  const [stat, meminfo] = await Promise.all(["stat", "meminfo"].map((file) => readFile(path.join(proc, file), "utf8")));
  return { ...readStat(stat ?? ""), ...readMeminfo(meminfo ?? "") };
}

function readStat(text: string): Pick<MachineCounts, "cpus" | "busyTicks" | "allTicks"> {
  const lines = text.split("\n");
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (lines[0] ?? "")
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busyTicks = user + nice + system + irq + softirq + steal;
  return { cpus: lines.filter((line) => /^cpu\d/.test(line)).length, busyTicks, allTicks: busyTicks + idle + iowait };
}

function readMeminfo(text: string): Pick<MachineCounts, "memoryBytes" | "usedBytes"> {
  const bytesOf = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  const memoryBytes = bytesOf("MemTotal");
  return { memoryBytes, usedBytes: memoryBytes - bytesOf("MemAvailable") };
}
