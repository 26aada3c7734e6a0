import assert from "node:assert/strict";
import { test } from "node:test";
import { member, nodeId, NOW, view } from "../../test/fakes/joining.ts";
import type { MachineHints } from "./messages.ts";
import {
  fitnessClass,
  isAlive,
  isAliveChecked,
  memberOf,
  nodeOfMember,
  quorumOf,
  sameMachine,
  silentMs,
  storeSilentMs,
} from "./house-view.ts";

test("a started member's name tells its node, and one that has not started is nobody's", () => {
  assert.equal(nodeOfMember({ name: `${nodeId("b")}-i1` }), nodeId("b"));
  assert.equal(nodeOfMember({ name: "" }), undefined);
  assert.equal(memberOf([member("a"), member("b")], nodeId("b"))?.id, "mb");
});

test("a member is alive while its last answer is fresh, and checked after 10 s of answers", () => {
  const health = new Map([["ma", { answeringSinceMs: NOW - 9_000, answeredAtMs: NOW - 1_000 }]]);
  const seen = view({ voters: "a", health });
  assert.deepEqual([isAlive(seen, member("a")), isAliveChecked(seen, member("a"))], [true, false]);
  const later = { ...seen, nowMs: NOW + 1_000 };
  assert.deepEqual([isAlive(later, member("a")), isAliveChecked(later, member("a"))], [true, true]);
  assert.equal(isAlive({ ...seen, nowMs: NOW + 1_001 }, member("a")), false);
});

test("a new leader counts silence from when it began", () => {
  assert.equal(silentMs(view({ leadsSinceMs: NOW - 7_000, heardAtMs: new Map() }), nodeId("b")), 7_000);
  assert.equal(silentMs(view({ heardAtMs: new Map([[nodeId("b"), NOW - 9_000]]) }), nodeId("b")), 9_000);
});

test("a store is silent since its last answer, since it is a member, or since the leader leads, whatever its agent says", () => {
  const heard = { heardAtMs: new Map([[nodeId("b"), NOW]]) };
  const health = new Map([["mb", { answeredAtMs: NOW - 9_000 }]]);
  assert.equal(storeSilentMs(view({ ...heard, health }), member("b")), 9_000);
  assert.equal(storeSilentMs(view({ ...heard, health, leadsSinceMs: NOW - 7_000 }), member("b")), 7_000);
  assert.equal(storeSilentMs(view({ ...heard, leadsSinceMs: NOW - 7_000 }), member("b", { seenAtMs: NOW - 5_000 })), 5_000);
});

test("a member that missed its last turn to answer is not alive", () => {
  assert.equal(isAlive(view({ health: new Map([["mb", { answeredAtMs: NOW - 1_000 }]]) }), member("b")), false);
});

test("a quorum is more than half", () => assert.deepEqual([1, 2, 3, 4, 5].map(quorumOf), [1, 2, 2, 3, 3]));

test("machines are told by a permanent MAC address, unless their product UUIDs differ", () => {
  const uuid = "4c4c4544-0042-3510-8052-b4c04f4d4d32";
  const another = "4c4c4544-0042-3510-8052-b4c04f4d4d33";
  const filler = "03000200-0400-0500-0006-000700080009";
  const hints = (productUuid: string, ...macs: string[]): MachineHints => ({ productUuid, macs });
  const table: readonly (readonly [MachineHints, MachineHints, boolean])[] = [
    [hints("", "m1", "m2"), hints(uuid, "M2"), true],
    [hints(uuid, "m1"), hints(uuid.toUpperCase(), "m1"), true],
    [hints(uuid, "m1"), hints(another, "m1"), false],
    [hints(uuid, "m1"), hints(uuid, "m2"), false],
    [hints(uuid), hints(uuid, "m1"), true],
    [hints(filler), hints(filler), false],
    [hints("00000000-0000-0000-0000-000000000000"), hints("00000000-0000-0000-0000-000000000000"), false],
    [hints("", "00:00:00:00:00:00"), hints("", "00:00:00:00:00:00"), false],
    [hints(""), hints(""), false],
  ];
  for (const [one, other, same] of table) {
    assert.equal(sameMachine(one, other), same, JSON.stringify([one, other]));
    assert.equal(sameMachine(other, one), same);
  }
});

test("wired and fast comes before slow, and slow before a battery", () => {
  const good = { link: "wired", battery: false, fsyncP99Ms: 3 } as const;
  assert.equal(fitnessClass(good), 0);
  assert.equal(fitnessClass({ ...good, fsyncP99Ms: 80 }), 1);
  assert.equal(fitnessClass({ ...good, link: "wireless" }), 1);
  assert.equal(fitnessClass({ ...good, battery: true }), 2);
});
