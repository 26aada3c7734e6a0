// A lab host as `fossora up`, `down` and `uninstall` find and leave it: the program as it was downloaded, processes, files, units.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import type { HouseNode } from "./house.ts";
import type { CommandOutcome } from "./lab.ts";

const builtProgram = path.join(import.meta.dirname, "../../dist/fossora");
/** Not where `up` puts it. */
export const downloaded = "/opt/download/fossora";
/** Docker's own, the lab's own, and what every program leaves. */
const notOurs = /^\/(var\/lib\/docker|run\/(docker|lab|containerd|xtables\.lock)|tmp|opt\/download|etc\/docker)\b|\.dpkg-|\/__pycache__\b/;

export async function download(node: HouseNode, program = builtProgram): Promise<void> {
  const file = path.join((await node.host()).root, downloaded);
  mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(program, file);
}

/** The downloaded program, as root: `up` and its kin. Everything that it said, also when it failed. */
export async function setUp(node: HouseNode, ...args: readonly string[]): Promise<CommandOutcome & { readonly said: string }> {
  const outcome = await node.lab.tryExec(node.name, downloaded, ...args);
  return { ...outcome, said: outcome.stdout + outcome.stderr };
}

/** `pid command line` of every process of this program on the host, etcd's too. */
export async function ourProcesses(node: HouseNode): Promise<readonly string[]> {
  const lines = (await node.lab.exec(node.name, "ps", "axww", "-o", "pid=,args=")).split("\n");
  return lines.map((line) => line.trim()).filter((line) => /^\d+ \S*\/(fossora|etcd)[^/ ]* /.test(`${line} `));
}

/** Every file that the host has written, on its disk and in /run, but for Docker's. */
export async function filesOf(node: HouseNode): Promise<ReadonlySet<string>> {
  const { dir } = await node.host();
  const roots: readonly (readonly [string, string])[] = [
    ["disk/root", ""],
    ["disk/upper", ""],
    ["run", "/run"],
  ];
  return new Set(roots.flatMap(([folder, at]) => listed(path.join(dir, folder), at)).filter((file) => !notOurs.test(file)));
}

function listed(folder: string, at: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = `${at}/${entry.name}`;
    if (notOurs.test(file) || !entry.isDirectory()) return [file];
    return [file, ...listed(path.join(folder, entry.name), file)];
  });
}
