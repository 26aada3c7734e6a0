// Finds Node's own program for an architecture, stripped where that can be done: what the one-file program is made of.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { cacheFolder, projectRoot } from "./machine.ts";

export type NodeArch = "x64" | "arm64";
export const thisNodeArch: NodeArch = process.arch === "arm64" ? "arm64" : "x64";

export interface NodeBinary {
  readonly file: string;
  readonly version: string;
  /** Why it is 35 MB larger than it could be; absent when it was stripped. */
  readonly unstripped?: string;
}

/** The Node that package-lock.json locks, whatever architecture this machine has. */
export function nodeBinary(arch: NodeArch): NodeBinary {
  const { version, integrity } = lockedNode(arch);
  const installed = path.join(projectRoot, `node_modules/node-linux-${arch}/bin/node`);
  const cached = path.join(cacheFolder(), `node-${version}-${arch}`);
  if (arch !== thisNodeArch) {
    if (!existsSync(installed)) makeOnce(cached, (partial) => fetchNode(arch, version, integrity, partial));
    return { file: existsSync(installed) ? installed : cached, version, unstripped: `the strip of this machine does not know ${arch}` };
  }
  try {
    // Before the SEA step: a file stripped after it dies of a segmentation fault.
    makeOnce(`${cached}-stripped`, (partial) => {
      copyFileSync(installed, partial);
      execFileSync("strip", [partial], { stdio: ["ignore", "ignore", "inherit"] });
    });
    return { file: `${cached}-stripped`, version };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return { file: installed, version, unstripped: "there is no strip here (Debian package binutils)" };
  }
}

/** npm installs this platform's package only: the other comes at the locked version and is checked against the lock. */
function fetchNode(arch: NodeArch, version: string, integrity: string, target: string): void {
  const folder = mkdtempSync(path.join(cacheFolder(), "fetch-"));
  try {
    execFileSync("npm", ["pack", "--silent", `node-linux-${arch}@${version}`, "--pack-destination", folder], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const [packed = "nothing"] = readdirSync(folder);
    const found = `sha512-${createHash("sha512")
      .update(readFileSync(path.join(folder, packed)))
      .digest("base64")}`;
    if (found !== integrity) throw new Error(`node-linux-${arch}@${version} is not the one that package-lock.json locks: it has ${found}`);
    execFileSync("tar", ["-xzf", packed, "package/bin/node"], { cwd: folder });
    copyFileSync(path.join(folder, "package/bin/node"), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a file beside its place and renames it: two builds at once, or one cut short, leave no half file. */
export function makeOnce(file: string, make: (partial: string) => void): void {
  if (existsSync(file)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.tmp`;
  try {
    make(partial);
    chmodSync(partial, 0o755);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}

function lockedNode(arch: NodeArch): { readonly version: string; readonly integrity: string } {
  const lock = JSON.parse(readFileSync(path.join(projectRoot, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
  }; // npm's lock file, version 3
  const entry = lock.packages[`node_modules/node-linux-${arch}`];
  if (!entry) throw new Error(`package-lock.json does not lock node-linux-${arch}`);
  return entry;
}
