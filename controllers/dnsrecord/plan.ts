// The plan of a DnsRecord on one node: the rows that this node's DNS answers from.
import { canonicalJson } from "../../src/api/hash.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { Plan } from "../../src/engine/contract.ts";
import type { DnsRecordFacts, RecordRows } from "./facts.ts";
import { NO_ROWS, rowsOf } from "./rows.ts";

/** Nothing tells a record that the one which had its name has taken another. */
export const RIVAL_RECHECK_MS = 5_000;

export interface SetRecord {
  readonly kind: "SetRecord";
  readonly name: Name;
  readonly rows: RecordRows | undefined;
}

export function plan(record: Resource<"DnsRecord"> | undefined, facts: DnsRecordFacts): Plan<SetRecord> {
  const { name, zone, held, rivals } = facts;
  const winner = record && winnerOver(record, rivals);
  const rows = record && (winner === undefined ? rowsOf(record.spec, zone, facts) : NO_ROWS);
  const actions: readonly SetRecord[] = canonicalJson(rows) === canonicalJson(held) ? [] : [{ kind: "SetRecord", name, rows }];
  return { actions, conditions: [], ...(winner !== undefined && { recheckAfterMs: RIVAL_RECHECK_MS }) };
}

/** What a person wrote comes before what follows from a Route, then the older, then by name. */
export function winnerOver(record: Resource<"DnsRecord">, rivals: readonly Resource<"DnsRecord">[]): Name | undefined {
  const [first] = [record, ...rivals].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return first === undefined || first.metadata.name === record.metadata.name ? undefined : first.metadata.name;
}

function rank({ metadata }: Resource<"DnsRecord">): string {
  return `${metadata.owner === undefined ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`;
}
