// Finds etcd for development and tests, in the order of the design: $FOSSORA_ETCD, our cache folder, built with Go, Debian's package.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { debianEtcd } from "./debian.ts";
import { cacheFolder, projectRoot, type Say } from "./machine.ts";

const source = path.join(projectRoot, "src/etcd");
export const ETCD_VERSION = "3.7.3";

export type GoArch = "amd64" | "arm64";
export const thisArch: GoArch = process.arch === "arm64" ? "arm64" : "amd64";

/** Our own build: from the cache, else built if Go is here. Undefined without Go 1.21 or later. */
export function ownEtcd(arch: GoArch = thisArch, say: Say = () => {}): string | undefined {
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
export function findEtcd(say?: Say): string | undefined {
  const named = process.env["FOSSORA_ETCD"];
  if (named) return named;
  return ownEtcd(thisArch, say) ?? debianEtcd();
}

function goIsHere(): boolean {
  try {
    const version = /go(\d+)\.(\d+)/.exec(execFileSync("go", ["version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    return version !== null && Number(version[1]) === 1 && Number(version[2]) >= 21;
  } catch {
    return false;
  }
}
