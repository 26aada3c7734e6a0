// The edge of a DnsRecord: reads its rivals and the nodes from the mirror, and hands rows to this node's DNS.
import type { Name, Resource } from "../../src/api/resource.ts";
import type { Change, Controller, Mirror } from "../../src/engine/contract.ts";
import type { DnsRecordFacts } from "./facts.ts";
import { holdsHttp, hostsOf, recordsNear, recordsOf, rivalsOf, waysIn, withRawPorts, zoneOf } from "./house-facts.ts";
import { plan, type SetRecord } from "./plan.ts";

const kind = "DnsRecord";

export const dnsRecordController: Controller<Resource<"DnsRecord">, DnsRecordFacts, SetRecord> = {
  kind,
  wakes,
  names: async ({ mirror }) => everyName(mirror),
  observe: async (name, { mirror, proxy, identity }) => {
    const record = mirror.desired(kind, name);
    const nodes = waysIn({ name: identity.node, holdsPort: holdsHttp(proxy.status()?.listeners) }, mirror);
    return {
      name,
      zone: zoneOf(mirror),
      held: proxy.record(name),
      rivals: record ? rivalsOf(record, mirror) : [],
      nodes: record ? withRawPorts(nodes, record, mirror) : nodes,
      hosts: record ? hostsOf(record, mirror) : [],
    };
  },
  plan,
  act: {
    SetRecord: async ({ name, rows }, { proxy }) => proxy.setRecord(name, rows),
  },
};

function wakes(change: Change, mirror: Mirror): readonly Name[] {
  if (change.kind === "Service" && change.room !== "desired") return recordsOf(change.name, mirror);
  if (change.kind === "Route") {
    // Whether its ports are held, and whether its name has pages, is for all Routes of that name.
    const versions = [change.before, mirror.desired("Route", change.name)].filter((each) => each?.kind === "Route");
    return versions.flatMap((each) => recordsNear(each, mirror));
  }
  if (change.kind === kind) {
    // Whoever wanted what it wanted before may have it now.
    const versions = [change.before, mirror.desired(kind, change.name)].filter((each) => each?.kind === kind);
    return [change.name, ...versions.flatMap((each) => rivalsOf(each, mirror)).map(({ metadata }) => metadata.name)];
  }
  const isAboutAll = change.room === "node" || change.kind === "House" || (change.kind === "Membership" && change.room !== "observed");
  return isAboutAll ? everyName(mirror) : [];
}

function everyName(mirror: Mirror): readonly Name[] {
  return [...mirror.all(kind)].map(({ metadata }) => metadata.name);
}
