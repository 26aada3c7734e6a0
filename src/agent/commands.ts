// What the CLI's node commands do: `agent`, `supervise`, `up`, `down`, `uninstall`.
import path from "node:path";
import { closeFirewall, lookAtFirewall, openFirewall } from "../adapters/firewall/firewall.ts";
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { createLog } from "../adapters/system/log.ts";
import { sharedNetworkName } from "../adapters/system/addresses.ts";
import { EngineError, UserError } from "../api/errors.ts";
import type { HouseSummary } from "../api/wire.ts";
import { unixClient } from "../cli/client.ts";
import type { NodeCommands, NodeOptions, Terminal } from "../cli/node-commands.ts";
import type { Log } from "../ports.ts";
import { makePrivateFolder, makeRunFolder } from "./files.ts";
import { install, removeInstallation, stop, toFlags, type Keeper, type Machine } from "./install.ts";
import { claim, holder, unclaim } from "./pid-file.ts";
import { thisProgram } from "./program.ts";
import { isRoot, resolveSettings, type Settings } from "./settings.ts";
import { supervise } from "./supervise.ts";

const exit = { ok: 0, failed: 1, timedOut: 6 } as const;
const readyPollMs = 50;
const engineLimitMs = 5_000;

export const nodeCommands: NodeCommands = {
  agent: async (options) => {
    const settings = resolveSettings(options);
    const log = logFor(settings);
    prepareFolders(settings);
    const running = holder(settings.runDir, "agent");
    if (running !== undefined && running !== process.pid)
      throw new UserError(
        `Cannot start the agent: one runs already, with process id ${running}. \`fossora status\` asks it; \`fossora down\` stops it.`,
      );
    claim(settings.runDir, "agent");
    const { runAgent } = await import("./agent.ts");
    const stopping = stopSignal();
    try {
      await runAgent({ settings, clock: systemClock, log }, stopping);
    } catch (error) {
      if (!stopping.aborted) throw error;
    } finally {
      unclaim(settings.runDir, "agent");
    }
    log.info("Agent stopped");
    return exit.ok;
  },

  supervise: async (options) => {
    const settings = resolveSettings(options);
    prepareFolders(settings);
    await supervise({
      program: thisProgram(),
      agentArgs: toFlags(options),
      runDir: settings.runDir,
      clock: systemClock,
      log: logFor(settings),
      signal: stopSignal(),
    });
    return exit.ok;
  },

  up: async (options, terminal) => {
    const { timeoutMs, openFirewall: mayOpen, ...nodeOptions } = options;
    const machine = machineFor(nodeOptions);
    terminal.note(terminal.mark("ok", `Docker ${await engineVersion(machine.settings)}`));
    const how = await install(nodeOptions, machine);
    const summary = await untilReady(machine.settings, timeoutMs);
    if (!summary) {
      terminal.note(terminal.mark("error", `the node was not ready within ${timeoutMs / 1000} s`));
      terminal.note(`See  ${how === "systemd" ? "journalctl -u fossora -n 50" : path.join(machine.settings.dataDir, "log", "agent.log")}`);
      return exit.timedOut;
    }
    sayReady(summary, how, terminal);
    await seeToFirewall(summary, mayOpen === true, terminal);
    terminal.note("Next     fossora apply -f manifests/whoami.yaml");
    return exit.ok;
  },

  down: async (options, terminal) => {
    const machine = machineFor(options);
    const ran = await stop(machine);
    await takeBackFirewall();
    terminal.note(
      ran
        ? terminal.mark("ok", "Fossora is stopped here; the apps run on, but no name leads to them")
        : terminal.mark("ok", "Fossora does not run here"),
    );
    terminal.note("Next     fossora up");
    return exit.ok;
  },

  uninstall: async (options, terminal) => {
    const machine = machineFor(options);
    await stop(machine);
    await takeBackFirewall();
    const left = await leaveApps(machine);
    for (const removed of await removeInstallation(machine)) terminal.note(terminal.mark("ok", `removed ${removed}`));
    terminal.note(
      `Stays    data in ${machine.settings.dataDir}${left > 0 ? `; ${left} container${left === 1 ? "" : "s"}, which Docker now starts by itself` : ""}`,
    );
    return exit.ok;
  },
};

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

