// The house in one look, for `fossora status`: problems first, each with what to do about it.
import type { HouseComputers } from "../api/computers.ts";
import type { AnyResource, Condition, Kind, NodeName, Resource } from "../api/resource.ts";
import type { ServiceStatus } from "../api/status.ts";
import { namesOf } from "../api/kinds.ts";
import type { IngressStatus } from "../api/table.ts";
import type { HouseProblem, HouseSummary } from "../api/wire.ts";
import type { StoreStatus } from "../ports.ts";
import { COMING_BACK_MS, notBack, sentenceOf, type NodeState, type NotBack } from "./not-back.ts";
import type { NodePorts, ServerPorts } from "./ports.ts";
import { resourcesOf } from "./view.ts";

type Listener = NonNullable<HouseSummary["listeners"]>[number];

const STORE_ANSWERS_WITHIN_MS = 2_000;
const KINDS: readonly Kind[] = ["Membership", "Service", "Route", "DnsRecord"];

/** While this node belongs to no house. */
export function summariseOutside(node: NodePorts): HouseSummary {
  const listeners = node.listeners();
  const joining = node.house?.joining();
  return {
    kind: "HouseSummary",
    node: node.identity.node,
    ready: false,
    zone: "",
    version: node.version,
    nodes: { total: 0, ready: 0 },
    services: { total: 0, ready: 0 },
    store: { quorum: false, version: "", bytes: 0 },
    ...(listeners && { listeners }),
    ...(joining && { joining }),
    problems: [
      ...(joining?.problems ?? [{ severity: "warning", message: node.outside(), next: "wait a moment, then: fossora status" }]),
      ...reachProblems(node.unreachable()),
      ...listenerProblems(listeners ?? []),
    ],
  };
}

export async function summarise(ports: ServerPorts, signal: AbortSignal): Promise<HouseSummary> {
  const [store, computers] = await Promise.all([storeStatus(ports, signal), ports.house?.computers(signal)]);
  const joining = ports.house?.joining();
  const isOnItsWay = joining !== undefined && joining.phase !== "member";
  const { reader, identity, version } = ports;
  const listeners = ports.listeners();
  const services = [...reader.all("Service")];
  const members = [...reader.all("Membership")];
  const house = [...reader.all("House")][0];
  const missing = ports.bootedMs() < COMING_BACK_MS ? missingApps(ports, computers) : [];
  const isMissing = ({ kind, metadata }: AnyResource): boolean => kind === "Service" && missing.some(({ name }) => name === metadata.name);
  return {
    kind: "HouseSummary",
    node: identity.node,
    ready: !isOnItsWay && reader.fresh && store?.quorum === true && isReady(ports, "Membership", identity.node),
    zone: house?.spec.zone ?? "",
    version,
    nodes: { total: members.length, ready: members.filter((each) => isReady(ports, "Membership", each.metadata.name)).length },
    services: { total: services.length, ready: services.filter((each) => isReady(ports, "Service", each.metadata.name)).length },
    store: { quorum: store?.quorum ?? false, version: store?.version ?? "", bytes: store?.dbBytes ?? 0 },
    ...(listeners && { listeners }),
    ...(computers && { house: computers }),
    ...(joining && isOnItsWay && { joining }),
    problems: [
      ...(joining?.problems ?? []),
      ...(computers ? computerProblems(ports, computers) : []),
      ...(isOnItsWay ? [] : storeProblems(ports, store)),
      ...(store?.quorum === true && computers ? silentStores(computers) : []),
      ...reachProblems(ports.unreachable()),
      ...listenerProblems(listeners ?? []),
      ...accessLogProblems(ports.accessLog()),
      ...(house ? resolverProblems(ports, house.metadata.name) : []),
      ...(missing.length > 0 ? [comingBack(missing, services.length)] : []),
      ...KINDS.flatMap((kind) => [...resourcesOf(reader, kind)].flatMap((each) => (isMissing(each) ? [] : problemsOf(ports, each)))),
      ...members.flatMap(notTaking),
    ],
  };
}

/** Once, with all of them, in place of a line for each. */
function comingBack(missing: readonly NotBack[], services: number): HouseProblem {
  const [first] = missing;
  const next = missing.length === 1 && first !== undefined ? `fossora describe service ${first.name}` : "fossora get services";
  return { severity: "warning", message: sentenceOf(missing, services), next };
}

