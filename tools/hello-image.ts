// The image of the demo, made on this machine, since no registry may be reachable: busybox with one page.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { engineRequest } from "./engine.ts";
import { findCommand, installPackages, type Say } from "./machine.ts";

export const helloImage = "fossora/hello:1";
const page = "Hello from your house. This page is served by a container that Fossora placed, started and named.\n";

export async function hasHelloImage(): Promise<boolean> {
  return (await engineRequest("GET", `/images/${helloImage}/json`)).status === 200;
}

/** Like `docker import`: a root file system as a tar, and what to run in it. */
export async function makeHelloImage(say: Say): Promise<void> {
  const busybox = staticBusybox(say);
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-hello-"));
  try {
    for (const name of ["bin", "www", "tmp"]) mkdirSync(path.join(folder, name));
    copyFileSync(busybox, path.join(folder, "bin/busybox"));
    writeFileSync(path.join(folder, "www/index.html"), page);
    const tar = execFileSync("tar", ["-c", "--owner=0", "--group=0", "-C", folder, "."], { maxBuffer: 64 * 1024 * 1024 });
    const [repo, tag] = helloImage.split(":");
    const query = new URLSearchParams([
      ["fromSrc", "-"],
      ["repo", repo ?? ""],
      ["tag", tag ?? ""],
      // As process 1 the server itself would not hear SIGTERM.
      ["changes", `CMD ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; /bin/busybox httpd -f -p 80 -h /www & wait"]`],
      ["changes", "EXPOSE 80"],
    ]);
    const { status, body } = await engineRequest("POST", `/images/create?${query.toString()}`, { body: tar });
    if (status !== 200 || body.includes('"error"')) throw new Error(`Docker refused the image ${helloImage}: ${body}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers whether there was one. Refused while a container uses it. */
export async function removeHelloImage(): Promise<boolean> {
  return (await engineRequest("DELETE", `/images/${helloImage}`)).status === 200;
}

/** Debian's busybox-static: the package `busybox` needs libraries that the image does not have. */
function staticBusybox(say: Say): string {
  const isStatic = (file: string | undefined): file is string => file !== undefined && existsSync(file) && !interpreted(file);
  const found = findCommand("busybox");
  if (isStatic(found)) return found;
  installPackages(["busybox-static"], say);
  const installed = findCommand("busybox");
  if (isStatic(installed)) return installed;
  throw new Error("busybox-static was installed and /bin/busybox is not static");
}

/** `ldd` fails on a static program. */
function interpreted(file: string): boolean {
  try {
    execFileSync("ldd", [file], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
