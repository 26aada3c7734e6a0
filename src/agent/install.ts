// What `up`, `down` and `uninstall` do to this machine: the program in its place, the unit or the supervisor, the processes.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import sea from "node:sea";
import { promisify } from "node:util";
import { connectIngress } from "../adapters/ingress-client/client.ts";
import { killContainerProcesses } from "../adapters/system/container-processes.ts";
import { UserError } from "../api/errors.ts";
import type { NodeOptions } from "../cli/node-commands.ts";
import type { Clock, Log } from "../ports.ts";
import { Child, endProcess } from "./child.ts";
import { isSameFile, makePrivateFolder, readIfThere, removePartials, writeWhole } from "./files.ts";
import { installedFile, installProgram } from "./installed-program.ts";
import { agentLogOf, rotateLog } from "./log-file.ts";
import { otherNode } from "./node-place.ts";
import { commandOf, endNode, holderOf } from "./pid-file.ts";
import { forgetProblem } from "./problem.ts";
import { isRoot, type Settings } from "./settings.ts";
import { systemdUnit, unitFile, unitName } from "./unit.ts";

const agentStopGraceMs = 15_000;
const childStopGraceMs = 10_000;
/** It ends the supervisor before it, and that one's agent, and both may take their grace. */
const supervisorStartMs = 40_000;
const supervisorLookMs = 20;
/** Members of this group may use the socket, which is as good as being root. */
export const socketGroup = "fossora";

export interface Machine {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}

const ASK_LIMIT_MS = 2_000;

/** How the node is kept running. */
export type Keeper = "systemd" | "supervisor";

function keeper(): Keeper {
  return isRoot() && existsSync("/run/systemd/system") ? "systemd" : "supervisor";
}

/** Puts the program in its place and starts it, or restarts its agent if another build or other flags run. */
export async function install(options: NodeOptions, machine: Machine): Promise<Keeper> {
  const flags = toFlags(options);
  const program = installProgram(flags);
  const how = keeper();
  const command = [program.file, ...program.args, how === "systemd" ? "agent" : "supervise", ...flags];
  if (how === "systemd") await startUnit(command, machine);
  else await startSupervisor(command, machine);
  return how;
}

/** `ended`: containers that another node may run from now on. */
export interface Stopped {
  readonly ran: boolean;
  readonly ended: number;
}

/** Agent, ingress and etcd end; containers go on, but for those that were promised to end with the contact: nobody would see to that any more. */
export async function stop(machine: Machine): Promise<Stopped> {
  const { settings } = machine;
  const ingress = connectIngress(path.join(settings.runDir, "ingress.sock"));
  const told = await ingress.fence(AbortSignal.timeout(ASK_LIMIT_MS)).catch(() => undefined); // it does not run

  const children = [childOf(machine, "ingress"), childOf(machine, "etcd")];
  const ran = holderOf(settings, "agent") !== undefined || children.some((child) => child.running() !== undefined);
  const isUnits = keeper() === "systemd" && existsSync(unitFile) && otherNode(settings.dataDir) === undefined;
  if (isUnits) await run("systemctl", "disable", "--now", unitName);
  await endNode(settings, { graceMs: agentStopGraceMs, clock: machine.clock });
  const ended = (told?.containers ?? []).filter((container) => killContainerProcesses([container]) > 0).length;
  for (const child of children) await child.end(childStopGraceMs);
  // One that it handed over to, and no agent lived to hear of it.
  const successor = await ingress.status(AbortSignal.timeout(ASK_LIMIT_MS)).catch(() => undefined); // as it should be
  if (successor !== undefined) await endProcess(successor.pid, childStopGraceMs, machine.clock);
  return { ran, ended };
}

/** What we put into folders that may be a person's own. */
const ours = {
  runDir: /^\.?(agent|supervise|etcd|ingress|fossora|boot-id)\b/,
  bin: /^\.?etcd[-.]/,
  log: /^(agent|etcd|ingress)\.log/,
} as const;

/** After `stop`: the unit, the program, the run folder. The data folder stays. Answers what was removed. */
export async function removeInstallation(
  { settings }: Machine,
  { madeGroup }: { readonly madeGroup: boolean },
): Promise<readonly string[]> {
  const { runDir, dataDir } = settings;
  const removed: string[] = [];
  if (keeper() === "systemd" && existsSync(unitFile)) {
    rmSync(unitFile);
    await run("systemctl", "daemon-reload");
    removed.push(unitFile);
  }
  for (const [folder, files] of [
    [runDir, ours.runDir],
    [path.join(dataDir, "bin"), ours.bin],
    [path.join(dataDir, "log"), ours.log],
  ] as const)
    if (removeFrom(folder, files)) removed.push(folder);
  if (sea.isSea()) removePartials(installedFile());
  if (sea.isSea() && existsSync(installedFile())) {
    rmSync(installedFile());
    removed.push(installedFile());
  }
  if (madeGroup) {
    await run("groupdel", socketGroup);
    removed.push(`the group ${socketGroup}`);
  }
  return removed;
}

