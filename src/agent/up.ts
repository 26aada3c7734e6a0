// `fossora up`: from whatever this machine is to a node that is ready, and what a person should know of it.
import { existsSync } from "node:fs";
import path from "node:path";
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { EngineError, UserError } from "../api/errors.ts";
import type { JoinWish } from "../api/computers.ts";
import type { HouseSummary } from "../api/wire.ts";
import { unixClient } from "../cli/client.ts";
import type { NodeOptions, Terminal } from "../cli/node-commands.ts";
import { explainDisk } from "./files.ts";
import { nameOfNode } from "./identity.ts";
import { install, makeGroup, stop, type Keeper, type Machine } from "./install.ts";
import { readInstallation, withKept, withRunDir, writeInstallation } from "./installation.ts";
import { commandName } from "./installed-program.ts";
import { readMembership } from "./joining/member-disk.ts";
import { keepWish } from "./joining/wish.ts";
import { agentLogOf } from "./log-file.ts";
import { seeToFirewall } from "./machine-firewall.ts";
import { keepPlace, refuseMissing, refuseOtherNode, withPlace } from "./node-place.ts";
import { sayNotReady } from "./not-ready.ts";
import { refuseOtherUser } from "./other-user.ts";
import { forgetProblem, readProblem } from "./problem.ts";
import { isRoot, resolveSettings, type Settings } from "./settings.ts";
import { untilReady } from "./until-ready.ts";

const exitOk = 0;
const engineLimitMs = 5_000;

export interface UpOptions {
  readonly given: NodeOptions;
  readonly timeoutMs: number;
  readonly mayOpenFirewall: boolean;
  /** The house that this computer is to join. */
  readonly wish?: JoinWish;
  readonly machineFor: (options: NodeOptions) => Machine;
  readonly prepareFolders: (settings: Settings) => void;
}

/**
 * Answers the exit code. Throws UserError for what a person should mend; then what ran before runs on. Throws ApiFailure where the node runs, and
 * does not give its house up for the one to join, and the reason of `interrupted`.
 */
export async function up(
  { given, timeoutMs, mayOpenFirewall, wish, machineFor, prepareFolders }: UpOptions,
  terminal: Terminal,
): Promise<number> {
  const options = keptOptions(given, wish !== undefined);
  const machine = machineFor(withRunDir(options, readInstallation(resolveSettings(options).dataDir)));
  const { settings } = machine;
  refuseOtherUser(settings);
  prepareFolders(settings);
  nameOfNode(settings); // before anything is changed
  const docker = new DockerContainers({ socketPath: settings.dockerSocket });
  terminal.note(terminal.mark("ok", `Docker ${await engineVersion(docker, settings)}`));
  terminal.interrupted.throwIfAborted(); // nothing was changed yet
  await leaveRunDir(machine, (runDir) => machineFor({ ...options, runDir }));
  await keepInstallation(options, settings);
  forgetProblem(settings.runDir);
  const hasHouse = readMembership(settings.dataDir) !== undefined;
  keepWish(settings.dataDir, wish, hasHouse);
  // Without root the run folder follows from the session: what this one starts is found by the next.
  const how = await install(isRoot() ? options : { ...options, runDir: settings.runDir }, machine);
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), terminal.interrupted]);
  const outcome = await untilReady({
    client: unixClient(path.join(settings.runDir, "fossora.sock"), signal),
    problem: () => readProblem(settings.runDir),
    terminal,
    clock: systemClock,
    ...(wish !== undefined && { wish }),
    hasHouse,
    signal,
  });
  if (outcome.kind !== "ready") {
    const log = how === "systemd" ? "journalctl -u fossora -n 50" : agentLogOf(settings.dataDir);
    return sayNotReady(outcome, { timeoutMs, log }, terminal);
  }
  const { summary } = outcome;
  await takeBackApps(docker);
  sayReady(summary, how, terminal);
  if (wish !== undefined) sayJoined(summary, terminal);
  await seeToFirewall(
    { summary, docker, dataDir: settings.dataDir, mdns: settings.mdns, meshPort: settings.meshPort, mayOpen: mayOpenFirewall },
    terminal,
  );
  terminal.note(`Next     ${wish === undefined ? firstApp(commandName()) : `${commandName()} status`}`);
  return exitOk;
}

/** systemd does not hand on the environment in which `up` was typed. */
function keptOptions(given: NodeOptions, begins: boolean): NodeOptions {
  const placed = withPlace(given);
  const { dataDir, dockerSocket } = resolveSettings(placed);
  // Whoever is told which house to join begins there, as on a copy of a disk whose data was moved away.
  if (given.dataDir === undefined && !begins) refuseMissing(dataDir);
  refuseOtherNode("start", dataDir);
  const fromEnvironment = process.env["DOCKER_HOST"] === undefined ? {} : { dockerSocket };
  return withKept({ ...fromEnvironment, ...placed }, readInstallation(dataDir).options);
}

/** What ran with another run folder is found in that one alone, and would keep the store's data for itself. */
async function leaveRunDir({ settings }: Machine, machineIn: (runDir: string) => Machine): Promise<void> {
  const { runDir } = readInstallation(settings.dataDir);
  if (runDir !== undefined && runDir !== settings.runDir && existsSync(runDir)) await stop(machineIn(runDir));
}

async function keepInstallation({ dataDir: _, ...options }: NodeOptions, { dataDir, runDir }: Settings): Promise<void> {
  const before = readInstallation(dataDir);
  const madeGroup = before.madeGroup === true || (isRoot() && (await makeGroup()));
  try {
    writeInstallation(dataDir, { ...before, options, runDir, madeGroup });
    keepPlace(dataDir);
  } catch (error) {
    throw explainDisk(error, "keep what this node is", dataDir);
  }
}

/** Throws UserError where no Docker engine answers: without one there is nothing to do here. */
async function engineVersion(docker: DockerContainers, settings: Settings): Promise<string> {
  try {
    return (await docker.info(AbortSignal.timeout(engineLimitMs))).version;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new UserError(
      `Cannot start: no Docker engine answers at ${settings.dockerSocket} (${error.message}). Install it (apt-get install docker.io), start it (systemctl start docker), ${isRoot() ? "" : "join the group docker, "}or pass --docker-socket.`,
      { cause: error },
    );
  }
}

/** `uninstall` left them to Docker. */
async function takeBackApps(docker: DockerContainers): Promise<void> {
  const signal = AbortSignal.timeout(engineLimitMs * 6);
  for (const { id, restartPolicy } of await docker.processes(signal))
    if (restartPolicy === "unless-stopped") await docker.setRestartPolicy(id, "on-failure", signal);
}

/** There may be no file on this computer but the program. */
function firstApp(command: string): string {
  return `${command} apply -f app.yaml   # what it says: ${command} explain service`;
}

function sayJoined({ house }: HouseSummary, terminal: Terminal): void {
  if (house === undefined) return;
  terminal.note(terminal.mark("ok", "it belongs to the house"));
  terminal.note(`Survives ${house.survives}`);
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
  if (how === "supervisor") terminal.note(terminal.mark("warn", "nothing starts it at boot here: after one, run `fossora up` again"));
}
