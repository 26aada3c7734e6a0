// What the CLI's node commands do: `agent`, `supervise`, `up`, `down`, `uninstall`.
import path from "node:path";
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { createLog } from "../adapters/system/log.ts";
import { EngineError, UserError } from "../api/errors.ts";
import type { NodeCommands, NodeOptions } from "../cli/node-commands.ts";
import type { Log } from "../ports.ts";
import { explainDisk, makePrivateFolder, makeRunFolder } from "./files.ts";
import { removeInstallation, stop, toFlags, type Machine } from "./install.ts";
import { hasHouse } from "./joining/member-disk.ts";
import { JoinWish } from "./joining/wish.ts";
import { readInstallation, withKept, writeInstallation } from "./installation.ts";
import { agentLogOf } from "./log-file.ts";
import { takeBackFirewall } from "./machine-firewall.ts";
import { refuseOtherHouse } from "./other-house.ts";
import { claim, holder, unclaim } from "./pid-file.ts";
import { keepProblem } from "./problem.ts";
import { thisProgram } from "./program.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { supervise } from "./supervise.ts";
import { up } from "./up.ts";

const exitOk = 0;
const engineLimitMs = 30_000;

export const nodeCommands: NodeCommands = {
  agent: async (options) => {
    const settings = resolveSettings(options);
    const log = logFor(settings);
    prepareFolders(settings);
    const folders = [settings.runDir, settings.dataDir];
    const stopping = stopSignal();
    try {
      for (const folder of folders) refuseSecond(folder);
      for (const folder of folders) claim(folder, "agent");
      await refuseToBegin(settings);
      const { runAgent } = await import("./agent.ts");
      await runAgent({ settings, clock: systemClock, log }, stopping);
    } catch (error) {
      if (!stopping.aborted) throw problem(error, settings);
    } finally {
      for (const folder of folders) unclaim(folder, "agent");
    }
    log.info("Agent stopped");
    return exitOk;
  },

  supervise: async (options) => {
    const settings = resolveSettings(options);
    prepareFolders(settings);
    await supervise({
      program: thisProgram(),
      agentArgs: toFlags(options),
      runDir: settings.runDir,
      logFile: agentLogOf(settings.dataDir),
      clock: systemClock,
      log: logFor(settings),
      signal: stopSignal(),
    });
    return exitOk;
  },

  up: ({ timeoutMs, openFirewall, wish, ...given }, terminal) =>
    up(
      { given, timeoutMs, mayOpenFirewall: openFirewall === true, ...(wish !== undefined && { wish }), machineFor, prepareFolders },
      terminal,
    ),

  down: async (options, terminal) => {
    const machine = installedMachine(options);
    const { ran, ended } = await stop(machine);
    await takeBackFirewall(machine.settings.dataDir);
    terminal.note(
      ran
        ? terminal.mark("ok", "Fossora is stopped here; the apps run on, but no name leads to them")
        : terminal.mark("ok", "Fossora does not run here"),
    );
    if (ended > 0)
      terminal.note(terminal.mark("ok", "what writes to paths of this computer and may move was ended: another one runs it from now on"));
    terminal.note("Next     fossora up");
    return exitOk;
  },

  uninstall: async (options, terminal) => {
    const machine = installedMachine(options);
    const { dataDir } = machine.settings;
    await stop(machine);
    await takeBackFirewall(dataDir);
    const left = await leaveApps(machine);
    const { madeGroup = false, ...rest } = readInstallation(dataDir);
    for (const removed of await removeInstallation(machine, { madeGroup })) terminal.note(terminal.mark("ok", `removed ${removed}`));
    if (madeGroup) writeInstallation(dataDir, rest);
    terminal.note(
      `Stays    data in ${dataDir}${left > 0 ? `; ${left} container${left === 1 ? "" : "s"}, which Docker now starts by itself` : ""}`,
    );
    return exitOk;
  },
};

/** As `up` installed it, found by its data. */
function installedMachine(options: NodeOptions): Machine {
  return machineFor(withKept(options, readInstallation(resolveSettings(options).dataDir).options));
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
  const journal = process.env["JOURNAL_STREAM"] !== undefined; // it stamps each line itself
  return createLog({
    level: settings.logLevel,
    format: "text",
    write: (line) => void process.stderr.write(line),
    ...(journal ? {} : { time: () => systemClock.wall() }),
  });
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

/** What runs is started by Docker from now on, without an agent. Networks that no container uses go. Answers how many containers stay. */
async function leaveApps({ settings }: Machine): Promise<number> {
  const docker = new DockerContainers({ socketPath: settings.dockerSocket });
  const signal = AbortSignal.timeout(engineLimitMs);
  try {
    const containers = await docker.processes(signal);
    // One that has ended would be started again, and a person's "restart: no" stays one.
    for (const { id, pid, restartPolicy } of containers)
      if (pid > 0 && restartPolicy === "on-failure") await docker.setRestartPolicy(id, "unless-stopped", signal);
    for (const { name } of await docker.networks(signal)) await docker.removeNetwork(name, signal).catch(() => {}); // in use: it stays
    return containers.length;
  } catch (error) {
    if (error instanceof EngineError && error.fault === "unavailable") return 0; // no engine, no containers
    throw error;
  }
}
