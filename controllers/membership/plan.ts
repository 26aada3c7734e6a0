// A node's own part of its Membership: it says what it is under its lease, makes its Membership when there is none, and declares itself
// alive again when it was thought dead.
import { isIpv4 } from "../../src/api/addresses.ts";
import { sameConditions } from "../../src/api/conditions.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import type { Condition, NodeName, Resource } from "../../src/api/resource.ts";
import type { NodeRecord } from "../../src/api/state.ts";
import type { Context, Plan } from "../../src/engine/contract.ts";
import { withDnsFix } from "./dns-holders.ts";
import type { MembershipFacts } from "./facts.ts";

/** Addresses and devices come and go without telling. */
export const RECHECK_MS = 30_000;
/** While Docker is silent nobody knows what runs. Most of the time an event tells that it is back. */
export const SILENT_RECHECK_MS = 5_000;
/** Before the ingress has said what it holds, and while what others may have taken over is being stopped. */
export const HURRIED_RECHECK_MS = 1_000;

export type MembershipAction =
  | { readonly kind: "Create"; readonly name: NodeName }
  | { readonly kind: "ClearDown"; readonly name: NodeName; readonly modRevision: number }
  | { readonly kind: "Announce"; readonly name: NodeName; readonly record: NodeRecord }
  | { readonly kind: "Report"; readonly name: NodeName; readonly conditions: readonly Condition[] };

/** `facts` are undefined for other nodes: theirs is their own business. */
export function plan(
  membership: Resource<"Membership"> | undefined,
  facts: MembershipFacts | undefined,
  { copy }: Context,
): Plan<MembershipAction> {
  if (facts === undefined) return { actions: [], conditions: [] };
  const { name, verdict, leftovers, listeners, reported } = facts;
  const record = withSteadyDisk(withNamedDevices(facts.machine, membership), facts.announced);
  const ports = portConditions(listeners ?? [], record.addresses.lan.find(isIpv4));
  const conditions = [...dockerCondition(record), ...ports, ...nameServerCondition(facts)];
  const actions: MembershipAction[] = [];
  if (membership === undefined && copy === undefined) actions.push({ kind: "Create", name });
  if (!facts.isHeld || canonicalJson(record) !== canonicalJson(facts.announced)) actions.push({ kind: "Announce", name, record });
  const isDown = verdict?.value.state === "Down";
  // Only after a fresh list, which the engine sees to, and after stopping what others may have taken over.
  if (copy === undefined && isDown && leftovers?.length === 0) actions.push({ kind: "ClearDown", name, modRevision: verdict.modRevision });
  if (!sameConditions(conditions, reported)) actions.push({ kind: "Report", name, conditions });
  const isHurried = listeners === undefined || (isDown && leftovers !== undefined && leftovers.length > 0);
  const isUnknown = isDown && leftovers === undefined;
  return { actions, conditions, recheckAfterMs: isHurried ? HURRIED_RECHECK_MS : isUnknown ? SILENT_RECHECK_MS : RECHECK_MS };
}

/** So much less or more than what was last announced is news: each announcement is written on every node. */
const DISK_STEP = 0.05;
/** Nearer to its end small changes count. */
const DISK_SHORT_BYTES = 4 * 2 ** 30;

/** Its size, too, may change all the time: on ZFS that is what the dataset has and what is free in the pool of all datasets. */
function withSteadyDisk(machine: NodeRecord, announced: NodeRecord | undefined): NodeRecord {
  const { diskBytes, diskFreeBytes } = machine;
  const before = announced?.diskFreeBytes;
  if (announced === undefined || before === undefined || diskFreeBytes === undefined) return machine;
  const part = announced.diskBytes * DISK_STEP;
  const step = Math.min(part, Math.max(diskFreeBytes, before) < DISK_SHORT_BYTES ? DISK_SHORT_BYTES / 16 : Infinity);
  const isSteady = Math.abs(diskBytes - announced.diskBytes) < part && Math.abs(diskFreeBytes - before) < step;
  return isSteady ? { ...machine, diskBytes: announced.diskBytes, diskFreeBytes: before } : machine;
}

/** Devices that a person gave a name in the Membership are offered by that name. */
function withNamedDevices(machine: NodeRecord, membership: Resource<"Membership"> | undefined): NodeRecord {
  const named = Object.entries(membership?.spec.devices ?? {}).map(([name, path]) => {
    const known = machine.devices.find(({ paths }) => paths.includes(path));
    return { class: name, paths: [path], groups: known?.groups ?? [] };
  });
  const names = new Set(named.map((device) => device.class));
  return { ...machine, devices: [...machine.devices.filter((device) => !names.has(device.class)), ...named] };
}

function dockerCondition({ versions }: NodeRecord): readonly Condition[] {
  if (versions.docker !== "") return [];
  const message =
    "Docker does not answer on this machine, so no app can be started or stopped here. Start it: systemctl start docker; one that hangs: systemctl restart docker";
  return [{ type: "DockerReady", status: "False", reason: "DockerUnavailable", message }];
}

/** Without one, apps here are answered each name outside with a failure, and nothing else would say why. */
function nameServerCondition({ name, machine, listeners, nameServers }: MembershipFacts): readonly Condition[] {
  // Where Docker is in another network, apps ask its own resolver.
  if (listeners === undefined || nameServers.length > 0 || machine.remoteNetwork === true) return [];
  const message =
    `/etc/resolv.conf of ${name} names no name server besides this house, so apps here find no names outside of it. ` +
    "Name one there, such as the router's address or 9.9.9.9";
  return [{ type: "NameServerFound", status: "False", reason: "NoNameServer", message }];
}

/** `address`: this computer's on the LAN. */
function portConditions(listeners: NonNullable<MembershipFacts["listeners"]>, address: string | undefined): readonly Condition[] {
  // A resolver that the host keeps for itself on loopback is in nobody's way.
  const troubled = listeners.filter(
    ({ protocol, address, problem }) =>
      problem !== undefined && (protocol === "http" || protocol === "mesh" || (protocol === "dns" && !address.startsWith("127."))),
  );
  // One for each address, and often the same of all.
  const problems = (wanted: (typeof FRONTS)[number]): string =>
    [...new Set(troubled.filter(({ protocol }) => protocol === wanted).map(({ problem = "" }) => withDnsFix(problem, address)))].join("; ");
  return FRONTS.filter((protocol) => troubled.some((each) => each.protocol === protocol)).map((protocol) => ({
    type: PORT_CONDITIONS[protocol],
    status: "False",
    reason: "PortBusy",
    message: problems(protocol),
  }));
}

const FRONTS = ["http", "dns", "mesh"] as const;
/** Without `mesh` other nodes cannot lead to apps here. */
const PORT_CONDITIONS = { http: "HttpPortHeld", dns: "DnsPortHeld", mesh: "MeshPortHeld" } as const;
