// Through which interface this machine leaves for everywhere else.
import { readFile } from "node:fs/promises";

/** IPv4, Linux only; undefined: there is no default route. */
export async function readDefaultInterface(file = "/proc/net/route"): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  const columns = text.split("\n").map((line) => line.split("\t"));
  return columns.find(([, target, , , , , , mask]) => target === "00000000" && mask === "00000000")?.[0];
}
