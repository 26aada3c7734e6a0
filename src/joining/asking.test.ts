import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { here, houseState, nodeId, sender } from "../../test/fakes/joining.ts";
import { beginAsking, hearAdmitted, hearAsking, hearEtcd, presentMessage, startedMessage, tickAsking, tickStarting } from "./asking.ts";
import type { Joiner, JoinerEffect, Phase } from "./joiner-state.ts";
import { newJoiner } from "./joiner.ts";
import { PROTOCOL, type Admission, type Admitted, type JoinAnswer, type RequestAdmission } from "./messages.ts";

type Asking = Extract<Phase, { kind: "asking" }>;
type Starting = Extract<Phase, { kind: "starting" }>;

const from = sender("a", { house: houseState() });
const house = { id: "house1", epoch: 0, contacts: ["a:733", "c:733"], term: 3 };
const asking: Asking = { kind: "asking", house, askedAtMs: 0, heardAtMs: 0 };
const admission: Admission = {
  nodeId: nodeId("b"),
  name: "b",
  role: "learner",
  memberName: `${nodeId("b")}-i1`,
  memberId: "mb",
  clusterId: "c1",
  initialCluster: [],
};
const starting: Starting = { kind: "starting", house, admission, sinceMs: 0, leader: ["a:733"] };

const at = (nowMs: number): ReturnType<typeof here> => here("b", { nowMs });
const inPhase = (phase: Phase): Joiner => ({ ...newJoiner(0), phase });
const sent = (effects: readonly JoinerEffect[]): readonly unknown[] =>
  effects.map((effect) => (effect.kind === "send" ? [effect.message.kind, effect.to[0]] : effect.kind));

const answer = (verdict: JoinAnswer["verdict"]): JoinAnswer => {
  return { protocol: PROTOCOL, kind: "join-answer", from, verdict, reason: "why", members: ["d:733"] };
};
const call = (more: Partial<RequestAdmission> = {}): RequestAdmission => {
  return { protocol: PROTOCOL, kind: "request-admission", from, term: 3, members: ["d:733"], ...more };
};
const admitted = (more: Partial<Admission> = {}): Admitted => {
  return { protocol: PROTOCOL, kind: "admitted", from, admission: { ...admission, ...more }, credentials: "secret" };
};

function asksNow(phase: Phase): Asking {
  assert(phase.kind === "asking", phase.kind);
  return phase;
}

describe("a node that asks", () => {
  test("asks its contact first, and after 2 s without an answer the next one", () => {
    const first = beginAsking(inPhase({ kind: "looking", sinceMs: 0 }), at(0), { state: houseState(), contacts: house.contacts });
    assert.deepEqual(sent(first.effects), [["join", "a:733"]]);
    const phase = asksNow(first.joiner.phase);
    assert.deepEqual(sent(tickAsking(first.joiner, at(1_999), phase).effects), []);
    assert.deepEqual(sent(tickAsking(first.joiner, at(2_000), phase).effects), [["join", "c:733"]]);
  });

  test("learns of the other members from answers and broadcasts", () => {
    const answered = hearAsking(inPhase(asking), at(5), asking, answer("queued"));
    assert.deepEqual(asksNow(answered.joiner.phase).house.contacts, ["a:733", "c:733", "d:733"]);
    assert.deepEqual(asksNow(hearAsking(inPhase(asking), at(5), asking, call()).joiner.phase).house.contacts.at(-1), "d:733");
  });

  test("starts over when no broadcast came for 30 s, and every one resets the timer, for whomever", () => {
    const queued: Asking = { ...asking, verdict: "queued" };
    assert.equal(tickAsking(inPhase(queued), at(29_999), queued).joiner.phase.kind, "asking");
    assert.equal(tickAsking(inPhase(queued), at(30_000), queued).joiner.phase.kind, "looking");
    const heard = hearAsking(inPhase(queued), at(29_999), queued, call({ head: nodeId("x") })).joiner;
    assert.equal(tickAsking(heard, at(30_000), asksNow(heard.phase)).joiner.phase.kind, "asking");
  });

  test("asks again, of another, when the queue is silent for 5 s", () => {
    const queued: Asking = { ...asking, verdict: "queued", heardAtMs: 1_000, askedAtMs: 1_000 };
    assert.deepEqual(sent(tickAsking(inPhase(queued), at(5_999), queued).effects), []);
    assert.deepEqual(sent(tickAsking(inPhase(queued), at(6_000), queued).effects), [["join", "c:733"]]);
  });

  test("says what a person has to do, once", () => {
    const waits = hearAsking(inPhase(asking), at(5), asking, answer("waits for approval"));
    assert.deepEqual(waits.effects, [{ kind: "say", text: "The house of a waits for a person: type `fossora node approve b` there." }]);
    assert.deepEqual(hearAsking(waits.joiner, at(6), asking, answer("waits for approval")).effects, []);
    const refused = hearAsking(inPhase(asking), at(5), asking, answer("refused"));
    assert.deepEqual(refused.effects, [{ kind: "say", text: "The house of a does not let this node in: why." }]);
  });

  test("sends for no person where the tailnet vouches for it: asked on the LAN, a member cannot know", () => {
    const trusted = { sender: from, address: "a:733", members: [], trust: "trusted", seenAtMs: 0 } as const;
    const ofTheTailnet: Joiner = { ...inPhase(asking), peers: new Map([[from.nodeId, trusted]]) };
    const early = hearAsking(ofTheTailnet, at(9_999), asking, answer("waits for approval"));
    assert.deepEqual([early.effects, asksNow(early.joiner.phase).verdict], [[], undefined]);
    assert.equal(hearAsking(ofTheTailnet, at(10_000), asking, answer("waits for approval")).effects.length, 1);
    const queued: Asking = { ...asking, verdict: "queued" };
    const still = hearAsking(inPhase(queued), at(60_000), queued, answer("waits for approval"));
    assert.deepEqual([still.effects, asksNow(still.joiner.phase).verdict], [[], "queued"]);
  });

  test("answers only when it is named", () => {
    assert.deepEqual(sent(hearAsking(inPhase(asking), at(5), asking, call({ head: nodeId("b") })).effects), [["present", "a:733"]]);
    assert.deepEqual(sent(hearAsking(inPhase(asking), at(5), asking, call({ head: nodeId("c") })).effects), []);
  });

  test("believes no leader that has been replaced, and no other house", () => {
    const named = { head: nodeId("b") };
    assert.deepEqual(hearAsking(inPhase(asking), at(5), asking, call({ ...named, term: 2 })).effects, []);
    const foreign = sender("a", { house: houseState({ id: "house2" }) });
    assert.deepEqual(hearAsking(inPhase(asking), at(5), asking, call({ ...named, from: foreign })).effects, []);
    const older = { ...asking, house: { ...house, epoch: 1 } };
    assert.deepEqual(hearAsking(inPhase(older), at(5), older, call(named)).effects, []);
    const takenOver = call({ ...named, term: 1, from: sender("a", { house: houseState({ epoch: 1 }) }) });
    assert.deepEqual(sent(hearAsking(inPhase(asking), at(5), asking, takenOver).effects), [["present", "a:733"]]);
  });
});

