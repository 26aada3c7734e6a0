import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, PREFIX } from "../api/keys.ts";
import { entry, houseNode, nodeId } from "../../test/fakes/joining.ts";
import { houseRecords, withRoles } from "./house-records.ts";

test("entries, the admission and the roster are told apart, and other keys of the house are left alone", () => {
  const listed = [
    { key: keys.queued(nodeId("n")), value: JSON.stringify(entry("n").value), modRevision: 5 },
    { key: keys.admission, value: "{}", modRevision: 6 },
    { key: keys.houseNode(nodeId("a")), value: JSON.stringify(houseNode("a")), modRevision: 7 },
    { key: `${PREFIX.house}invites/x`, value: "no JSON", modRevision: 8 },
  ];
  const { entries, active, roster } = houseRecords(listed, (_, modRevision) => modRevision * 10);
  assert.deepEqual(entries, [{ ...entry("n"), seenAtMs: 50 }]);
  assert.equal(active?.seenAtMs, 60);
  assert.deepEqual([...roster.keys()], [nodeId("a")]);
});

test("an empty store has no admission and nobody in it", () => {
  assert.deepEqual(
    houseRecords([], () => 0),
    { entries: [], roster: new Map() },
  );
});

test("withRoles() has what people wish, by name, and else what the roster says", () => {
  const roster = new Map([houseNode("a"), houseNode("b")].map((node) => [node.nodeId, node]));
  const wished = withRoles(roster, new Map([[houseNode("b").name, "worker"]]));
  assert.deepEqual(
    [...wished.values()].map(({ role }) => role),
    ["auto", "worker"],
  );
  assert.equal(withRoles(roster, new Map()), roster);
});