/** Throws UserError where no Docker engine answers: without one there is nothing to do here. */
async function engineVersion(settings: Settings): Promise<string> {
  try {
    return (await new DockerContainers({ socketPath: settings.dockerSocket }).info(AbortSignal.timeout(engineLimitMs))).version;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new UserError(
      `Cannot start: no Docker engine answers at ${settings.dockerSocket} (${error.message}). Install it (apt-get install docker.io), start it (systemctl start docker), ${isRoot() ? "" : "join the group docker, "}or pass --docker-socket.`,
      { cause: error },
    );
  }
}

async function untilReady(settings: Settings, timeoutMs: number): Promise<HouseSummary | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const client = unixClient(path.join(settings.runDir, "fossora.sock"), signal);
  while (!signal.aborted) {
    try {
      const summary = await client.json<HouseSummary>("GET", "/api/v1/status");
      if (summary.ready && summary.listeners !== undefined) return summary;
    } catch {
      // not there yet
    }
    await systemClock.sleep(readyPollMs, signal).catch(() => {}); // too late: the loop ends
  }
  return undefined;
}

function sayReady(summary: HouseSummary, how: Keeper, terminal: Terminal): void {
  terminal.note(terminal.mark("ok", `this is node '${summary.node}', zone ${summary.zone}`));
  const listeners = summary.listeners ?? [];
  const ports = (protocol: string): string =>
    [...new Set(listeners.filter((each) => each.protocol === protocol).map((each) => `:${each.port}`))].join(" ");
  const boot = how === "systemd" ? ", starts at boot" : "";
  terminal.note(terminal.mark("ok", `proxy ${ports("http")}, DNS ${ports("dns")}${boot}`));
  for (const { protocol, address, problem } of listeners)
    if (problem) terminal.note(terminal.mark("warn", `${protocol} on ${address}: ${problem}`));
  if (how === "supervisor") terminal.note(terminal.mark("warn", "no systemd here: after a boot, run `fossora up` again"));
}

async function seeToFirewall(summary: HouseSummary, mayOpen: boolean, terminal: Terminal): Promise<void> {
  if (!isRoot()) return;
  const portOf = (protocol: string, usual: number): number => summary.listeners?.find((each) => each.protocol === protocol)?.port ?? usual;
  const firewall = await lookAtFirewall({ http: portOf("http", 80), dns: portOf("dns", 53), bridge: sharedNetworkName });
  if (!firewall) return;
  const commands = firewall.open.map((words) => words.join(" "));
  if (mayOpen) {
    await openFirewall(firewall);
    terminal.note(
      terminal.mark(
        "ok",
        `${firewall.name} is open for the house${firewall.lasting ? "" : " until the next boot: add these rules to your own"}`,
      ),
    );
  } else {
    terminal.note(
      terminal.mark("warn", `${firewall.name} keeps other computers and the apps from the house. \`fossora up --open-firewall\` runs:`),
    );
  }
  if (!mayOpen || !firewall.lasting) for (const command of commands) terminal.note(`         ${command}`);
}

async function takeBackFirewall(): Promise<void> {
  if (!isRoot()) return;
  const firewall = await lookAtFirewall({ http: 80, dns: 53, bridge: sharedNetworkName });
  if (firewall) await closeFirewall(firewall);
}

/** From now on Docker starts them, without an agent. Networks that no container uses go. Answers how many containers stay. */
async function leaveApps({ settings }: Machine): Promise<number> {
  const docker = new DockerContainers({ socketPath: settings.dockerSocket });
  const signal = AbortSignal.timeout(engineLimitMs * 6);
  try {
    const containers = await docker.list(undefined, signal);
    for (const { id } of containers) await docker.setRestartPolicy(id, "unless-stopped", signal);
    for (const { name } of await docker.networks(signal)) await docker.removeNetwork(name, signal).catch(() => {}); // in use: it stays
    return containers.length;
  } catch (error) {
    if (error instanceof EngineError && error.fault === "unavailable") return 0; // no engine, no containers
    throw error;
  }
}
