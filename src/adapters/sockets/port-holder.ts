// Who holds a port, for people: /proc/net tells the socket, /proc/*/fd the program. Best effort: without root others' files are closed.
import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";

const TCP_LISTEN = "0A";
const NODE_THREAD = "MainThread";

/** `nginx (pid 812)`, or this process; undefined: nobody to be seen. */
export async function portHolder(protocols: readonly ("tcp" | "udp")[], address: string, port: number): Promise<string | undefined> {
  const tables = await Promise.all(protocols.flatMap((protocol) => [`/proc/net/${protocol}`, `/proc/net/${protocol}6`]).map(readOrNothing));
  const inodes = new Set(tables.flatMap((table) => socketsAt(table, address, port)));
  return inodes.size === 0 ? undefined : ownerOf(inodes);
}

/** Inodes of sockets that take what comes to this address and port: bound to it, or either to all addresses. */
export function socketsAt(table: string, address: string, port: number): readonly string[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      // 0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 21480 ...
      const [, local = "", remote = "", state, , , , , , inode] = line.trim().split(/\s+/);
      const [host = "", hexPort = ""] = local.split(":");
      // An unconnected UDP socket has no remote port; a listening TCP socket has its own state.
      const waits = state === TCP_LISTEN || (state === "07" && remote.endsWith(":0000"));
      const meets = isAll(address) || /^0+$/.test(host) || host === hexAddress(address) || host.endsWith(`FFFF0000${hexAddress(address)}`);
      return waits && meets && Number.parseInt(hexPort, 16) === port && inode !== undefined ? [inode] : [];
    });
}

function isAll(address: string): boolean {
  return address === "::" || address === "0.0.0.0";
}

/** As /proc/net/tcp writes an IPv4 address: little-endian. Others are compared with nothing. */
function hexAddress(address: string): string {
  const bytes = address.split(".").map(Number);
  return bytes.length === 4
    ? bytes
        .toReversed()
        .map((byte) => byte.toString(16).padStart(2, "0").toUpperCase())
        .join("")
    : "-";
}

async function ownerOf(inodes: ReadonlySet<string>): Promise<string | undefined> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined && inodes.has(inode)) return `${await programName(pid)} (pid ${pid})`;
    }
  }
  return undefined;
}

/** As `ps` shows it; a program that runs another's text, as Node does, is named by what it runs. */
async function programName(pid: string): Promise<string> {
  if (Number(pid) === process.pid) return "the house's own ingress";
  const name = (await readOrNothing(`/proc/${pid}/comm`)).trim();
  if (name !== NODE_THREAD) return name;
  const [program = "", script = ""] = (await readOrNothing(`/proc/${pid}/cmdline`)).split("\0");
  return [path.basename(program), ...(/^[^-].*\.[cm]?[jt]s$/.test(script) ? [path.basename(script)] : [])].join(" ");
}

async function readOrNothing(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
