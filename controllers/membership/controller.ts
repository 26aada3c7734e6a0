// The edge of a node's own Membership: asks the machine what it is, and writes what only this node may write.
import { isIpv6 } from "../../src/api/addresses.ts";
import { stamped } from "../../src/api/conditions.ts";
import { EngineError } from "../../src/api/errors.ts";
import { hash } from "../../src/api/hash.ts";
import { keys } from "../../src/api/keys.ts";
import { forIngress } from "../../src/api/name-servers.ts";
import { API_VERSION, type Name, type Resource, type StoredResource } from "../../src/api/resource.ts";
import type { DecidedMembership, DecidedService, NodeRecord, ObservedMembership } from "../../src/api/state.ts";
import type { IngressStatus } from "../../src/api/table.ts";
import type { Controller, Ports } from "../../src/engine/contract.ts";
import type { MembershipFacts } from "./facts.ts";
import { plan, type MembershipAction } from "./plan.ts";

const kind = "Membership";

/** Leases that carry the record of their node: a new process has a new lease, and the old one's keys end with it. */
const holding = new WeakSet<Ports["lease"]>();

export const membershipController: Controller<Resource<"Membership">, MembershipFacts | undefined, MembershipAction> = {
  kind,
  wakes: (change) => (change.room === "node" || change.kind === kind ? [change.name] : []),
  names: async ({ identity }) => [identity.node],
  observe,
  plan,
  act: {
    Create: async ({ name }, { store, clock, random, identity }, signal) => {
      const key = keys.desired(kind, name);
      const stored: StoredResource<"Membership"> = {
        apiVersion: API_VERSION,
        kind,
        metadata: { name, uid: hash(`${name}/${random.next()}`), creationTimestamp: clock.wall() },
        spec: { role: "auto", schedulable: true },
        manager: "agent",
      };
      // One that is taken out of the house is alive for a moment more: first its leaving is under way, and then it is in no roster.
      const { entries } = await store.list(keys.houseNode(""), signal);
      const own = entries.find((entry) => entry.key === keys.houseNode(identity.nodeId));
      if (own === undefined && entries.length > 0) return;
      const compare = [
        ...[key, keys.leaving(identity.nodeId)].map((each) => ({ key: each, modRevision: 0 })),
        ...(own === undefined ? [] : [{ key: own.key, modRevision: own.modRevision }]),
      ];
      await store.commit({ compare, writes: [{ put: key, value: JSON.stringify(stored) }] }, signal);
    },
    Announce: async ({ name, record }, { lease }) => {
      lease.put(keys.node(name), JSON.stringify(record));
      holding.add(lease);
    },
    ClearDown: async ({ name, modRevision }, { store, events }, signal) => {
      const key = keys.decided(kind, name);
      const { committed } = await store.commit({ compare: [{ key, modRevision }], writes: [{ delete: key }] }, signal);
      if (committed) events.emit({ kind, name, type: "Normal", reason: "Returned", message: `Node ${name} is back` });
    },
    Report: async ({ name, conditions }, { mirror, store, identity, clock }, signal) => {
      const key = keys.observed(kind, name, identity.node);
      const before = mirror.written<ObservedMembership>(kind, name, identity.node)?.value.conditions ?? [];
      const observed: ObservedMembership = { bootId: identity.bootId, conditions: stamped(conditions, before, clock.wall()) };
      const write = conditions.length === 0 ? { delete: key } : { put: key, value: JSON.stringify(observed) };
      await store.commit({ compare: [], writes: [write] }, signal);
    },
  },
};

async function observe(name: Name, ports: Ports, signal: AbortSignal): Promise<MembershipFacts | undefined> {
  const { identity, mirror, proxy, lease } = ports;
  if (name !== identity.node) return undefined;
  const status = proxy.status();
  const listeners = status?.listeners;
  const { nodeId, bootId } = identity;
  const announced = mirror.nodes().get(name)?.value;
  const described = await ports.system.describe(signal);
  const addresses = answered(described.addresses, listeners);
  const held = status ? heldBy(status, addresses) : heldBefore(announced, bootId);
  const machine: NodeRecord = { ...described, addresses, nodeId, bootId, ...held };
  const verdict = mirror.decided<DecidedMembership>(kind, name);
  return {
    name,
    machine,
    announced,
    isHeld: holding.has(lease),
    verdict,
    leftovers: verdict?.value.state === "Down" ? await leftovers(ports, signal) : [],
    listeners,
    nameServers: forIngress(ports.system.resolvers(), listeners ?? []),
    reported: mirror.written<ObservedMembership>(kind, name, name)?.value.conditions ?? [],
  };
}

/** Names lead to a node by IPv6 only where its proxy answers there; where it listens on one IPv4 address alone it does not. */
function answered({ lan, tailnet }: NodeRecord["addresses"], listeners: MembershipFacts["listeners"]): NodeRecord["addresses"] {
  const hasIpv6 = listeners?.some(({ protocol, address, port }) => protocol === "http" && port > 0 && isIpv6(address)) === true;
  const isAnswered = (address: string): boolean => hasIpv6 || !isIpv6(address);
  return { lan: lan.filter(isAnswered), tailnet: tailnet.filter(isAnswered) };
}

type Held = Pick<NodeRecord, "ports" | "announces">;

function heldBy({ listeners, announces }: IngressStatus, addresses: NodeRecord["addresses"]): Held {
  return { ports: portsHeld(listeners, addresses), ...(announces && { announces }) };
}

/** Of an agent that starts the ingress tells in a moment: until then names on the LAN stay with who announces them. */
function heldBefore(announced: NodeRecord | undefined, bootId: string): Held {
  if (announced?.bootId !== bootId) return { ports: {}, announces: [] };
  return { ports: announced.ports, ...(announced.announces && { announces: announced.announces }) };
}

/** That of DNS is the one that others ask: loopback's, and the apps' gateway's, may be another. */
function portsHeld(listeners: IngressStatus["listeners"], { lan, tailnet }: NodeRecord["addresses"]): NodeRecord["ports"] {
  const http = listeners.find(({ protocol }) => protocol === "http")?.port;
  const names = listeners.filter(({ protocol }) => protocol === "dns");
  const dns = (names.find(({ address }) => lan.includes(address) || tailnet.includes(address)) ?? names[0])?.port;
  // While it holds none there is nobody to ask: 0 is no port.
  const mesh = listeners.find(({ protocol }) => protocol === "mesh")?.port || undefined;
  return { ...(http !== undefined && { http }), ...(dns !== undefined && { dns }), ...(mesh !== undefined && { mesh }) };
}

/** Undefined: Docker does not answer, and its containers may run on without it. */
async function leftovers({ containers, mirror, identity }: Ports, signal: AbortSignal): Promise<readonly string[] | undefined> {
  try {
    const running = (await containers.list(undefined, signal)).filter(({ state }) => state === "running" || state === "restarting");
    const undecided = running.filter(({ service, instance }) => {
      const decided = mirror.decided<DecidedService>("Service", service)?.value;
      return !decided?.instances.some(({ id, node }) => id === instance && node === identity.node);
    });
    return undecided.map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
