// The edge of a DnsRecord: reads its rivals and the nodes from the mirror, and hands rows to this node's DNS.
import type { Name, Resource } from "../../src/api/resource.ts";
import type { Change, Controller, Mirror } from "../../src/engine/contract.ts";
import type { DnsRecordFacts } from "./facts.ts";
import { holdsHttp, hostsOf, recordsOf, rivalsOf, waysIn, zoneOf } from "./house-facts.ts";
import { plan, type SetRecord } from "./plan.ts";

const kind = "DnsRecord";

export const dnsRecordController: Controller<Resource<"DnsRecord">, DnsRecordFacts, SetRecord> = {
  kind,
  wakes,
  names: async ({ mirror }) => everyName(mirror),
  observe: async (name, { mirror, proxy, identity }) => {
    const record = mirror.desired(kind, name);
    return {
      name,
      zone: zoneOf(mirror),
      held: proxy.record(name),
      rivals: record ? rivalsOf(record, mirror) : [],
      nodes: waysIn({ name: identity.node, holdsHttp: holdsHttp(proxy.status()?.listeners) }, mirror),
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