/** Answers whether the folder went, too: it held nothing else. */
function removeFrom(folder: string, files: RegExp): boolean {
  if (!existsSync(folder)) return false;
  for (const name of readdirSync(folder)) if (files.test(name)) rmSync(path.join(folder, name), { force: true });
  if (readdirSync(folder).length > 0) return false;
  rmdirSync(folder);
  return true;
}

export function childOf({ settings: { runDir, dataDir }, clock, log }: Machine, name: "etcd" | "ingress"): Child {
  return new Child({ name, runDir, dataDir, logFile: path.join(dataDir, "log", `${name}.log`), clock, log });
}

/** The flags that `agent` needs to come to the same settings. */
export function toFlags(options: NodeOptions): readonly string[] {
  const flag = (name: string, value: string | number | undefined): readonly string[] => (value === undefined ? [] : [name, String(value)]);
  return [
    ...flag("--data-dir", options.dataDir),
    ...flag("--run-dir", options.runDir),
    ...flag("--docker-socket", options.dockerSocket),
    ...flag("--node-name", options.nodeName),
    ...flag("--listen", options.httpListen),
    ...flag("--dns-port", options.dnsPort),
    ...flag("--mesh-port", options.meshPort),
    ...flag("--mdns", options.mdns),
    ...flag("--tailnet-tag", options.tailnetTag),
    ...flag("--etcd", options.etcd),
    ...flag("--log-level", options.logLevel),
    ...flag("--access-log", options.accessLog),
    ...(options.witness === true ? ["--witness"] : []),
  ];
}

/** Answers whether it had to be made; without it the socket is root's alone. */
export async function makeGroup(): Promise<boolean> {
  if (new RegExp(`^${socketGroup}:`, "m").test(readIfThere("/etc/group") ?? "")) return false;
  return run("groupadd", "--system", socketGroup).then(
    () => true,
    () => false,
  );
}

async function startUnit(command: readonly string[], { settings }: Machine): Promise<void> {
  const unit = systemdUnit({ command });
  const agent = holderOf(settings, "agent");
  const isNew = readIfThere(unitFile) !== unit;
  if (isNew) writeUnit(unit);
  const isOld = isNew || (agent !== undefined && !runs(agent, command));
  if (isOld) await run("systemctl", "daemon-reload");
  await run("systemctl", "enable", unitName);
  // One job, which goes on when nobody waits for it any more: this may be typed over a connection that ends in between. With
  // KillMode=process it is the agent's alone.
  await run("systemctl", isOld ? "restart" : "start", unitName);
  if (isOld) forgetProblem(settings.runDir); // of the one that is gone: it may have tried once more
}

function writeUnit(unit: string): void {
  try {
    writeWhole(unitFile, unit, 0o644);
  } catch (error) {
    throw new UserError(
      `Cannot write ${unitFile}: ${error instanceof Error ? error.message : String(error)}. Let systemd start a unit of your own with these lines:\n${unit}`,
      { cause: error },
    );
  }
}

/** The new one ends the one before and its agent: thus there is one also when nobody waits for the rest of this. */
async function startSupervisor(command: readonly string[], { settings, clock }: Machine): Promise<void> {
  const { dataDir, runDir } = settings;
  const before = holderOf(settings, "supervise");
  if (before !== undefined && runs(before, command)) return;
  const logFile = agentLogOf(dataDir);
  makePrivateFolder(path.dirname(logFile));
  rotateLog(logFile);
  const output = openSync(logFile, "a", 0o600);
  const [file = "", ...args] = command;
  const supervisor = spawn(file, args, { detached: true, stdio: ["ignore", output, output] });
  try {
    await once(supervisor, "spawn");
  } catch (error) {
    throw new UserError(
      `Cannot run ${file}: ${error instanceof Error ? error.message : String(error)}. If programs may not be started from there (mounted noexec?), let this computer run \`${[process.execPath, ...args].join(" ")}\` at each start instead.`,
      { cause: error },
    );
  } finally {
    closeSync(output);
  }
  supervisor.unref();
  const deadline = clock.now() + supervisorStartMs;
  const signal = new AbortController().signal;
  // Whoever answers from then on is the new one's.
  while (holderOf(settings, "supervise") !== supervisor.pid) {
    if (supervisor.exitCode === 0 && holderOf(settings, "supervise") !== undefined) break; // of another `up`, typed at the same time
    if (supervisor.exitCode !== null || supervisor.signalCode !== null || clock.now() > deadline)
      throw new UserError(`Cannot start Fossora: what keeps its agent running has ended, or does not begin. ${logFile} says why.`);
    await clock.sleep(supervisorLookMs, signal);
  }
  forgetProblem(runDir); // the one before may have tried once more
}

/** Does the process run from the file as it is now, as it is called now? */
function runs(pid: number, command: readonly string[]): boolean {
  return isSameFile(`/proc/${pid}/exe`, command[0] ?? "") && commandOf(pid).join(" ") === command.join(" ");
}

async function run(program: string, ...args: string[]): Promise<void> {
  try {
    await promisify(execFile)(program, args, { timeout: 60_000 });
  } catch (error) {
    throw new UserError(`Cannot run "${[program, ...args].join(" ")}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
