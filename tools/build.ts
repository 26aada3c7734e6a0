// `npm run build`: makes dist/fossora, one executable file that needs neither Node nor npm and carries its etcd.
// `-- --all` makes it for the other architecture as well.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { constants as zlib, zstdCompressSync } from "node:zlib";
import { bundle, type Bundle } from "./bundle.ts";
import { ETCD_VERSION, ownEtcd } from "./etcd.ts";
import { projectRoot, type Say } from "./machine.ts";
import { makeOnce, nodeBinary, thisNodeArch, type NodeArch, type NodeBinary } from "./node-binary.ts";

const dist = path.join(projectRoot, "dist");
const out = path.join(projectRoot, "out");

export interface BuildOptions {
  /** This machine's, unless named. */
  readonly arch?: NodeArch;
  readonly bundled?: Bundle;
  /** Where the program goes; in dist, unless named. */
  readonly file?: string;
}

export interface BuildResult {
  readonly file: string;
  /** False: it was already made of the same things. */
  readonly changed: boolean;
  readonly etcd: boolean;
}

/** What a program is made of. */
interface Parts extends Bundle {
  readonly node: NodeBinary;
  readonly etcd: EtcdAsset | undefined;
  readonly about: string;
  readonly codeCache: boolean;
}

/** Makes the program, unless it is there and made of the same. Throws with esbuild's messages when the source cannot be bundled. */
export async function build(say: Say, options: BuildOptions = {}): Promise<BuildResult> {
  const arch = options.arch ?? thisNodeArch;
  const node = nodeBinary(arch);
  const etcd = etcdAsset(arch, say);
  const about = { version: packageVersion(), commit: commit(), etcd: etcd ? ETCD_VERSION : null };
  const bundled = options.bundled ?? (await bundle());
  // Another architecture would reject our code cache, with a warning at each start.
  const parts: Parts = { ...bundled, node, etcd, about: JSON.stringify(about), codeCache: arch === thisNodeArch };
  const file = options.file ?? path.join(dist, arch === thisNodeArch ? "fossora" : `fossora-linux-${arch}`);
  const stamp = path.join(out, `${path.relative(projectRoot, file).replaceAll("/", "-")}.inputs`);
  const digest = digestOf(parts);
  const result = { file, etcd: etcd !== undefined };
  if (existsSync(file) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return { ...result, changed: false };

  if (node.unstripped !== undefined) say(`The ${arch} program is 35 MB larger than it could be: ${node.unstripped}`);
  if (!etcd) say(`The ${arch} program carries no etcd, since Go 1.21 or later is not here: it runs a house of one on Debian's etcd-server`);
  for (const folder of [out, path.dirname(file)]) mkdirSync(folder, { recursive: true });
  assemble({ ...parts, about: JSON.stringify({ ...about, digest }) }, file);
  writeFileSync(stamp, digest);
  return { ...result, changed: true };
}

function digestOf({ code, map, about, etcd, node }: Parts): string {
  const hash = createHash("sha256");
  for (const part of [code, map, about, etcd?.sha256 ?? "no etcd", node.file, node.version]) hash.update(part).update("\0");
  return hash.digest("hex");
}

/** Node's own step (`--build-sea`): the bundle and its assets go into a copy of Node. */
function assemble({ code, map, about, etcd, node, codeCache }: Parts, file: string): void {
  const work = mkdtempSync(`${file}.build-`); // beside it, so that a rename can put it in its place: one that runs keeps its old file
  try {
    const part = (name: string, content: string | Uint8Array): string => {
      writeFileSync(path.join(work, name), content);
      return name; // relative: it goes into the program, where stacks show it
    };
    const config = {
      main: part("main.cjs", code),
      executable: node.file,
      output: "fossora",
      disableExperimentalSEAWarning: true,
      useCodeCache: codeCache,
      // MiB: the agent needs 15 MB less, the ingress under load 50, at the same speed. The ingress calls `gc` on long uploads.
      execArgv: ["--max-semi-space-size=2"],
      assets: {
        "main.map": part("main.map", map),
        "build.json": part("build.json", about),
        ...(etcd ? { etcd: etcd.file, "etcd.sha256": part("etcd.sha256", etcd.sha256) } : {}),
      },
    };
    execFileSync(process.execPath, ["--build-sea", part("sea.json", JSON.stringify(config))], {
      cwd: work,
      stdio: ["ignore", "ignore", "inherit"],
    });
    renameSync(path.join(work, config.output), file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface EtcdAsset {
  readonly file: string;
  readonly sha256: string;
}

/** etcd as the program carries it: compressed, with the SHA-256 of the unpacked file. Undefined without Go. */
function etcdAsset(arch: NodeArch, say: Say): EtcdAsset | undefined {
  const program = ownEtcd(arch === "x64" ? "amd64" : "arm64", say);
  if (program === undefined) return undefined;
  const content = readFileSync(program);
  const file = `${program}.zst`;
  makeOnce(file, (partial) => {
    writeFileSync(partial, zstdCompressSync(content, { params: { [zlib.ZSTD_c_compressionLevel]: 19 } }));
  });
  return { file, sha256: createHash("sha256").update(content).digest("hex") };
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(path.join(projectRoot, "package.json"), "utf8")) as { readonly version: string }).version; // our own file
}

/** The commit that the source is of, marked when files differ from it; null outside of a clone. */
export function commit(): string | null {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty", "--exclude", "*"], {
      cwd: projectRoot,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}

async function main(args: readonly string[]): Promise<void> {
  const all = args.includes("--all");
  const unknown = args.find((argument) => argument !== "--all");
  if (unknown !== undefined) {
    process.stderr.write(`Cannot build with "${unknown}": the only flag is --all, for both architectures.\n`);
    process.exitCode = 2;
    return;
  }
  const say: Say = (text) => process.stderr.write(`${text}\n`);
  const bundled = await bundle();
  const others = (["x64", "arm64"] as const).filter((arch) => arch !== thisNodeArch);
  for (const arch of [thisNodeArch, ...(all ? others : [])]) {
    const { file, changed, etcd } = await build(say, { arch, bundled });
    const megabytes = (statSync(file).size / 1e6).toFixed(1);
    say(
      `${path.relative(projectRoot, file)}   ${megabytes} MB, ${etcd ? `etcd ${ETCD_VERSION} inside` : "without etcd"}${changed ? "" : ", unchanged"}`,
    );
  }
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`Cannot build: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
