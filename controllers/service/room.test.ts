import assert from "node:assert/strict";
import { test } from "node:test";
import { decided, houseFacts, instance, nodeFacts } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { holdRoom, roomTaken, type Placement } from "./room.ts";

const GIB = 2 ** 30;

function takes(gib: number, revision: number, { node = "nas", cpus = 0 } = {}): Placement {
  return { room: { [node]: { bytes: gib * GIB, cpus, freeBytes: 8 * GIB, freeCpus: 2 } }, revision };
}

test("roomTaken() adds up what the new instances reserve, by node, beside what is free there", () => {
  const spec = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { resources: { memory: "3Gi", cpus: 0.5 } })] });
  const added = [
    instance("aaaa", "nas", spec),
    instance("bbbb", "nas", spec),
    instance("cccc", "pi", spec),
    instance("dddd", "gone", spec),
  ];
  const nodes = [nodeFacts("nas", { load: { instances: 1, memoryBytes: GIB, cpus: 1 } }), nodeFacts("pi", {}, { memoryBytes: 4 * GIB })];
  assert.deepEqual(roomTaken(decided("app", spec, added), added, houseFacts({ nodes })), {
    nas: { bytes: 6 * GIB, cpus: 1, freeBytes: 7 * GIB, freeCpus: 3 },
    pi: { bytes: 3 * GIB, cpus: 0.5, freeBytes: 4 * GIB, freeCpus: 4 },
  });
});

test("what is being written, or was since the look, leaves less room; what the look had seen, or came to nothing, does not", async () => {
  const mirror = await mirrorOf(() => {});
  const first = holdRoom(takes(5, 10), mirror);
  assert.ok(first);
  assert.equal(holdRoom(takes(5, 10), mirror), undefined, "the first is being written");
  assert.ok(holdRoom(takes(5, 10, { node: "pi" }), mirror), "another node");
  first(12);
  assert.equal(holdRoom(takes(5, 11), mirror), undefined, "it was written since");
  const second = holdRoom(takes(5, 12), mirror);
  assert.ok(second, "it was seen");
  second(undefined);
  assert.ok(holdRoom(takes(3, 12), mirror), "nothing was written");
});

test("CPUs are counted where they are asked for, and one house knows nothing of another", async () => {
  const [mirror, other] = [await mirrorOf(() => {}), await mirrorOf(() => {})];
  assert.ok(holdRoom(takes(1, 1, { cpus: 1.5 }), mirror));
  assert.equal(holdRoom(takes(1, 1, { cpus: 1 }), mirror), undefined);
  assert.ok(holdRoom(takes(1, 1), mirror));
  assert.ok(holdRoom(takes(1, 1, { cpus: 1 }), other));
});
