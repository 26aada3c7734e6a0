// Files of Debian packages without installing the package: nothing of the machine changes, and no service of theirs starts.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "./machine.ts";

/**
 * The first of the files that the package has, unpacked into our cache. Undefined where there is no Debian, or no package lists.
 * `suite`: from there instead of the machine's own release.
 */
export function unpackedFile(packageName: string, files: readonly string[], suite?: "sid"): string | undefined {
  const folder = path.join(cacheFolder(), suite === undefined ? `debian-${packageName}` : `debian-${suite}-${packageName}`);
  if (!existsSync(folder) && !unpack(packageName, folder, suite)) return undefined;
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

function unpack(packageName: string, folder: string, suite: string | undefined): boolean {
  const work = `${folder}.${process.pid}.tmp`;
  const run = (name: string, ...args: readonly string[]): unknown => execFileSync(name, args, { cwd: work, stdio: "ignore" });
  try {
    mkdirSync(work, { recursive: true });
    const lists = suite === undefined ? [] : listsOfOurOwn(`${work}/apt`, suite);
    // Package lists may be missing or old; only root can bring the machine's own.
    if (suite !== undefined || process.getuid?.() === 0) run("apt-get", "-q", ...lists, "update");
    run("apt-get", "-q", ...lists, "download", packageName);
    const archive = readdirSync(work).find((name) => name.endsWith(".deb")) ?? "";
    run("dpkg-deb", "--extract", archive, ".");
    rmSync(`${work}/apt`, { recursive: true, force: true });
    renameSync(work, folder);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Options with which apt knows this suite and nothing else, and the machine nothing of it. */
function listsOfOurOwn(folder: string, suite: string): readonly string[] {
  for (const each of ["lists/partial", "cache/archives/partial"]) mkdirSync(path.join(folder, each), { recursive: true });
  const signedBy = "/usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(
    path.join(folder, "one.sources"),
    `Types: deb\nURIs: http://deb.debian.org/debian\nSuites: ${suite}\nComponents: main\nSigned-By: ${signedBy}\n`,
  );
  return [
    `Dir::State::lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    `Dir::Etc::sourcelist=${folder}/one.sources`,
    "Dir::Etc::sourceparts=/dev/null",
    "Acquire::Languages=none",
  ].flatMap((option) => ["-o", option]);
}
