import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, nodeId, NOW, request, sender, view } from "../../test/fakes/joining.ts";
import { PROTOCOL, type Present } from "./messages.ts";
import { answered, hear, look, noMemory } from "./steward-memory.ts";

const present = (letter: string): Present => {
  return { protocol: PROTOCOL, kind: "present", from: sender(letter), request: request(letter), dataDirEmpty: true, wall: "" };
};

test("who is at the head is remembered with the time since when", () => {
  const first = look(noMemory, view({ entries: [entry("b")] }), "soon");
  assert.deepEqual(first.head, { nodeId: nodeId("b"), sinceMs: NOW });
  const later = look(first, view({ entries: [entry("b")], nowMs: NOW + 5 }), "soon");
  assert.equal(later.head?.sinceMs, NOW);
  assert.equal(look(later, view({ entries: [entry("c")], nowMs: NOW + 9 }), "").head?.sinceMs, NOW + 9);
  assert.equal(look(later, view(), "").head, undefined);
});

test("what a node says of itself is kept with when it was heard", () => {
  const heard = hear(noMemory, present("b"), NOW);
  assert.deepEqual(heard.present.get(nodeId("b")), { atMs: NOW, dataDirEmpty: true, request: request("b") });
  const started = { protocol: PROTOCOL, kind: "started", from: sender("b"), memberId: "mb", clusterId: "c1" } as const;
  assert.deepEqual(hear(heard, started, NOW).started.get(nodeId("b")), { atMs: NOW, memberId: "mb", clusterId: "c1" });
});

test("however many speak, only the last ones are kept", () => {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  let memory = noMemory;
  for (const one of letters) {
    for (const other of letters) {
      const from = { ...sender("a"), nodeId: one.repeat(15) + other };
      memory = hear(memory, { ...present("a"), from }, NOW);
    }
  }
  assert.equal(memory.present.size, 256);
  assert(memory.present.has("7".repeat(16)));
});

test("a refusal that passes by itself is remembered until something is done", () => {
  const first = answered(noMemory, "unhealthy", NOW);
  const second = answered(answered(first, "unknown", NOW + 1_000), "unhealthy", NOW + 2_000);
  assert.equal(second.unhealthySinceMs, NOW);
  assert.equal(second.addAgainAtMs, NOW + 3_000);
  const done = answered(second, "done", NOW + 4_000);
  assert.deepEqual([done.unhealthySinceMs, done.addAgainAtMs], [undefined, undefined]);
});

test("once all voters are there, an old refusal says nothing about the next one that is away", () => {
  const refused = answered(noMemory, "unhealthy", NOW);
  assert.equal(look(refused, view({ voters: "abc", dead: "b" }), "").unhealthySinceMs, NOW);
  assert.equal(look(refused, view({ voters: "abc", learners: "d", dead: "d" }), "").unhealthySinceMs, undefined);
});
