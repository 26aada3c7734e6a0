// Through which interface this machine leaves for everywhere else.
import { readFile } from "node:fs/promises";

/** IPv4, Linux only; undefined: there is no default route. */
export async function readDefaultInterface(): Promise<string | undefined> {
  return defaultInterfaceOf(await readFile("/proc/net/route", "utf8").catch(() => ""));
}

/** Pure. Of several the kernel names the one that it takes first. */
export function defaultInterfaceOf(text: string): string | undefined {
  const columns = text.split("\n").map((line) => line.split("\t"));
  return columns.find(([, target, , , , , , mask]) => target === "00000000" && mask === "00000000")?.[0];
}