function missingApps(ports: ServerPorts, computers: HouseComputers | undefined): readonly NotBack[] {
  const { reader, statusReader, clock } = ports;
  const bootedAtMs = Date.parse(clock.wall()) - ports.bootedMs();
  const silent = new Set(
    (computers?.computers ?? []).flatMap(({ name, self, roundTripMs }) => (!self && roundTripMs === undefined ? [name] : [])),
  );
  const stateOf = (node: NodeName): NodeState => {
    const ready = conditionsOf(ports, "Membership", node).find(({ type }) => type === "Ready");
    if (ready?.reason === "Down") return "lost";
    return ready?.reason === "AgentSilent" || silent.has(node) ? "not back" : "there";
  };
  const apps = [...reader.all("Service")].flatMap(({ kind, metadata: { name, creationTimestamp } }) => {
    if (Date.parse(creationTimestamp) > bootedAtMs) return []; // it was never there before
    const status = statusReader.status(kind, name) as ServiceStatus | undefined; // the kind says which
    return status === undefined ? [] : [{ name, status }];
  });
  return notBack(apps, stateOf);
}

function computerProblems(
  ports: ServerPorts,
  { computers, waiting, leaving = [], returned, misplaced }: HouseComputers,
): readonly HouseProblem[] {
  return [
    ...leaving.map((name): HouseProblem => ({
      severity: "warning",
      message: `${name} belongs to the house no more, and may still have to vote`,
      next: `keep ${name} on until this line is gone`,
    })),
    ...waiting
      .filter(({ approved }) => !approved)
      .map(({ name, address, words }): HouseProblem => ({
        severity: "warning",
        message: `${name} (${address}) wants to join; its screen shows "${words}"`,
        next: `fossora node approve ${name}`,
      })),
    ...returned.map(({ name, former }): HouseProblem => ({
      severity: "warning",
      message: `${name} looks like ${former}, set up anew`,
      next: `fossora node replace ${former} ${name}`,
    })),
    ...misplaced.map(({ name, holder }): HouseProblem => ({
      severity: "warning",
      message: `${name} waits to come in: it has the same address as ${holder}`,
      next: `give ${name} another address; it comes in by itself then`,
    })),
    ...computers
      // One whose lease has run out says so as a node.
      .filter(({ name, self, roundTripMs }) => !self && roundTripMs === undefined && isReady(ports, "Membership", name))
      .map(({ name, lastSeen }): HouseProblem => ({
        severity: "error",
        message: `${name} does not answer${lastSeen === undefined ? "" : ` since ${lastSeen}`}`,
        next: `fossora describe node ${name}`,
      })),
  ];
}

async function storeStatus(ports: ServerPorts, signal: AbortSignal): Promise<StoreStatus | undefined> {
  try {
    return await ports.store.status(AbortSignal.any([signal, AbortSignal.timeout(STORE_ANSWERS_WITHIN_MS)]));
  } catch {
    return undefined;
  }
}

function storeProblems(ports: ServerPorts, store: StoreStatus | undefined): readonly HouseProblem[] {
  if (store?.quorum) {
    const room = roomProblems(store);
    if (ports.reader.fresh) return room;
    return [
      ...room,
      { severity: "warning", message: "this node's copy of the house is not fresh yet", next: "wait a few seconds, then: fossora status" },
    ];
  }
  const { reason, next } = ports.whyNoQuorum();
  return [{ severity: "error", message: `no quorum: ${reason}. Nothing can be changed, apps run on`, next }];
}

const NO_ROOM_NEXT = "delete apps and volumes that nobody needs; room is made within minutes, see: fossora status";

/** From half of what it may hold on; what is free again the store gives back by itself. */
function roomProblems({ isFull, dbInUseBytes, dbMaxBytes }: StoreStatus): readonly HouseProblem[] {
  const isHalf = dbInUseBytes >= dbMaxBytes / 2;
  const holds = `${mebibytes(dbInUseBytes)} of ${mebibytes(dbMaxBytes)} MiB`;
  if (isFull)
    return [
      {
        severity: "error",
        message: `the house's store is full: it holds ${holds}. Nothing can be changed, apps run on`,
        next: isHalf ? NO_ROOM_NEXT : "it makes room within minutes, see: fossora status",
      },
    ];
  if (!isHalf) return [];
  return [{ severity: "warning", message: `the house's store holds ${holds}; when it is full nothing can be changed`, next: NO_ROOM_NEXT }];
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}

