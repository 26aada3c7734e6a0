// The status of a node, and of the house as the sum of its nodes, as people read it.
import { newestTransition } from "../../src/api/conditions.ts";
import type { Condition, NodeName, Resource } from "../../src/api/resource.ts";
import type { DecidedMembership, ObservedConditions, ObservedMembership } from "../../src/api/state.ts";
import type { HouseStatus, MembershipStatus } from "../../src/api/status.ts";
import type { Mirror } from "../../src/engine/contract.ts";

/** Of one that does not say. */
const UNKNOWN_ROLE = "-";

export function membershipStatus(membership: Resource<"Membership">, mirror: Mirror): MembershipStatus {
  const { name, generation } = membership.metadata;
  const record = mirror.nodes().get(name)?.value;
  const observed = [...mirror.observed<ObservedMembership>("Membership", name).values()].flatMap(({ value }) => value.conditions);
  const ready: Condition = { ...readiness(membership, observed, mirror), observedGeneration: generation };
  const known = record?.role ?? (membership.spec.role === "auto" ? UNKNOWN_ROLE : membership.spec.role);
  const role = record?.witness === true ? "witness" : known;
  if (record === undefined) return { role, devices: [], conditions: [ready, ...observed] };
  const address = record.addresses.lan[0] ?? record.addresses.tailnet[0];
  return {
    role,
    nodeId: record.nodeId,
    ...(address !== undefined && { address }),
    cpus: record.cpus,
    memoryBytes: record.memoryBytes,
    diskBytes: record.diskBytes,
    devices: record.devices.map((device) => device.class),
    version: record.versions.fossora,
    conditions: [ready, ...observed],
  };
}

export function houseStatus(house: Resource<"House">, mirror: Mirror): HouseStatus {
  const nodes = [...mirror.all("Membership")];
  const ready = nodes.filter((node) => membershipStatus(node, mirror).conditions[0]?.status === "True").length;
  const condition: Condition = {
    type: "Ready",
    status: ready > 0 ? "True" : "False",
    reason: ready === nodes.length && ready > 0 ? "Ready" : "NodesMissing",
    message: `${ready} of ${nodes.length} nodes are ready`,
    observedGeneration: house.metadata.generation,
  };
  const observed = [...mirror.observed<ObservedConditions>("House", house.metadata.name).values()].flatMap(({ value }) => value.conditions);
  return { nodes: nodes.length, readyNodes: ready, conditions: [condition, ...observed] };
}

function readiness({ metadata, spec }: Resource<"Membership">, observed: readonly Condition[], mirror: Mirror): Condition {
  const node: NodeName = metadata.name;
  const verdict = mirror.decided<DecidedMembership>("Membership", node)?.value;
  const since = newestTransition(observed);
  const time = since === undefined ? {} : { lastTransitionTime: since };
  if (verdict?.state === "Down") {
    return {
      type: "Ready",
      status: "False",
      reason: "Down",
      message: `${node} was declared dead${verdict.by === undefined ? "" : ` by ${verdict.by}`}`,
      ...(verdict.since !== undefined && { lastTransitionTime: verdict.since }),
    };
  }
  if (!mirror.nodes().has(node))
    return {
      type: "Ready",
      status: "Unknown",
      reason: "AgentSilent",
      message: `${node}'s agent does not answer; its apps may go on`,
      ...time,
    };
  const docker = observed.find(({ reason }) => reason === "DockerUnavailable");
  if (docker) return { ...docker, type: "Ready" };
  if (mirror.nodes().get(node)?.value.goes !== undefined)
    return { type: "Ready", status: "True", reason: "Stopping", message: "It is about to stop, and its apps move to other nodes", ...time };
  if (spec.drain === true)
    return { type: "Ready", status: "True", reason: "Drained", message: "Its apps move to other nodes, as far as they can", ...time };
  if (!spec.schedulable) return { type: "Ready", status: "True", reason: "Cordoned", message: "Nothing new is placed here", ...time };
  return { type: "Ready", status: "True", reason: "Ready", message: "It is ready", ...time };
}