describe("a node that is admitted", () => {
  test("sets aside what data it has and starts", () => {
    const { joiner, effects } = hearAsking(inPhase(asking), at(5), asking, admitted());
    assert.equal(joiner.phase.kind, "starting");
    assert.deepEqual(effects, [{ kind: "archive" }, { kind: "start", admission, credentials: "secret" }]);
  });

  test("does not take what was meant for another", () => {
    assert.deepEqual(hearAdmitted(inPhase(asking), at(5), house, admitted({ nodeId: nodeId("c") })).effects, []);
  });

  test("is a member when its etcd runs with exactly the right ids, and says so to the leader", () => {
    const { joiner, effects } = hearEtcd(inPhase(starting), at(5), starting, { kind: "etcd-runs", clusterId: "c1", memberId: "mb" });
    assert.deepEqual(joiner.phase, { kind: "member", membership: { houseId: "house1", epoch: 0, clusterId: "c1", memberId: "mb" } });
    assert.deepEqual(sent(effects), ["keep", ["started", "a:733"]]);
  });

  test("sets its data aside and asks again when the ids are others, when etcd ends, and when it hangs", () => {
    const wrong = [
      hearEtcd(inPhase(starting), at(5), starting, { kind: "etcd-runs", clusterId: "c2", memberId: "mb" }),
      hearEtcd(inPhase(starting), at(5), starting, { kind: "etcd-runs", clusterId: "c1", memberId: "mx" }),
      hearEtcd(inPhase(starting), at(5), starting, { kind: "etcd-ended", reason: "failed" }),
      tickStarting(inPhase(starting), at(25_000), starting),
    ];
    for (const { joiner, effects } of wrong) {
      assert.deepEqual(effects, [{ kind: "archive" }]);
      assert.equal(joiner.phase.kind, "asking");
    }
    assert.equal(tickStarting(inPhase(starting), at(24_999), starting).joiner.phase.kind, "starting");
  });

  test("as a worker is in at once, without an etcd", () => {
    const { memberId: _, ...worker } = { ...admission, role: "worker" as const };
    const { joiner, effects } = hearAdmitted(inPhase(asking), at(5), house, { ...admitted(), admission: worker });
    assert.deepEqual(joiner.phase, { kind: "member", membership: { houseId: "house1", epoch: 0, clusterId: "c1" } });
    assert.deepEqual(sent(effects), ["archive", "start", "keep", ["started", "a:733"]]);
  });
});

test("what it says of itself carries its ids and its request", () => {
  const membership = { houseId: "house1", epoch: 0, clusterId: "c1" };
  assert.deepEqual(startedMessage(at(0), membership), { protocol: PROTOCOL, kind: "started", from: sender("b"), clusterId: "c1" });
  const present = presentMessage(at(0), true);
  assert(present.kind === "present" && present.dataDirEmpty && present.request.peerUrl === "https://b:2380");
});
