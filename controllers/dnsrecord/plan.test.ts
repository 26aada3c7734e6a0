import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsRecordSpec } from "../../src/api/types.ts";
import { record } from "../../test/fakes/routes.ts";
import type { DnsRecordFacts } from "./facts.ts";
import { plan } from "./plan.ts";
import { NO_ROWS, rowsOf } from "./rows.ts";

const spec: DnsRecordSpec = { name: "printer", type: "A", values: ["192.168.1.40"], ttl: "5m" };
const printer = record("printer", spec);
const facts = (over: Partial<DnsRecordFacts> = {}): DnsRecordFacts => ({
  name: "printer",
  zone: "home.internal",
  held: undefined,
  rivals: [],
  nodes: [],
  hosts: [],
  ...over,
});

test("rows are handed over once", () => {
  const rows = rowsOf(spec, "home.internal", { nodes: [], hosts: [] });
  assert.deepEqual(plan(printer, facts()).actions, [{ kind: "SetRecord", name: "printer", rows }]);
  assert.deepEqual(plan(printer, facts({ held: rows })), { actions: [], conditions: [] });
});

test("a deleted record takes its rows away", () => {
  assert.deepEqual(plan(undefined, facts({ held: NO_ROWS })).actions, [{ kind: "SetRecord", name: "printer", rows: undefined }]);
  assert.deepEqual(plan(undefined, facts()).actions, []);
});

test("a record that lost its name has no rows", () => {
  const { actions } = plan(record("late", spec, "Route/late"), facts({ name: "late", rivals: [printer] }));
  assert.deepEqual(actions, [{ kind: "SetRecord", name: "late", rows: NO_ROWS }]);
});
