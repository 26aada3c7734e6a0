// What tells this machine from others also after its disk was wiped: permanent MAC addresses and the mainboard's UUID. Hints, no proof:
// anybody may claim any.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { isPhysical } from "./physical.ts";

export interface MachineSources {
  /** The kernel's; other ones in tests. */
  readonly sys?: string;
  /** Answers `ip -json link`; throws where there is no such program. */
  readonly ipLink?: () => Promise<string>;
}

const IP_LIMIT_MS = 2_000;
/** A router has a dozen, a computer two. */
const MACS_MAX = 16;
/** `addr_assign_type` of Linux: 0 permanent, 1 random, 2 of another interface, 3 set by hand, as a private Wi-Fi address is. */
const PERMANENT = "0";

/** Sorted, so that the same machine says the same. The UUID is "" where there is none, or only root may read it. */
export async function readMachineHints({ sys = "/sys", ipLink = askIp }: MachineSources = {}): Promise<{
  readonly macs: readonly string[];
  readonly productUuid: string;
}> {
  const folder = path.join(sys, "class/net");
  const names = await readdir(folder).catch(() => []);
  const physical = (await Promise.all(names.map(async (name) => ((await isPhysical(sys, name)) ? [name] : [])))).flat();
  const macs: string[] = [];
  let permanent: Promise<ReadonlyMap<string, string>> | undefined;
  for (const name of physical.slice(0, MACS_MAX)) {
    const read = (file: string): Promise<string> => readText(path.join(folder, name, file));
    // Of one that never had an address of its own there is none to tell.
    if ((await read("addr_assign_type")) === PERMANENT) macs.push(await read("address"));
    else macs.push((await (permanent ??= ipLink().then(permanentAddresses, () => new Map<string, string>()))).get(name) ?? "");
  }
  const uuid = await readText(path.join(sys, "class/dmi/id/product_uuid"));
  return { macs: [...new Set(macs.filter(isMac))].toSorted(), productUuid: uuid.toLowerCase() };
}

/** Pure. Of `ip -json link`, by interface: it tells those that differ from the present ones. */
export function permanentAddresses(text: string): ReadonlyMap<string, string> {
  const links: unknown = JSON.parse(text);
  const found = (Array.isArray(links) ? links : []).flatMap((link: unknown): readonly (readonly [string, string])[] => {
    const { ifname, permaddr } = (typeof link === "object" && link !== null ? link : {}) as { ifname?: unknown; permaddr?: unknown }; // of another program
    return typeof ifname === "string" && typeof permaddr === "string" ? [[ifname, permaddr.toLowerCase()]] : [];
  });
  return new Map(found);
}

/** Six bytes, of one device, and not nothing. */
function isMac(text: string): boolean {
  return /^[0-9a-f]([02468ace])(:[0-9a-f]{2}){5}$/.test(text) && !/^(00:){5}00$/.test(text);
}

async function askIp(): Promise<string> {
  return (await promisify(execFile)("ip", ["-json", "link"], { timeout: IP_LIMIT_MS })).stdout;
}

async function readText(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).trim();
}
