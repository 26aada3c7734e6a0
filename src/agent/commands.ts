// What the CLI's node commands do: `agent`, `supervise`, `up`, `down`, `uninstall`.
import path from "node:path";
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { createLog, isJournal, outliveOutput } from "../adapters/system/log.ts";
import { adminPath } from "../adapters/firewall/tool-env.ts";
import { UserError } from "../api/errors.ts";
import type { NodeCommands, NodeOptions } from "../cli/node-commands.ts";
import type { Log } from "../ports.ts";
import { explainDisk, makePrivateFolder, makeRunFolder, readIfThere, refuseOthersFolder } from "./files.ts";
import { socketGroup, stop, toFlags, type Machine } from "./install.ts";
import { hasHouse } from "./joining/member-disk.ts";
import { JoinWish } from "./joining/wish.ts";
import { readInstallation, withKept, withRunDir } from "./installation.ts";
import { agentLogOf } from "./log-file.ts";
import { takeBackFirewall } from "./machine-firewall.ts";
import { otherNode, refuseMissing, refuseOtherNode, withPlace } from "./node-place.ts";
import { refuseOtherHouse } from "./other-house.ts";
import { claimNode, holder, unclaimNode } from "./pid-file.ts";
import { keepProblem } from "./problem.ts";
import { thisProgram } from "./program.ts";
import { isRoot, resolveSettings, type Settings } from "./settings.ts";
import { supervise } from "./supervise.ts";
import { uninstall } from "./uninstall.ts";
import { up } from "./up.ts";

const exitOk = 0;
const withoutGroup = `there is no group ${socketGroup}, so that root alone may use the socket. \`groupadd --system ${socketGroup}\` makes it, or says why not; then \`fossora down\` and \`fossora up\``;

export const nodeCommands: NodeCommands = {
  agent: async (options) => {
    outliveOutput();
    const settings = resolveSettings(withPlace(options));
    const log = logFor(settings);
    refuseMissing(settings.dataDir);
    prepareFolders(settings);
    const stopping = stopSignal();
    try {
      for (const folder of [settings.runDir, settings.dataDir]) refuseSecond(folder);
      claimNode(settings, "agent", log);
      await refuseToBegin(settings);
      const { runAgent } = await import("./agent.ts");
      await runAgent({ settings, clock: systemClock, log }, stopping);
    } catch (error) {
      if (!stopping.aborted) throw problem(error, settings);
    } finally {
      unclaimNode(settings, "agent");
    }
    log.info("Agent stopped");
    return exitOk;
  },

  supervise: async (given) => {
    outliveOutput();
    const options = withPlace(given);
    const settings = resolveSettings(options);
    refuseMissing(settings.dataDir);
    prepareFolders(settings);
    await supervise({
      program: thisProgram(),
      agentArgs: toFlags(options),
      folders: settings,
      logFile: agentLogOf(settings.dataDir),
      clock: systemClock,
      log: logFor(settings),
      signal: stopSignal(),
    });
    return exitOk;
  },

  up: async ({ timeoutMs, openFirewall, wish, ...given }, terminal) => {
    findAdminTools();
    const code = await up(
      { given, timeoutMs, mayOpenFirewall: openFirewall === true, ...(wish !== undefined && { wish }), machineFor, prepareFolders },
      terminal,
    );
    if (code === exitOk && isRoot() && !hasSocketGroup()) terminal.note(terminal.mark("warn", withoutGroup));
    return code;
  },

  down: async (options, terminal) => {
    const machine = installedMachine(options);
    refuseToStop(machine.settings);
    const { ran, ended } = await stop(machine);
    await takeBackFirewall(machine.settings.dataDir, terminal);
    terminal.note(
      ran
        ? terminal.mark("ok", "Fossora is stopped here; the apps run on until this computer restarts, but no name leads to them")
        : terminal.mark("ok", "Fossora does not run here"),
    );
    if (ended > 0)
      terminal.note(terminal.mark("ok", "what writes to paths of this computer and may move was ended: another one runs it from now on"));
    terminal.note("Next     fossora up   # starts the apps again, too");
    return exitOk;
  },

  uninstall: async ({ force = false, ...options }, terminal) => {
    findAdminTools();
    const machine = installedMachine(options);
    refuseOtherNode("uninstall", machine.settings.dataDir);
    await uninstall(machine, { force }, terminal);
    return exitOk;
  },
};

/** As `up` installed it, found by its data. */
function installedMachine(given: NodeOptions): Machine {
  const options = withPlace(given);
  const { dataDir } = resolveSettings(options);
  refuseOthersFolder(dataDir);
  const installation = readInstallation(dataDir);
  return machineFor(withRunDir(withKept(options, installation.options), installation));
}

/** For all that this process runs. */
function findAdminTools(): void {
  process.env["PATH"] = adminPath(process.env["PATH"]);
}

/** One that was started beside this computer's own, with a run folder of its own, is stopped alone. */
function refuseToStop({ dataDir, runDir }: Settings): void {
  const other = otherNode(dataDir);
  if (other !== undefined && installedMachine({ dataDir: other }).settings.runDir === runDir) refuseOtherNode("stop", dataDir);
}

function machineFor(options: NodeOptions): Machine {
  const settings = resolveSettings(options);
  return {
    settings,
    clock: systemClock,
    log: createLog({ level: "error", format: "text", write: (line) => void process.stderr.write(line) }),
  };
}

function logFor(settings: Settings): Log {
  const journal = isJournal(process.stderr.fd, process.env["JOURNAL_STREAM"]);
  return createLog({
    level: settings.logLevel,
    format: "text",
    write: (line) => void process.stderr.write(line),
    ...(journal ? {} : { time: () => systemClock.wall() }),
  });
}

function hasSocketGroup(): boolean {
  return new RegExp(`^${socketGroup}:`, "m").test(readIfThere("/etc/group") ?? "");
}

function prepareFolders(settings: Settings): void {
  for (const folder of [settings.dataDir, path.join(settings.dataDir, "log")]) makePrivateFolder(folder);
  makeRunFolder(settings.runDir);
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopping.abort(new Error(`Stopped by ${name}`)));
  return stopping.signal;
}

/** Two on one store would undo each other's work. */
function refuseSecond(folder: string): void {
  const running = holder(folder, "agent");
  if (running !== undefined && running !== process.pid)
    throw new UserError(
      `Cannot start the agent: one runs already for ${folder}, with process id ${running}. \`fossora status\` asks it; \`fossora down\` stops it.`,
    );
}

async function refuseToBegin({ dataDir, dockerSocket }: Settings): Promise<void> {
  // One that has left its house ends what still runs of it.
  if (hasHouse(dataDir) || new JoinWish(dataDir).hasLeftovers) return;
  const containers = new DockerContainers({ socketPath: dockerSocket });
  await refuseOtherHouse({ dataDir, containers }).finally(() => containers.close());
}

/** What a person should mend is kept for `up`, which waits for this agent. */
function problem(error: unknown, { dataDir, runDir }: Settings): unknown {
  const explained = explainDisk(error, "run the agent", dataDir);
  if (explained instanceof UserError) keepProblem(runDir, explained.message);
  return explained;
}
