// What `up`, `down` and `uninstall` do to this machine: the program in its place, the unit or the supervisor, the processes.
import { execFile, spawn } from "node:child_process";
import { accessSync, closeSync, constants, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import sea from "node:sea";
import { promisify } from "node:util";
import { UserError } from "../api/errors.ts";
import type { NodeOptions } from "../cli/node-commands.ts";
import type { Clock, Log } from "../ports.ts";
import { Child } from "./child.ts";
import { makePrivateFolder, readIfThere, writeWhole } from "./files.ts";
import { endHolder, holder } from "./pid-file.ts";
import { thisProgram, type Program } from "./program.ts";
import { isRoot, type Settings } from "./settings.ts";
import { systemdUnit } from "./unit.ts";

const unitFile = "/etc/systemd/system/fossora.service";
const agentStopGraceMs = 15_000;
const childStopGraceMs = 10_000;
/** Members of this group may use the socket, which is as good as being root. */
export const socketGroup = "fossora";

export interface Machine {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}

/** How the node is kept running. */
export type Keeper = "systemd" | "supervisor";

export function keeper(): Keeper {
  return isRoot() && existsSync("/run/systemd/system") ? "systemd" : "supervisor";
}

/** Puts the program in its place and starts it, or restarts its agent if it is another build than the one that runs. */
export async function install(options: NodeOptions, machine: Machine): Promise<Keeper> {
  const { program, changed } = installProgram();
  if (isRoot()) await makeGroup();
  makePrivateFolder(machine.settings.dataDir);
  const flags = toFlags(options);
  if (keeper() === "systemd") {
    await startUnit([program.file, ...program.args, "agent", ...flags], changed);
    return "systemd";
  }
  const command = [program.file, ...program.args, "supervise", ...flags];
  const running = holder(machine.settings.runDir, "supervise");
  if (changed || running === undefined || commandOf(running) !== command.join(" ")) startSupervisor(command, machine.settings);
  return "supervisor";
}

/** Agent, ingress and etcd end; containers go on. Answers whether anything ran. */
export async function stop(machine: Machine): Promise<boolean> {
  const { settings, clock } = machine;
  const children = [childOf(machine, "ingress"), childOf(machine, "etcd")];
  const ran = holder(settings.runDir, "agent") !== undefined || children.some((child) => child.running() !== undefined);
  if (keeper() === "systemd" && existsSync(unitFile)) await run("systemctl", "disable", "--now", "fossora.service");
  await endHolder(settings.runDir, "supervise", { graceMs: agentStopGraceMs, clock });
  await endHolder(settings.runDir, "agent", { graceMs: agentStopGraceMs, clock });
  for (const child of children) await child.end(childStopGraceMs);
  return ran;
}

/** After `stop`: the unit, the program, the run folder. The data folder stays. Answers what was removed. */
export async function removeInstallation(machine: Machine): Promise<readonly string[]> {
  const removed: string[] = [];
  const remove = (file: string): void => {
    if (!existsSync(file)) return;
    rmSync(file, { recursive: true, force: true });
    removed.push(file);
  };
  if (existsSync(unitFile)) {
    remove(unitFile);
    await run("systemctl", "daemon-reload");
  }
  remove(machine.settings.runDir);
  remove(path.join(machine.settings.dataDir, "bin"));
  remove(path.join(machine.settings.dataDir, "log"));
  remove(installedFile());
  return removed;
}

export function childOf({ settings, clock, log }: Machine, name: "etcd" | "ingress"): Child {
  return new Child({ name, runDir: settings.runDir, logFile: path.join(settings.dataDir, "log", `${name}.log`), clock, log });
}

/** The flags that `agent` needs to come to the same settings. */
export function toFlags(options: NodeOptions): readonly string[] {
  const flag = (name: string, value: string | number | undefined): readonly string[] => (value === undefined ? [] : [name, String(value)]);
  return [
    ...flag("--data-dir", options.dataDir && path.resolve(options.dataDir)),
    ...flag("--run-dir", options.runDir && path.resolve(options.runDir)),
    ...flag("--docker-socket", options.dockerSocket),
    ...flag("--node-name", options.nodeName),
    ...flag("--listen", options.httpListen),
    ...flag("--dns-port", options.dnsPort),
    ...flag("--etcd", options.etcd && path.resolve(options.etcd)),
    ...flag("--log-level", options.logLevel),
  ];
}

function installedFile(): string {
  return isRoot() ? "/usr/local/bin/fossora" : path.join(homedir(), ".local/bin/fossora");
}

/** Copies the one file to where it stays; what runs keeps its old file until it is replaced. In development nothing is copied. */
function installProgram(): { readonly program: Program; readonly changed: boolean } {
  if (!sea.isSea()) return { program: thisProgram(), changed: false };
  const file = installedFile();
  const changed = path.resolve(process.execPath) !== file && !sameContent(process.execPath, file);
  if (changed) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    const partial = `${file}.${process.pid}.tmp`;
    try {
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
  return { program: { file, args: [] }, changed };
}

function sameContent(a: string, b: string): boolean {
  try {
    accessSync(b, constants.X_OK);
    return readFileSync(a).equals(readFileSync(b));
  } catch {
    return false;
  }
}

async function startUnit(command: readonly string[], programChanged: boolean): Promise<void> {
  const unit = systemdUnit({ command });
  const unitChanged = readIfThere(unitFile) !== unit;
  if (unitChanged) {
    writeWhole(unitFile, unit, 0o644);
    await run("systemctl", "daemon-reload");
  }
  await run("systemctl", "enable", "fossora.service");
  // With KillMode=process a restart is the agent's alone.
  await run("systemctl", unitChanged || programChanged ? "restart" : "start", "fossora.service");
}

function startSupervisor([file = "", ...args]: readonly string[], settings: Settings): void {
  const logFolder = path.join(settings.dataDir, "log");
  makePrivateFolder(logFolder);
  const output = openSync(path.join(logFolder, "agent.log"), "a", 0o600);
  try {
    spawn(file, args, { detached: true, stdio: ["ignore", output, output] }).unref();
  } finally {
    closeSync(output);
  }
}

function commandOf(pid: number): string {
  return (readIfThere(`/proc/${pid}/cmdline`) ?? "").split("\0").filter(Boolean).join(" ");
}

async function makeGroup(): Promise<void> {
  if (/^fossora:/m.test(readIfThere("/etc/group") ?? "")) return;
  await run("groupadd", "--system", socketGroup).catch(() => {}); // without the group the socket is root's alone
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
