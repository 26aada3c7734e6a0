// Brings what the tests need as far as this machine allows. What it cannot have, the tests that need it say themselves when they skip.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { build } from "./build.ts";
import { engineAnswers, engineSocket } from "./engine.ts";
import { findEtcd } from "./etcd.ts";
import { findCommand, installPackages, isRoot, packageEnv, projectRoot, type Say } from "./machine.ts";
import type { TestOutcome } from "./test-reporter.ts";
import { labReason } from "../test/support/lab.ts";

/** Each part by itself: one that fails is said, and leaves the others. That the program can be built, where it is wanted, is itself a test. */
export async function setUpTests(say: Say, { program }: { readonly program: boolean }): Promise<readonly TestOutcome[]> {
  const attempt = async (what: string, run: () => void | Promise<void>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  if (isRoot) await attempt("Packages that tests need are missing", () => installMissing(say));
  await attempt("There is no etcd for the tests", () => {
    if (findEtcd(say) === undefined) throw new Error("neither Go 1.21 to build it with, nor Debian's package etcd-server");
  });
  await attempt("There is no lab for the tests", installLab);
  await attempt("There is no Docker for the tests", async () => {
    // As root the tests start engines of their own.
    if (!isRoot && (await engineAnswers())) process.env["FOSSORA_TEST_DOCKER"] ??= engineSocket();
  });
  return program ? [await buildProgram(say)] : [];
}

async function buildProgram(say: Say): Promise<TestOutcome> {
  const began = performance.now();
  const outcome = { name: "set-up > the program is built", durationMs: 0 };
  try {
    await build(say);
    return { ...outcome, outcome: "passed", durationMs: performance.now() - began };
  } catch (error) {
    return { ...outcome, outcome: "failed", reason: String(error) };
  }
}

function installMissing(say: Say): void {
  const packages = Object.entries({
    dockerd: "docker.io",
    busybox: "busybox-static",
    strip: "binutils",
    iptables: "iptables",
    ip: "iproute2",
    dig: "bind9-dnsutils",
    dnsmasq: "dnsmasq-base",
    "musl-gcc": "musl-tools", // as images of Alpine have it, without the image
    python3: "python3", // the lab is written in it
    chromium: "chromium",
    curl: "curl",
    wget: "wget",
    systemctl: "systemd", // of the lab's hosts, which run one of their own
    "avahi-daemon": "avahi-daemon libnss-mdns",
    "avahi-resolve": "avahi-utils",
  });
  const missing = packages.filter(([command]) => findCommand(command) === undefined).flatMap(([, names]) => names.split(" "));
  if (missing.length > 0) installPackages(missing, say);
}

/** Packages, two small programs and the test images; a second when they are there. */
function installLab(): void {
  const reason = labReason();
  if (reason !== undefined && !reason.includes("install")) return;
  const { status, stderr, error } = spawnSync(path.join(projectRoot, "test/lab/lab"), ["install"], { encoding: "utf8", env: packageEnv });
  if (status !== 0) throw error ?? new Error(stderr.trim());
}
