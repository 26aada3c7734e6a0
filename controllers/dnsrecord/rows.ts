// From a DnsRecord to the rows that the house's DNS answers from.
import { durationMs } from "../../src/api/durations.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { DnsRecordSpec } from "../../src/api/types.ts";
import type { NodeFacts, RecordRows } from "./facts.ts";

export const NO_ROWS: RecordRows = { records: [], houseNames: [] };

/** Full name without a trailing dot, lower case. */
export function fqdnOf({ name }: DnsRecordSpec, zone: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : `${lower}.${zone}`;
}

export interface WaysIn {
  readonly nodes: readonly NodeFacts[];
  readonly hosts: readonly NodeName[];
}

export function rowsOf(spec: DnsRecordSpec, zone: string, ways: WaysIn): RecordRows {
  const name = fqdnOf(spec, zone);
  if (spec.values === undefined) return { records: [], houseNames: [{ name, nodes: nodesFor(ways) }] };
  return { records: [{ name, type: spec.type, values: spec.values, ttl: Math.round(durationMs(spec.ttl) / 1000) }], houseNames: [] };
}

/** Those that hold the port, and of these those where the app runs first; where none holds port 80, the URL shows another. */
function nodesFor({ nodes, hosts }: WaysIn): readonly NodeName[] {
  const holders = nodes.filter(({ holdsPort }) => holdsPort);
  const names = (holders.length > 0 ? holders : nodes).map(({ name }) => name).sort();
  return [...names.filter((name) => hosts.includes(name)), ...names.filter((name) => !hosts.includes(name))];
}
