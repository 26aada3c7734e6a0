// What `up`, `down` and `uninstall` do to this machine: the program in its place, the unit or the supervisor, the processes.
import { execFile, spawn } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import sea from "node:sea";
import { promisify } from "node:util";
import { connectIngress } from "../adapters/ingress-client/client.ts";
import { killContainerProcesses } from "../adapters/system/container-processes.ts";
import { UserError } from "../api/errors.ts";
import type { NodeOptions } from "../cli/node-commands.ts";
import type { Clock, Log } from "../ports.ts";
import { Child } from "./child.ts";
import { makePrivateFolder, readIfThere, writeWhole } from "./files.ts";
import { agentLogOf, rotateLog } from "./log-file.ts";
import { endHolder, holder } from "./pid-file.ts";
import { forgetProblem } from "./problem.ts";
import { thisProgram, type Program } from "./program.ts";
import { isRoot, type Settings } from "./settings.ts";
import { systemdUnit } from "./unit.ts";

const unitName = "fossora.service";
const unitFile = `/etc/systemd/system/${unitName}`;
const agentStopGraceMs = 15_000;
const childStopGraceMs = 10_000;
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
  const program = installProgram();
  const how = keeper();
  const command = [program.file, ...program.args, how === "systemd" ? "agent" : "supervise", ...toFlags(options)];
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
  const ran = holder(settings.runDir, "agent") !== undefined || children.some((child) => child.running() !== undefined);
  if (keeper() === "systemd" && existsSync(unitFile)) await run("systemctl", "disable", "--now", unitName);
  await endAgent(machine);
  const ended = (told?.containers ?? []).filter((container) => killContainerProcesses([container]) > 0).length;
  for (const child of children) await child.end(childStopGraceMs);
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

export function childOf({ settings, clock, log }: Machine, name: "etcd" | "ingress"): Child {
  return new Child({ name, runDir: settings.runDir, logFile: path.join(settings.dataDir, "log", `${name}.log`), clock, log });
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

/** What a person types. */
export function commandName(): string {
  const file = installedFile();
  return !sea.isSea() || (process.env["PATH"] ?? "").split(":").includes(path.dirname(file)) ? "fossora" : file;
}

function installedFile(): string {
  return isRoot() ? "/usr/local/bin/fossora" : path.join(homedir(), ".local/bin/fossora");
}

/** Copies the one file to where it stays; what runs keeps its old file until it is replaced. In development nothing is copied. */
function installProgram(): Program {
  if (!sea.isSea()) return thisProgram();
  const file = installedFile();
  if (!sameContent(process.execPath, file)) {
    const partial = `${file}.${process.pid}.tmp`;
    try {
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
      copyFileSync(process.execPath, partial);
      renameSync(partial, file);
    } catch (error) {
      rmSync(partial, { force: true });
      throw new UserError(
        `Cannot install Fossora as ${file}: ${error instanceof Error ? error.message : String(error)}. Free the disk or the folder and run \`fossora up\` again.`,
        { cause: error },
      );
    }
  }
  return { file, args: [] };
}

function sameContent(a: string, b: string): boolean {
  try {
    accessSync(b, constants.X_OK);
    return sameFile(a, b) || readFileSync(a).equals(readFileSync(b));
  } catch {
    return false;
  }
}

async function startUnit(command: readonly string[], { settings }: Machine): Promise<void> {
  const unit = systemdUnit({ command });
  const unitChanged = readIfThere(unitFile) !== unit;
  if (unitChanged) {
    writeWhole(unitFile, unit, 0o644);
    await run("systemctl", "daemon-reload");
  }
  await run("systemctl", "enable", unitName);
  const agent = holder(settings.runDir, "agent");
  // With KillMode=process this is the agent's alone.
  if (unitChanged || (agent !== undefined && !runs(agent, command))) {
    await run("systemctl", "stop", unitName);
    forgetProblem(settings.runDir); // of the one that is gone: it may have tried once more
  }
  await run("systemctl", "start", unitName);
}

async function startSupervisor(command: readonly string[], machine: Machine): Promise<void> {
  const { dataDir, runDir } = machine.settings;
  const running = holder(runDir, "supervise");
  if (running !== undefined && runs(running, command) && commandOf(running) === command.join(" ")) return;
  await endAgent(machine); // before the new one starts: whoever answers from now on is that
  forgetProblem(runDir); // the one before may have tried once more
  const logFile = agentLogOf(dataDir);
  makePrivateFolder(path.dirname(logFile));
  rotateLog(logFile);
  const output = openSync(logFile, "a", 0o600);
  try {
    const [file = "", ...args] = command;
    spawn(file, args, { detached: true, stdio: ["ignore", output, output] }).unref();
  } finally {
    closeSync(output);
  }
}

/** And its supervisor, which would start it again. */
async function endAgent({ settings, clock }: Machine): Promise<void> {
  await endHolder(settings.runDir, "supervise", { graceMs: agentStopGraceMs, clock });
  await endHolder(settings.runDir, "agent", { graceMs: agentStopGraceMs, clock });
}

/** Does the process run from the file as it is now? */
function runs(pid: number, [file = ""]: readonly string[]): boolean {
  return sameFile(`/proc/${pid}/exe`, file);
}

function sameFile(a: string, b: string): boolean {
  const [one, other] = [statSync(a), statSync(b)];
  return one.dev === other.dev && one.ino === other.ino;
}

function commandOf(pid: number): string {
  return (readIfThere(`/proc/${pid}/cmdline`) ?? "").split("\0").filter(Boolean).join(" ");
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
