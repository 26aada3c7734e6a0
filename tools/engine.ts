// The Docker engine of this machine for the demo and the tests: found, or installed and started, and ended without a trace.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import {
  endProcess,
  findCommand,
  hasSystemd,
  installPackages,
  isAlive,
  isRoot,
  processId,
  removeTree,
  until,
  type ProcessId,
  type Say,
} from "./machine.ts";

const defaultSocket = "/var/run/docker.sock";
const startLimitMs = 60_000;
const stopGraceMs = 30_000;
const requestLimitMs = 60_000;

/** A dockerd that we started, and what of its traces was here before. */
export interface StartedEngine {
  readonly process: ProcessId;
  readonly before: {
    readonly folders: readonly string[];
    readonly bridge: boolean;
    /** `iptables -S` of each table. */
    readonly rules: Readonly<Record<Table, readonly string[]>>;
    readonly ipForward: string;
  };
}

const tables = ["filter", "nat"] as const;
type Table = (typeof tables)[number];

const folders = ["/var/lib/docker", "/etc/docker", "/var/run/docker", "/opt/containerd"];

/** The socket that docker commands of this person use. */
export function engineSocket(): string {
  const host = process.env["DOCKER_HOST"];
  if (host === undefined || host === "") return defaultSocket;
  if (!host.startsWith("unix://"))
    throw new Error(`DOCKER_HOST is ${host}: Fossora runs containers on this computer, through a unix:// socket`);
  return host.slice("unix://".length);
}

export async function engineAnswers(socket = engineSocket()): Promise<boolean> {
  try {
    return (await engineRequest("GET", "/_ping", socket)).status === 200;
  } catch {
    return false;
  }
}

/** The engine's version, for people. */
export async function engineVersion(): Promise<string> {
  const { body } = await engineRequest("GET", "/version");
  return (JSON.parse(body) as { readonly Version: string }).Version; // Docker's API
}

/**
 * Makes an engine answer: installs it and starts it where that is needed and allowed. Answers what it started; undefined when one answered
 * already, or systemd keeps it. Throws a sentence for a person.
 */
export async function ensureEngine(logFile: string, say: Say): Promise<StartedEngine | undefined> {
  if (await engineAnswers()) return undefined;
  const socket = engineSocket();
  if (socket !== defaultSocket) throw new Error(`no Docker engine answers at ${socket}, which DOCKER_HOST names`);
  if (!isRoot) throw new Error(`no Docker engine answers at ${socket}: start it, or join the group "docker" if it runs`);
  const missing = Object.entries({ dockerd: "docker.io", iptables: "iptables", ip: "iproute2" }).filter(
    ([name]) => findCommand(name) === undefined,
  );
  if (missing.length > 0)
    installPackages(
      missing.map(([, name]) => name),
      say,
    );
  if (hasSystemd) {
    spawnSync("systemctl", ["start", "docker.service"], { stdio: "inherit" });
    if (await until(engineAnswers, startLimitMs)) return undefined;
    throw new Error("Docker was started and does not answer: journalctl -u docker");
  }
  return startEngine(logFile);
}

async function startEngine(logFile: string): Promise<StartedEngine> {
  const before = {
    folders: folders.filter((folder) => existsSync(folder)),
    bridge: existsSync("/sys/class/net/docker0"),
    rules: { filter: rulesOf("filter"), nat: rulesOf("nat") },
    ipForward: readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim(),
  };
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, "w", 0o600);
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const child = spawn(findCommand("dockerd") ?? "dockerd", [], { detached: true, stdio: ["ignore", log, log], env });
  closeSync(log);
  child.on("error", () => {}); // seen below: it has no pid
  child.unref();
  const id = child.pid === undefined ? undefined : processId(child.pid);
  if (id && (await until(async () => !isAlive(id) || (await engineAnswers()), startLimitMs)) && isAlive(id)) return { process: id, before };
  if (id) await endProcess(id, stopGraceMs);
  throw new Error(`dockerd could not be started here; the end of ${logFile}:\n${readFileSync(logFile, "utf8").slice(-1500)}`);
}

/** Ends the engine that we started and removes what it leaves: its bridge, its chains, and its folders if they were not here before. */
export async function endEngine({ process: id, before }: StartedEngine): Promise<void> {
  await endProcess(id, stopGraceMs);
  if (!before.bridge) run("ip", "link", "del", "docker0");
  for (const table of tables) restoreRules(table, before.rules[table]);
  run("sysctl", "-q", "-w", `net.ipv4.ip_forward=${before.ipForward}`);
  for (const folder of folders) if (!before.folders.includes(folder)) removeTree(folder);
  for (const file of ["/var/run/docker.pid", defaultSocket]) rmSync(file, { force: true });
}

function rulesOf(table: Table): readonly string[] {
  return run("iptables", "-t", table, "-S").split("\n").filter(Boolean);
}

/** Removes what Docker added to a table, and gives its policies back; what others added meanwhile stays. */
function restoreRules(table: Table, before: readonly string[]): void {
  const added = rulesOf(table).filter((rule) => !before.includes(rule));
  for (const rule of added)
    if (/^-A .*(DOCKER|docker0|172\.17\.0\.0\/16)/.test(rule)) run("iptables", "-t", table, "-D", ...rule.split(" ").slice(1));
  for (const rule of added) if (rule.startsWith("-N DOCKER")) run("iptables", "-t", table, "-X", rule.slice("-N ".length));
  for (const rule of before) if (rule.startsWith("-P ")) run("iptables", "-t", table, ...rule.split(" "));
}

/** Its output; empty when it fails, since a trace that is not there is as good as removed. */
function run(name: string, ...args: readonly string[]): string {
  return spawnSync(findCommand(name) ?? name, args, { encoding: "utf8" }).stdout ?? "";
}

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** One call of Docker's HTTP API: no docker command is needed, and Debian's is a package of its own. */
export function engineRequest(method: "GET" | "DELETE", target: string, socket = engineSocket()): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: socket, method, path: target, timeout: requestLimitMs }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`Docker did not answer ${method} ${target} within ${requestLimitMs / 1000} s`)));
    request.on("error", reject);
    request.end();
  });
}
