// `fossora uninstall`: takes Fossora off this computer. The data stays, and the apps are left to Docker.
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { EngineError, UserError } from "../api/errors.ts";
import type { Terminal } from "../cli/node-commands.ts";
import { nameOfNode } from "./identity.ts";
import { removeInstallation, stop, type Machine } from "./install.ts";
import { readInstallation, writeInstallation } from "./installation.ts";
import { hasHouse } from "./joining/member-disk.ts";
import { otherNodes } from "./joining/other-nodes.ts";
import { leftApps, type LeftApps } from "./left-apps.ts";
import { takeBackFirewall } from "./machine-firewall.ts";
import { forgetPlace } from "./node-place.ts";

const ENGINE_LIMIT_MS = 30_000;
const NAMES_SHOWN = 8;

type Docker = Pick<DockerContainers, "processes" | "setRestartPolicy" | "networks" | "removeNetwork">;

/**
 * Throws UserError, and nothing has changed, where a house would go on counting on this computer or the apps cannot be left to anybody, unless
 * `force`.
 */
export async function uninstall(machine: Machine, { force }: { readonly force: boolean }, terminal: Terminal): Promise<void> {
  const { dataDir, dockerSocket } = machine.settings;
  const others = otherNodes(dataDir);
  if (others !== undefined && !force) throw stillCounted(others);
  const docker = new DockerContainers({ socketPath: dockerSocket });
  const needsDocker = !force && hasHouse(dataDir);
  try {
    if (needsDocker) await reachable(docker, dockerSocket);
    await stop(machine);
    await takeBackFirewall(dataDir, terminal);
    const left = await leaveApps(docker, { isShared: others !== undefined }).catch((error: unknown) => {
      if (!isAway(error)) throw error;
      if (needsDocker) throw engineAway(dockerSocket, error);
      return undefined;
    });
    await removeAll(machine, terminal);
    const started = left?.started.length ?? 0;
    terminal.note(`Stays    data in ${dataDir}${started === 0 ? "" : `; ${counted(started)}, which Docker now starts by itself`}`);
    for (const line of restInWords(left, others !== undefined)) terminal.note(terminal.mark("warn", line));
    if (others !== undefined) terminal.note(terminal.mark("warn", leftBehind(others, nameOfNode(machine.settings))));
  } finally {
    docker.close();
  }
}

async function removeAll(machine: Machine, terminal: Terminal): Promise<void> {
  const { dataDir } = machine.settings;
  const { madeGroup = false, ...rest } = readInstallation(dataDir);
  for (const removed of await removeInstallation(machine, { madeGroup })) terminal.note(terminal.mark("ok", `removed ${removed}`));
  if (madeGroup) writeInstallation(dataDir, rest);
  forgetPlace();
}

/** Docker is told what it starts from now on; networks that no container uses go. Throws EngineError. */
async function leaveApps(docker: Docker, options: { readonly isShared: boolean }): Promise<LeftApps> {
  const signal = AbortSignal.timeout(ENGINE_LIMIT_MS);
  const left = leftApps(await docker.processes(signal), options);
  for (const { id, policy } of left.policies) await docker.setRestartPolicy(id, policy, signal);
  for (const { name } of await docker.networks(signal)) await docker.removeNetwork(name, signal).catch(() => {}); // in use: it stays
  return left;
}

async function reachable(docker: Docker, dockerSocket: string): Promise<void> {
  try {
    await docker.networks(AbortSignal.timeout(ENGINE_LIMIT_MS));
  } catch (error) {
    throw isAway(error) ? engineAway(dockerSocket, error) : error;
  }
}

function isAway(error: unknown): boolean {
  return error instanceof EngineError && error.fault === "unavailable";
}

function engineAway(dockerSocket: string, cause: unknown): UserError {
  return new UserError(
    `Cannot uninstall: no Docker engine answers at ${dockerSocket}, and the apps are to be left to it, or nothing would start them again. Start it (systemctl start docker), or pass --force where it is gone for good.`,
    { cause },
  );
}

function stillCounted(others: readonly string[]): UserError {
  return new UserError(
    `Cannot uninstall: this computer belongs to a house with ${namesOf(others)}, which would go on counting on it and may run its apps, too. Take it out first: \`fossora leave\` (where Fossora does not run, \`fossora up\` before). Where that is not possible any more, pass --force.`,
  );
}

function leftBehind(others: readonly string[], own: string): string {
  return `the house goes on counting on this computer, until it is taken out on one of the others (${namesOf(others)}): \`fossora node remove ${own}\``;
}

/** Of what Docker does not start. */
function restInWords(left: LeftApps | undefined, isShared: boolean): readonly string[] {
  if (left === undefined)
    return ["no Docker engine answers: if it has containers of Fossora's, nothing was changed of them, and nobody sees to them any more"];
  if (left.unstarted.length === 0) return [];
  const names = shown(left.unstarted);
  if (isShared) return [`nothing starts these here again, for other computers may run them; until this one restarts they run on: ${names}`];
  return [`Docker does not start by itself what has ended, or is to stay ended (\`restart: no\`): ${names}`];
}

function counted(containers: number): string {
  return `${containers} container${containers === 1 ? "" : "s"}`;
}

function namesOf(others: readonly string[]): string {
  return others.length === 0 ? "other computers" : shown(others);
}

function shown(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
