// Files of Debian packages without installing the package: nothing of the machine changes, and no service of theirs starts.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "./machine.ts";

/** The first of the files that the package has, unpacked into our cache. Undefined where there is no Debian, or no package lists. */
function unpackedFile(packageName: string, files: readonly string[]): string | undefined {
  const folder = path.join(cacheFolder(), `debian-${packageName}`);
  if (!existsSync(folder) && !unpack(packageName, folder)) return undefined;
  return files.map((file) => path.join(folder, file)).find((file) => existsSync(file));
}

/** Debian's own etcd, which a program without one runs on: installed, or from its package. */
export function debianEtcd(): string | undefined {
  return existsSync("/usr/bin/etcd") ? "/usr/bin/etcd" : unpackedFile("etcd-server", ["usr/bin/etcd"]);
}

/** A busybox that needs no library, as an image of it alone must: Debian's package `busybox` is not such a one. */
export function staticBusybox(): string | undefined {
  const installed = ["/usr/bin/busybox", "/bin/busybox"].find((file) => existsSync(file) && isStatic(readFileSync(file)));
  return installed ?? unpackedFile("busybox-static", ["usr/bin/busybox", "bin/busybox"]);
}

/** A program of ELF's 64-bit form without an interpreter (header type 3), which would load its libraries. */
function isStatic(elf: Buffer): boolean {
  const [start, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return !Array.from({ length: count }, (_, index) => elf.readUInt32LE(start + index * size)).includes(3);
}

function unpack(packageName: string, folder: string): boolean {
  const work = `${folder}.${process.pid}.tmp`;
  const run = (name: string, ...args: string[]): unknown => execFileSync(name, args, { cwd: work, stdio: "ignore" });
  try {
    mkdirSync(work, { recursive: true });
    // Package lists may be missing or old; only root can bring them.
    if (process.getuid?.() === 0) run("apt-get", "-q", "update");
    run("apt-get", "-q", "download", packageName);
    const [archive = ""] = readdirSync(work);
    run("dpkg-deb", "--extract", archive, ".");
    renameSync(work, folder);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
