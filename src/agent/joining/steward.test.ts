import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { houseNode, houseState, nodeId, request, sender } from "../../../test/fakes/joining.ts";
import { silentLog } from "../../../test/support/real.ts";
import type { ClusterMember } from "../../adapters/etcd3/cluster.ts";
import { keys, PREFIX } from "../../api/keys.ts";
import { PROTOCOL } from "../../joining/messages.ts";
import { Pulse } from "./pulse.ts";
import { Steward } from "./steward.ts";

const REPLACE_MS = 600_000;
const HELLO_MS = 5_000;
const LETTERS = ["a", "b", "c", "d"] as const;

function memberOf(letter: string): ClusterMember {
  const { memberName, peerUrl } = request(letter);
  return { id: `m${letter}`, name: memberName, peerUrl, clientUrls: [`https://${letter}:2379`], learner: letter === "d" };
}

/** Beside a, which leads; b and c vote, d stands by, and all agents say hello for ever. */
function stewardOf(t: TestContext) {
  const clock = new VirtualClock();
  const silent = new Set<string>();
  const removed: string[] = [];
  let members = LETTERS.map(memberOf);
  const done = { kind: "done", members: [] } as const;
  const roster = LETTERS.map((letter) => ({ key: keys.houseNode(nodeId(letter)), value: JSON.stringify(houseNode(letter)) }));
  const entries = roster.map((entry) => ({ ...entry, version: 1, createRevision: 1, modRevision: 1 }));
  const steward = new Steward({
    store: { commit: () => Promise.reject(new Error("nothing is written")) },
    reads: {
      list: async (prefix) => ({ revision: 1, clusterId: "c1", entries: String(prefix).startsWith(PREFIX.house) ? entries : [] }),
      get: async () => undefined,
    },
    cluster: {
      members: async () => members,
      remove: async (id) => {
        removed.push(id);
        members = members.filter((member) => member.id !== id);
        return done;
      },
      promote: async () => done,
      addLearner: async () => done,
      update: async () => done,
      moveLeader: async () => done,
    },
    status: async (host) => {
      const letter = host.charAt(0);
      if (silent.has(letter)) throw new Error("It does not answer");
      const said = { clusterId: "c1", leaderId: "ma", term: 2, version: "3.7.3", dbBytes: 0, dbInUseBytes: 0, isFull: false, revision: 1 };
      return { ...said, memberId: `m${letter}`, learner: letter === "d" };
    },
    localHost: "a:2379",
    self: () => sender("a"),
    peerUrl: () => request("a").peerUrl,
    house: () => houseState(),
    replaceAfterMs: () => REPLACE_MS,
    leaving: () => new Set(),
    roles: () => new Map(),
    credentials: async () => "",
    send: () => undefined,
    isAlone: () => false,
    pulse: new Pulse(clock),
    onStep: () => undefined,
    clock,
    log: silentLog,
  });
  const ending = new AbortController();
  t.after(() => ending.abort());
  void steward.run(ending.signal);
  const live = async (ms: number): Promise<void> => {
    for (const endMs = clock.now() + ms; clock.now() < endMs; await clock.advance(HELLO_MS))
      for (const letter of LETTERS.slice(1)) steward.heard({ protocol: PROTOCOL, kind: "hello", from: sender(letter) });
  };
  return { silent, removed, live, clock };
}

test("a voter whose store has not answered for long gives its vote to the standby, though its agent speaks", async (t) => {
  const { silent, removed, live } = stewardOf(t);
  await live(60_000);
  silent.add("b");
  await live(REPLACE_MS - 30_000);
  assert.deepEqual(removed, []);
  await live(60_000);
  assert.deepEqual(removed, ["mb"]);
});

test("a store that answers now and then keeps its vote", async (t) => {
  const { silent, removed, live } = stewardOf(t);
  for (let round = 0; round < 4; round++) {
    silent.add("b");
    await live(REPLACE_MS / 2);
    silent.delete("b");
    await live(HELLO_MS);
  }
  assert.deepEqual(removed, []);
});

test("while the leader's agent asked nobody nobody was silent", async (t) => {
  const { silent, removed, live } = stewardOf(t);
  await live(60_000);
  silent.add("a").add("b"); // its own store does not answer, so it sees nothing
  await live(2 * REPLACE_MS);
  silent.delete("a");
  await live(60_000);
  assert.deepEqual(removed, []);
  await live(REPLACE_MS);
  assert.deepEqual(removed, ["mb"]);
});
