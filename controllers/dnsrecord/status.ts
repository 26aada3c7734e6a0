// A DnsRecord's status as people read it.
import type { Condition, Resource } from "../../src/api/resource.ts";
import type { DnsRecordStatus } from "../../src/api/status.ts";
import type { Mirror } from "../../src/engine/contract.ts";
import { winnerOver } from "./conflict.ts";
import { hostsOf, nodeFacts, rivalsOf, withRawPorts, zoneOf } from "./house-facts.ts";
import { fqdnOf, rowsOf } from "./rows.ts";

export function dnsRecordStatus(record: Resource<"DnsRecord">, mirror: Mirror): DnsRecordStatus {
  const zone = zoneOf(mirror);
  const winner = winnerOver(record, rivalsOf(record, mirror), zone);
  const nodes = withRawPorts(nodeFacts(mirror), record, mirror);
  const { records, houseNames } = rowsOf(record.spec, zone, { nodes, hosts: hostsOf(record, mirror) });
  const addresses = houseNames
    .flatMap(({ nodes }) => nodes)
    .flatMap((node) => {
      const known = mirror.nodes().get(node)?.value.addresses;
      return known === undefined ? [] : [...known.lan, ...known.tailnet];
    });
  const answers = winner === undefined ? [...records.flatMap(({ values }) => values), ...addresses] : [];
  return { fqdn: fqdnOf(record.spec, zone), answers, conditions: [readyCondition(record, winner, answers)] };
}

function readyCondition({ metadata }: Resource<"DnsRecord">, winner: string | undefined, answers: readonly string[]): Condition {
  const common = { type: "Ready", observedGeneration: metadata.generation } as const;
  if (winner !== undefined)
    return {
      ...common,
      status: "False",
      reason: "Conflict",
      message: `DnsRecord '${winner}' has the same name. Delete or change one of them`,
    };
  if (answers.length === 0) return { ...common, status: "False", reason: "NoAnswer", message: "No node has told its addresses yet" };
  return { ...common, status: "True", reason: "Ready", message: `It is answered with ${answers.join(", ")}` };
}
