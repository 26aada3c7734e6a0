import assert from "node:assert/strict";
import { test } from "node:test";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, put } from "../../test/fakes/objects.ts";
import { keys } from "../api/keys.ts";
import type { Kind, Specs } from "../api/resource.ts";
import type { Mirror } from "../engine/contract.ts";
import { leavingNodes, wishedSettings } from "./house-wishes.ts";

const membership = { role: "auto", schedulable: true, drain: true } as const;

/** A drained node of each name; the values of some objects are no JSON. */
function houseOf(nodes: readonly string[], unreadable: readonly (readonly [Kind, string])[]): Promise<Mirror> {
  return mirrorOf((etcd) => {
    const house: Partial<Specs["House"]> = { zone: "home.internal", replaceAfter: "1h" };
    apply(etcd, "House", "house", house as Specs["House"]); // all that is read
    for (const node of nodes) {
      apply(etcd, "Membership", node, membership);
      put(etcd, keys.node(node), { nodeId: `id-${node}` });
    }
    for (const [kind, name] of unreadable) etcd.commit({ compare: [], writes: [{ put: keys.desired(kind, name), value: "{" }] });
  });
}

test("settings are those of the House, and the defaults while it cannot be read", async () => {
  assert.equal(wishedSettings(await houseOf([], [])).replaceAfterMs, 3_600_000);
  assert.equal(wishedSettings(await houseOf([], [["House", "house"]])).replaceAfterMs, 600_000);
});

test("drained nodes leave; one whose Membership cannot be read hides no other", async () => {
  assert.deepEqual([...leavingNodes(await houseOf(["nas", "pi"], []))], ["id-nas", "id-pi"]);
  assert.deepEqual([...leavingNodes(await houseOf(["nas", "pi"], [["Membership", "nas"]]))], ["id-pi"]);
});
