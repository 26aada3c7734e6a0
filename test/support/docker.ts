// A Docker engine for tests: one of their own in a temporary folder, or the one that $FOSSORA_TEST_DOCKER names.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { LABEL } from "../../src/api/labels.ts";
import type { NetworkSpec } from "../../src/container-ports.ts";
import { noteBridge } from "../../tools/bridges.ts";

const startLimitMs = 60_000;
const stopLimitMs = 30_000;
const pollMs = 20;

/** Why there is no Docker for tests here; undefined when there is. */
export function noDocker(): string | undefined {
  if (process.env["FOSSORA_TEST_DOCKER"]) return undefined;
  if (process.getuid?.() !== 0) return "not root, and no $FOSSORA_TEST_DOCKER (a socket) is named";
  return findDockerd() === undefined ? "no dockerd (Debian package docker.io)" : undefined;
}

export interface TestDocker {
  readonly socketPath: string;
  /** Existing, and removed in the end. */
  readonly folder: string;
  /** Absent where the engine is not ours. */
  readonly restart?: (how: "stopped" | "powerLoss") => Promise<void>;
  stop(): Promise<void>;
}

/** By chance, so that tests side by side do not meet; below what a house chooses for itself, and beside the lab's. */
export function freeNetwork(name: string, icc = false): NetworkSpec {
  if (!process.env["FOSSORA_TEST_DOCKER"]) noteBridge(name); // one that is ours alone removes what it made, if it comes to that
  const prefix = `10.${64 + Math.floor(Math.random() * 32)}.${Math.floor(Math.random() * 256)}`;
  return { name, subnet: `${prefix}.0/24`, gateway: `${prefix}.1`, icc, labels: { [LABEL.kind]: "Service" } };
}

export async function startDocker(): Promise<TestDocker> {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-docker-"));
  const named = process.env["FOSSORA_TEST_DOCKER"];
  if (named) {
    await refuseHouse(named);
    return { socketPath: named, folder, stop: async () => rmSync(folder, { recursive: true }) };
  }
  const daemon = new Daemon(folder);
  process.once("exit", () => daemon.remove());
  await daemon.start();
  return {
    socketPath: daemon.socketPath,
    folder,
    restart: async (how) => {
      await (how === "stopped" ? daemon.terminate() : daemon.kill());
      await daemon.start();
    },
    stop: async () => {
      await daemon.terminate();
      daemon.remove();
    },
  };
}

/** Tests remove every container with our labels: not those of somebody's house. */
async function refuseHouse(socketPath: string): Promise<void> {
  const ours = await new Docker({ socketPath }).listContainers({ all: true, filters: { label: [LABEL.kind] } });
  if (ours.length > 0)
    throw new Error(`Cannot test with ${socketPath}: ${ours.length} containers of a house are there, which the tests would remove`);
}

class Daemon {
  readonly socketPath: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.socketPath = path.join(folder, "docker.sock");
  }

  /** Without iptables: the machine's own rules stay as they are, and it dials containers by address without any. */
  async start(): Promise<void> {
    const at = (name: string): string => path.join(this.#folder, name);
    for (const name of ["data", "exec"]) mkdirSync(at(name), { recursive: true });
    writeFileSync(at("daemon.json"), "{}"); // not the machine's own settings
    const log = openSync(at("log"), "a");
    this.#process = spawn(
      findDockerd() ?? "dockerd",
      [
        "--data-root",
        at("data"),
        "--exec-root",
        at("exec"),
        "--pidfile",
        at("pid"),
        "--host",
        `unix://${this.socketPath}`,
        "--config-file",
        at("daemon.json"),
        "--bridge",
        "none",
        "--iptables=false",
        "--ip-forward=false",
      ],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    const deadline = performance.now() + startLimitMs;
    while (!(await answers(this.socketPath))) {
      if (performance.now() > deadline || this.#process.exitCode !== null)
        throw new Error(`dockerd does not start:\n${readFileSync(at("log"), "utf8").slice(-2000)}`);
      await sleep(pollMs);
    }
  }

  /** As an upgrade does: containers are stopped before. */
  async terminate(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** As a loss of power does: daemon, containerd, shims and what runs in containers, all at once; /run is empty after a boot. */
  async kill(): Promise<void> {
    this.#killAll();
    await this.#end("SIGKILL");
    this.#unmountAll();
    for (const name of ["exec", "pid"]) rmSync(path.join(this.#folder, name), { recursive: true, force: true });
  }

  /** Whatever happened before, nothing stays. */
  remove(): void {
    if (!existsSync(this.#folder)) return;
    this.#killAll();
    this.#unmountAll();
    rmSync(this.#folder, { recursive: true, maxRetries: 5 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#process;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, "exit", { signal: AbortSignal.timeout(stopLimitMs) });
    daemon.kill(signal);
    await exited;
  }

  #unmountAll(): void {
    for (const point of mountsBelow(this.#folder)) execFileSync("umount", ["--lazy", point]);
  }

  /** Shims name our containerd's socket in their command; what runs in a container is below its shim. */
  #killAll(): void {
    const processes = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(processAt)
      .filter((each) => each !== undefined);
    const doomed = new Set(
      processes.filter(({ pid, command }) => pid !== process.pid && command.includes(this.#folder)).map(({ pid }) => pid),
    );
    for (let before = -1; before !== doomed.size;) {
      before = doomed.size;
      for (const { pid, parent } of processes) if (doomed.has(parent)) doomed.add(pid);
    }
    for (const pid of doomed) killIfThere(pid);
  }
}

function findDockerd(): string | undefined {
  return ["/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd"].find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: "/_ping" }, (response) => resolve(response.resume().statusCode === 200));
    ping.on("error", () => resolve(false)).end();
  });
}

function mountsBelow(folder: string): readonly string[] {
  const points = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return points.filter((point) => point.startsWith(`${folder}/`)).toReversed();
}

function processAt(name: string): { readonly pid: number; readonly parent: number; readonly command: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "utf8");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return { pid: Number(name), parent, command: readFileSync(`/proc/${name}/cmdline`, "latin1") };
  } catch {
    return undefined; // it ended meanwhile
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