/** Without quorum that is said, and a standby's store waits for the voter. */
function silentStores({ computers }: HouseComputers): readonly HouseProblem[] {
  return computers.flatMap(({ name, role, silentStore }): readonly HouseProblem[] => {
    if (silentStore === undefined) return [];
    const { log } = silentStore;
    return [
      {
        severity: role === "voter" ? "error" : "warning",
        message: `the store of ${name} does not answer: it starts, its disk is full, or its data damaged`,
        next: `sudo tail -n 20 ${log}, on ${name}; where its data is damaged: fossora leave there, and join again`,
      },
    ];
  });
}

function reachProblems(unreachable: ReturnType<NodePorts["unreachable"]>): readonly HouseProblem[] {
  if (unreachable === undefined) return [];
  const { why, next } = unreachable;
  return [{ severity: "warning", message: `other computers cannot reach this node: ${why}`, next }];
}

/** Pages and names answer all the same, at another port; a raw port does not. The same is often said of each address. */
function listenerProblems(listeners: readonly Listener[]): readonly HouseProblem[] {
  const messages = listeners.flatMap(({ protocol, port, problem }) => {
    if (problem === undefined) return [];
    const isRaw = protocol === "tcp" || protocol === "udp";
    return isRaw ? `${protocol} port ${port} does not answer: ${problem}` : `${protocol} is on port ${port}: ${problem}`;
  });
  // A port that was taken instead is kept: whoever holds the usual one may only be restarting.
  return [...new Set(messages)].map((message) => ({
    severity: "warning",
    message,
    next: "free the port, then: sudo fossora down && sudo fossora up",
  }));
}

function accessLogProblems(accessLog: IngressStatus["accessLog"]): readonly HouseProblem[] {
  if (accessLog?.problem === undefined) return [];
  return [
    {
      severity: "warning",
      message: `the access log is not written: ${accessLog.problem}`,
      next: `mend that, or: sudo fossora up --access-log off`,
    },
  ];
}

function resolverProblems(ports: ServerPorts, name: string): readonly HouseProblem[] {
  const troubles = conditionsOf(ports, "House", name).filter(({ type, status }) => type === "ResolverReady" && status === "False");
  return troubles.map((trouble) => ({
    severity: "warning",
    message: `resolver: ${sentence(trouble)}`,
    next: "fossora describe house/house",
  }));
}

/** A derived object's trouble is its owner's, where that has any. */
function problemsOf(ports: ServerPorts, resource: AnyResource): readonly HouseProblem[] {
  const { kind, metadata } = resource;
  const conditions = conditionsOf(ports, kind, metadata.name);
  const ready = conditions.find((condition) => condition.type === "Ready");
  if (!ready || ready.status === "True" || ready.reason === "Stopped" || ownerIsUnready(ports, metadata.owner)) return [];
  const stalled = conditions.some((condition) => condition.type === "Stalled" && condition.status === "True");
  const underWay = !stalled && conditions.some((condition) => condition.type === "Reconciling" && condition.status === "True");
  const word = namesOf(kind).singular;
  return [
    {
      severity: underWay ? "warning" : "error",
      message: `${word} ${metadata.name}: ${sentence(ready)}`,
      next: `fossora describe ${word} ${metadata.name}`,
    },
  ];
}

/** A person has said so, and may have forgotten. */
function notTaking({ metadata: { name }, spec }: Resource<"Membership">): readonly HouseProblem[] {
  const next = `fossora node uncordon ${name}`;
  if (spec.drain === true)
    return [{ severity: "warning", message: `node ${name} is drained: its apps move away as far as they can, and none comes`, next }];
  return spec.schedulable ? [] : [{ severity: "warning", message: `node ${name} is cordoned: nothing new is placed there`, next }];
}

function ownerIsUnready(ports: ServerPorts, owner: string | undefined): boolean {
  const [kind, name] = owner?.split("/") ?? [];
  return (kind === "Service" || kind === "Route") && name !== undefined && !isReady(ports, kind, name);
}

function isReady(ports: ServerPorts, kind: Kind, name: string): boolean {
  return conditionsOf(ports, kind, name).some((condition) => condition.type === "Ready" && condition.status === "True");
}

function conditionsOf(ports: ServerPorts, kind: Kind, name: string): readonly Condition[] {
  return ports.statusReader.status(kind, name)?.conditions ?? [];
}

function sentence(condition: Condition): string {
  return condition.message === "" ? condition.reason : `${condition.message} (${condition.reason})`;
}
