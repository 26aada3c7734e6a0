// A tiny image made of this machine's static busybox, without a registry: `docker import` of a tar of the program and its names.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import Docker from "dockerode";
import { staticBusybox } from "../../tools/debian.ts";

const tarBytesMax = 64 * 2 ** 20;

export interface TestImage {
  readonly reference: string;
  /** What it answers on port 80, at `/`. */
  readonly page: string;
  /** Files of this machine that go to /bin, with the libraries that they need. */
  readonly programs?: readonly string[];
  /** More files by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Why no image can be made here; undefined when one can. */
export function noBusybox(): string | undefined {
  return staticBusybox() === undefined ? "no static busybox (Debian package busybox-static)" : undefined;
}

/** Serves `page` on port 80 by default, and ends at SIGTERM, which a process 1 without a handler does not hear; `sh`, `sleep`, `wget` and the rest are in /bin. Does nothing when the image is there. */
export async function makeTestImage(socketPath: string, image: TestImage): Promise<void> {
  const docker = new Docker({ socketPath });
  const present = await docker
    .getImage(image.reference)
    .inspect()
    .catch(() => undefined);
  if (present) return;
  const [repo, tag = "latest"] = image.reference.split(":");
  const answer = await docker.importImage(Readable.from([rootTar(image)]), {
    repo,
    tag,
    changes: ["ENV PATH=/bin", "EXPOSE 80/tcp", 'CMD ["/bin/sh","-c","trap exit TERM; httpd -f -p 80 -h /www & wait"]'],
  });
  for await (const line of answer as unknown as AsyncIterable<Buffer>) {
    // a response: a Node stream of JSON lines
    if (line.includes('"error"')) throw new Error(`Cannot make image ${image.reference}: ${line.toString()}`);
  }
}

function rootTar({ page, files = {}, programs = [] }: TestImage): Buffer {
  const busybox = staticBusybox();
  if (busybox === undefined) throw new Error(`Cannot make a test image: ${noBusybox()}`);
  const root = mkdtempSync(path.join(tmpdir(), "fossora-image-"));
  try {
    for (const folder of ["bin", "etc", "tmp", "www"]) mkdirSync(path.join(root, folder));
    cpSync(busybox, path.join(root, "bin/busybox"), { dereference: true });
    for (const applet of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (applet !== "busybox") symlinkSync("busybox", path.join(root, "bin", applet));
    }
    for (const program of programs) {
      copyFileSync(program, path.join(root, "bin", path.basename(program)));
      for (const library of librariesOf(program)) {
        mkdirSync(path.dirname(path.join(root, library)), { recursive: true });
        copyFileSync(library, path.join(root, library));
      }
    }
    const passwd = "root:x:0:0:root:/:/bin/sh\nguest:x:1000:1000:guest:/:/bin/sh\n";
    for (const [file, content] of Object.entries({
      "/etc/passwd": passwd,
      "/etc/group": "root:x:0:\nguest:x:1000:\n",
      "/www/index.html": page,
      ...files,
    })) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), content);
    }
    return execFileSync("tar", ["-C", root, "--owner=0", "--group=0", "-c", "."], { maxBuffer: tarBytesMax });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** None of a static one, of which ldd says so and fails. */
function librariesOf(program: string): readonly string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].flatMap(([, library]) => library ?? []);
}
