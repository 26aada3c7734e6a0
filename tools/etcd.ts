// Finds etcd for development and tests, in the order of the design: $FOSSORA_ETCD, our cache folder, built with Go, Debian's package.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

const source = path.join(import.meta.dirname, "../src/etcd");
export const ETCD_VERSION = "3.7.3";

export type GoArch = "amd64" | "arm64";
export const thisArch: GoArch = process.arch === "arm64" ? "arm64" : "amd64";

/** Where built programs are kept between clones; `$XDG_CACHE_HOME/fossora` or `~/.cache/fossora`. */
export function cacheFolder(): string {
  return path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "fossora");
}

/** Our own build: from the cache, else built if Go is here. Undefined without Go 1.21 or later. */
export function ownEtcd(arch: GoArch = thisArch, say: (text: string) => void = () => {}): string | undefined {
  const hash = createHash("sha256");
  for (const name of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(path.join(source, name)));
  const file = path.join(cacheFolder(), `etcd-${ETCD_VERSION}-${arch}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(file)) return file;
  if (!goIsHere()) return undefined;
  say(`Building etcd ${ETCD_VERSION} for ${arch} with Go (once, one to two minutes)`);
  mkdirSync(cacheFolder(), { recursive: true });
  const partial = `${file}.${process.pid}.tmp`;
  try {
    execFileSync("go", ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", partial, "."], {
      cwd: source,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOARCH: arch },
    });
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
  return file;
}

/** An etcd that runs on this machine; undefined if there is none and none can be built. */
export function findEtcd(say?: (text: string) => void): string | undefined {
  const named = process.env["FOSSORA_ETCD"];
  if (named) return named;
  return ownEtcd(thisArch, say) ?? ["/usr/bin/etcd", "/usr/local/bin/etcd"].find(isExecutable);
}

/** Debian's own etcd, which a program without one runs on: installed, or its package unpacked in our cache without installing it. */
export function debianEtcd(): string | undefined {
  if (isExecutable("/usr/bin/etcd")) return "/usr/bin/etcd";
  const folder = path.join(cacheFolder(), "debian-etcd");
  const file = path.join(folder, "usr/bin/etcd");
  if (isExecutable(file)) return file;
  const work = `${folder}.${process.pid}.tmp`;
  try {
    mkdirSync(work, { recursive: true });
    // Package lists may be missing or old; only root can bring them.
    if (process.getuid?.() === 0) execFileSync("apt-get", ["-q", "update"], { stdio: "ignore" });
    execFileSync("apt-get", ["-q", "download", "etcd-server"], { cwd: work, stdio: "ignore" });
    const [archive = ""] = readdirSync(work);
    execFileSync("dpkg-deb", ["--extract", archive, work], { cwd: work, stdio: "ignore" });
    renameSync(work, folder);
    return file;
  } catch {
    return undefined; // not Debian, or no package lists: apt-get update
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function goIsHere(): boolean {
  try {
    const version = /go(\d+)\.(\d+)/.exec(execFileSync("go", ["version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    return version !== null && Number(version[1]) === 1 && Number(version[2]) >= 21;
  } catch {
    return false;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
