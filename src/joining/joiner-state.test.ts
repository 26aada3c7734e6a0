import assert from "node:assert/strict";
import { test } from "node:test";
import { sender } from "../../test/fakes/joining.ts";
import { andThen, enter, say, startOver, stay } from "./joiner-state.ts";
import { newJoiner } from "./joiner.ts";

const joiner = newJoiner(5);

test("steps follow each other with all their effects", () => {
  const stepped = andThen(stay(joiner, [{ kind: "archive" }]), (next) =>
    enter(next, { kind: "founding", sinceMs: 7 }, [{ kind: "found" }]),
  );
  assert.deepEqual(
    stepped.effects.map(({ kind }) => kind),
    ["archive", "found"],
  );
  assert.equal(stepped.joiner.phase.kind, "founding");
});

test("the same is said once, and what is about the same as well", () => {
  const once = say(joiner, "hello");
  assert.deepEqual(once.effects, [{ kind: "say", text: "hello" }]);
  assert.deepEqual(say(once.joiner, "hello").effects, []);
  const about = say(joiner, "a house, seen by a", "house1");
  assert.deepEqual(say(about.joiner, "a house, seen by b", "house1").effects, []);
});

test("who starts over knows nobody", () => {
  const peer = { sender: sender("b"), address: "b:733", members: [], trust: "trusted", seenAtMs: 5 } as const;
  const { joiner: fresh } = startOver({ ...joiner, helloAtMs: 6, peers: new Map([["b", peer]]) }, 9);
  assert.deepEqual([fresh.peers.size, fresh.helloAtMs, fresh.phase], [0, undefined, { kind: "looking", sinceMs: 9 }]);
});
