import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { entry, houseNode, member, nodeId, NOW, request, view } from "../../test/fakes/joining.ts";
import { admissionOf, planSteward, type StewardStep } from "./admission.ts";
import type { ActiveAdmission, HouseView, Stored } from "./house-view.ts";
import type { MachineHints } from "./messages.ts";
import { noMemory, type StewardMemory } from "./steward-memory.ts";

const N = nodeId("n");
const UUID = "4c4c4544-0042-3510-8052-b4c04f4d4d32";

function active(more: Partial<ActiveAdmission> = {}, seenAtMs = NOW): Stored<ActiveAdmission> {
  const value = {
    nodeId: N,
    name: "n",
    peerUrl: "https://n:2380",
    memberName: `${N}-i1`,
    role: "learner",
    step: "adding",
    until: "",
  } as const;
  return { value: { ...value, ...more }, modRevision: 9, seenAtMs };
}

function present(letter: string, more: Partial<StewardMemory> = {}): StewardMemory {
  return { ...noMemory, present: new Map([[nodeId(letter), { atMs: NOW, dataDirEmpty: true, request: request(letter) }]]), ...more };
}

const kindOf = (seen: HouseView, memory: StewardMemory = noMemory): StewardStep["kind"] | "nothing" =>
  planSteward(seen, memory)?.kind ?? "nothing";

const unstarted = member("n", { name: "", learner: true, seenAtMs: NOW });
const added = active({ step: "added", memberId: "mn" });
const withN = (seen: Parameters<typeof view>[0], joiner = unstarted): HouseView => {
  const made = view(seen);
  return { ...made, members: [...made.members, joiner] };
};

describe("while nobody is being admitted", () => {
  const queued = { entries: [entry("n")] };

  test("the head is admitted once it has answered", () => {
    assert.equal(kindOf(view(queued)), "nothing");
    const step = planSteward(view(queued), present("n"));
    assert(step?.kind === "activate");
    assert.deepEqual([step.active.step, step.active.role, step.active.peerUrl], ["adding", "learner", "https://n:2380"]);
  });

  test("an answer from before does not count, nor one with data", () => {
    const old = { atMs: NOW - 3_001, dataDirEmpty: true, request: request("n") };
    assert.equal(kindOf(view(queued), { ...noMemory, present: new Map([[N, old]]) }), "nothing");
    assert.equal(kindOf(view(queued), { ...noMemory, present: new Map([[N, { ...old, atMs: NOW, dataDirEmpty: false }]]) }), "nothing");
  });

  test("a head that is silent for 5 s lets the others go first, and is forgotten after three turns", () => {
    const head = (sinceMs: number): StewardMemory => ({ ...noMemory, head: { nodeId: N, sinceMs } });
    assert.equal(kindOf(view(queued), head(NOW - 4_999)), "nothing");
    assert.equal(kindOf(view(queued), head(NOW - 5_000)), "postpone");
    assert.equal(kindOf(view({ entries: [entry("n", { missed: 2 })] }), head(NOW - 5_000)), "drop");
  });

  test("voters are put in order before the next one is let in", () => {
    assert.equal(kindOf(view({ voters: "a", learners: "bc", ...queued }), present("n")), "promote");
  });

  test("no more learners are added than the flags of all allow", () => {
    assert.equal(kindOf(view({ voters: "a", learners: "b", learnersMax: 1, ...queued }), present("n")), "nothing");
  });

  test("the seventh node becomes a worker", () => {
    const step = planSteward(view({ voters: "abcde", learners: "f", ...queued }), present("n"));
    assert(step?.kind === "activate");
    assert.equal(step.active.role, "worker");
  });

  test("where a voter that is away keeps learners out, a node becomes a worker soon, also in the middle of its admission", () => {
    const dead = { voters: "abc", dead: "b", ...queued };
    const roleAt = (agoMs: number, more: Partial<HouseView> = {}): string | undefined => {
      const step = planSteward({ ...view(dead), ...more }, present("n", { unhealthySinceMs: NOW - agoMs }));
      return step?.kind === "activate" || step?.kind === "advance" ? `${step.kind} ${step.active.role}` : step?.kind;
    };
    assert.equal(roleAt(10_000), "activate worker");
    assert.equal(roleAt(9_000), "activate learner");
    assert.equal(roleAt(10_000, { active: active({ step: "adding" }) }), "advance worker");
    assert.equal(roleAt(9_000, { active: active({ step: "adding" }) }), "add-learner");
    assert.equal(roleAt(10_000, { ...view({ voters: "abc", ...queued }), active: active({ step: "adding" }) }), "add-learner");
  });

  test("a machine that may be a reinstalled one waits until its former self has been silent for long", () => {
    const machine = request("b").machine;
    const again = entry("n", { request: { ...request("n"), machine } });
    const heardAtMs = new Map([[nodeId("b"), NOW - 30_000]]);
    const memory = { ...noMemory, present: new Map([[N, { atMs: NOW, dataDirEmpty: true, request: again.value.request }]]) };
    assert.equal(kindOf(view({ voters: "abc", dead: "b", heardAtMs, entries: [again] }), memory), "nothing");
    assert.equal(kindOf(view({ voters: "abc", dead: "b", heardAtMs, entries: [again, entry("o", { order: 2 })] }), memory), "postpone");
    const step = planSteward(view({ voters: "abc", dead: "b", entries: [again] }), memory);
    assert(step?.kind === "activate");
    assert.deepEqual([step.active.step, step.active.replaces], ["making room", nodeId("b")]);
  });

  test("a newcomer at another one's address comes in at its others while that one is alive, else it waits", () => {
    const planned = (peerUrl: string, seen: Parameters<typeof view>[0]): StewardStep | undefined => {
      const at = { ...request("n"), peerUrl };
      const memory = { ...noMemory, present: new Map([[N, { atMs: NOW, dataDirEmpty: true, request: at }]]) };
      return planSteward(view({ ...seen, entries: [entry("n", { request: at })] }), memory);
    };
    const step = planned("https://b:2380,https://tailnet-n:2380", { voters: "abc" });
    assert(step?.kind === "activate");
    assert.deepEqual([step.active.peerUrl, step.active.step, step.active.replaces], ["https://tailnet-n:2380", "adding", undefined]);
    assert.equal(planned("https://b:2380,https://tailnet-n:2380", { voters: "abc", dead: "b" }), undefined);
    assert.equal(planned("https://b:2380", { voters: "abc" }), undefined);
  });

  test("a member that nobody is admitting is removed after 10 s", () => {
    assert.equal(kindOf(withN({})), "nothing");
    assert.equal(kindOf(withN({}, { ...unstarted, seenAtMs: NOW - 10_000 })), "remove");
    assert.equal(kindOf(withN({}, { ...unstarted, name: `${N}-i1`, seenAtMs: NOW - 10_000 })), "remove");
  });
});

