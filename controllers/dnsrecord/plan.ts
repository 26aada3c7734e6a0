// The plan of a DnsRecord on one node: the rows that this node's DNS answers from.
import { canonicalJson } from "../../src/api/hash.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { Plan } from "../../src/engine/contract.ts";
import type { DnsRecordFacts, RecordRows } from "./facts.ts";
import { winnerOver } from "./conflict.ts";
import { NO_ROWS, rowsOf } from "./rows.ts";

export interface SetRecord {
  readonly kind: "SetRecord";
  readonly name: Name;
  readonly rows: RecordRows | undefined;
}

export function plan(record: Resource<"DnsRecord"> | undefined, facts: DnsRecordFacts): Plan<SetRecord> {
  const { name, zone, held, rivals } = facts;
  const winner = record && winnerOver(record, rivals, zone);
  const rows = record && (winner === undefined ? rowsOf(record.spec, zone, facts) : NO_ROWS);
  const actions: readonly SetRecord[] = canonicalJson(rows) === canonicalJson(held) ? [] : [{ kind: "SetRecord", name, rows }];
  return { actions, conditions: [] };
}