describe("while one is being admitted", () => {
  const adding = { entries: [entry("n")], active: active() };

  test("its member is added as a learner, once etcd may be asked again", () => {
    assert.deepEqual(planSteward(view(adding), noMemory), { kind: "add-learner", peerUrl: "https://n:2380" });
    assert.equal(kindOf(view(adding), { ...noMemory, addAgainAtMs: NOW + 1 }), "nothing");
  });

  test("a member with its peer URL that has not started is adopted", () => {
    const step = planSteward(withN(adding), noMemory);
    assert(step?.kind === "advance");
    assert.deepEqual([step.active.step, step.active.memberId], ["added", "mn"]);
  });

  test("nothing is added while another member has not started", () => {
    assert.equal(kindOf(withN(adding, member("x", { name: "", learner: true }))), "nothing");
  });

  test("a former self is removed first, unless that would lose the quorum or the leader", () => {
    const room = { entries: [entry("n")], active: active({ step: "making room", replaces: nodeId("b") }) };
    assert.deepEqual(planSteward(view({ voters: "abc", dead: "b", ...room }), noMemory), {
      kind: "remove",
      memberId: "mb",
      why: "its machine comes back with new data",
    });
    assert.equal(kindOf(view({ voters: "abcd", dead: "bc", ...room })), "remove");
    assert.equal(kindOf(view({ voters: "ab", dead: "ab", ...room })), "nothing");
    assert.equal(kindOf(view({ voters: "bac", dead: "", ...room })), "nothing");
    assert.equal(kindOf(view({ voters: "ac", ...room })), "advance");
  });

  test("the newcomer is told exactly the present members", () => {
    const seen = withN({ voters: "ab", entries: [entry("n")], active: added });
    assert.deepEqual(
      admissionOf(seen)?.initialCluster.map(({ name }) => name),
      [`${nodeId("a")}-i1`, `${nodeId("b")}-i1`, `${N}-i1`],
    );
    const another = { ...seen, members: [...seen.members, member("x", { name: "" })] };
    assert.equal(admissionOf(another), undefined);
  });

  const running = { ...unstarted, name: `${N}-i1` };
  const health = new Map([["mn", { answeringSinceMs: NOW, answeredAtMs: NOW }]]);
  const started = (memberId: string): StewardMemory => ({ ...noMemory, started: new Map([[N, { atMs: NOW, memberId, clusterId: "c1" }]]) });

  test("it is in when it says so with the right ids and answers", () => {
    const seen = { ...withN({ entries: [entry("n")], active: added }, running), health };
    const step = planSteward(seen, started("mn"));
    assert(step?.kind === "finish");
    assert.deepEqual([step.node.nodeId, step.node.name, step.node.request.memberName], [N, "n", `${N}-i1`]);
    assert.equal(kindOf(seen, started("other")), "nothing");
    assert.equal(kindOf({ ...seen, health: new Map() }, started("mn")), "nothing");
  });

  test("whose place it takes is struck off by a person's word, or where its machine is surely the same: a card may be plugged elsewhere", () => {
    const strikesOff = (machine: MachineHints, replaces?: string): boolean | undefined => {
      const queued = entry("n", { request: { ...request("n"), machine }, ...(replaces !== undefined && { replaces }) });
      const former = houseNode("b", { request: { ...request("b"), machine: { ...machine, productUuid: UUID } } });
      const roster = new Map([[nodeId("b"), former]]);
      const seen = {
        ...withN({ entries: [queued], active: { ...added, value: { ...added.value, replaces: nodeId("b") } }, roster }, running),
        health,
      };
      const step = planSteward(seen, started("mn"));
      assert(step?.kind === "finish");
      assert.equal(step.replaces, nodeId("b"));
      return step.strikesOff;
    };
    const macs = ["02:11:22:33:44:55"];
    assert.equal(strikesOff({ macs, productUuid: "" }), false);
    assert.equal(strikesOff({ macs, productUuid: UUID }), true);
    assert.equal(strikesOff({ macs: [], productUuid: "" }, nodeId("b")), true);
  });

  test("it gets its former self's name back, and otherwise one that is free", () => {
    const nameOf = (seen: HouseView, memory = present("n")): string => {
      const step = planSteward(seen, memory);
      assert(step?.kind === "activate");
      return step.active.name;
    };
    const again = entry("n", { request: { ...request("n"), machine: request("b").machine } });
    const memory = { ...noMemory, present: new Map([[N, { atMs: NOW, dataDirEmpty: true, request: again.value.request }]]) };
    assert.equal(nameOf(view({ voters: "abc", dead: "b", entries: [again] }), memory), "b");
    const taken = new Map([[nodeId("a"), houseNode("a", { name: "n" })]]);
    assert.equal(nameOf(view({ entries: [entry("n")], roster: taken })), "n-2");
    assert.equal(nameOf(view({ entries: [entry("n")] })), "n");
  });

  test("after 30 s it is in if it runs, and removed if it never started", () => {
    const late = { ...added, seenAtMs: NOW - 30_000 };
    assert.equal(kindOf({ ...withN({ entries: [entry("n")], active: late }, running), health }), "finish");
    assert.equal(kindOf(withN({ entries: [entry("n")], active: late })), "remove");
    assert.equal(kindOf(withN({ entries: [entry("n")], active: { ...added, seenAtMs: NOW - 29_999 } })), "nothing");
    assert.equal(kindOf(withN({ entries: [entry("n")], active: late, leadsSinceMs: NOW - 1_000 })), "nothing");
  });

  test("a member that started and asks again with an empty folder is removed at once", () => {
    const lost = withN({ entries: [entry("n")], active: added }, { ...running, seenAtMs: NOW - 5_000 });
    assert.equal(kindOf(lost, present("n")), "remove");
    assert.equal(kindOf({ ...lost, health }, present("n")), "nothing");
  });

  test("when its member is gone, or nothing came of it, the others go first", () => {
    assert.equal(kindOf(view({ entries: [entry("n")], active: added })), "give-up");
    assert.equal(kindOf(view({ ...adding, active: active({}, NOW - 30_000) }), { ...noMemory, addAgainAtMs: NOW + 1 }), "give-up");
    assert.equal(kindOf(view({ ...adding, active: active({}, NOW - 30_000) })), "give-up", "however often it could be tried again");
    assert.equal(kindOf(withN({ ...adding, active: active({}, NOW - 30_000) })), "advance", "it was added after all");
  });

  test("when its entry is gone its member goes, too", () => {
    assert.equal(kindOf(withN({ active: added })), "remove");
    assert.equal(kindOf(view({ active: added })), "give-up");
  });

  test("a worker is in when it says that it has the right cluster", () => {
    const seen = view({ entries: [entry("n")], active: active({ role: "worker", step: "added" }) });
    assert.equal(kindOf(seen), "nothing");
    assert.equal(kindOf(seen, { ...noMemory, started: new Map([[N, { atMs: NOW, clusterId: "c1" }]]) }), "finish");
    assert.equal(kindOf(seen, { ...noMemory, started: new Map([[N, { atMs: NOW, clusterId: "c2" }]]) }), "nothing");
  });
});
