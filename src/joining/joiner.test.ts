import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { here, houseState, nodeId, request, sender } from "../../test/fakes/joining.ts";
import type { Here, Joiner, JoinerEffect, JoinerEvent, Membership } from "./joiner-state.ts";
import { newJoiner, step } from "./joiner.ts";
import { PROTOCOL, type Message, type Trust } from "./messages.ts";

const kept: Membership = { houseId: "house1", epoch: 0, clusterId: "c1", memberId: "mb" };
const inHouse = (more: Partial<ReturnType<typeof houseState>> = {}): Here =>
  here("b", { self: sender("b", { house: houseState(more) }), houseIsFresh: true, members: ["a:733", "b:733"] });

const heard = (message: Message, trust: Trust = "trusted"): JoinerEvent => ({
  kind: "heard",
  message,
  from: message.from.addresses[0] ?? "",
  trust,
});
const hello = (letter: string, house?: ReturnType<typeof houseState>): Message => {
  return { protocol: PROTOCOL, kind: "hello", from: sender(letter, house === undefined ? {} : { house }) };
};
const kinds = (effects: readonly JoinerEffect[]): readonly string[] =>
  effects.map((effect) => (effect.kind === "send" ? effect.message.kind : effect.kind));

describe("hello", () => {
  test("is answered in every phase, with the house and its members", () => {
    const fresh = step(newJoiner(0), heard(hello("c")), here("b"));
    assert.deepEqual(kinds(fresh.effects), ["hello-answer"]);
    const { effects } = step(newJoiner(0, kept), heard(hello("c")), inHouse());
    assert(effects[0]?.kind === "send" && effects[0].message.kind === "hello-answer");
    assert.deepEqual([effects[0].message.from.house?.id, effects[0].message.members], ["house1", ["a:733", "b:733"]]);
  });

  test("of somebody who is refused is not answered, nor remembered", () => {
    const { joiner, effects } = step(newJoiner(0), heard(hello("c"), "refused"), here("b"));
    assert.deepEqual([effects.length, joiner.peers.size], [0, 0]);
  });

  test("of itself is nobody's", () => assert.deepEqual(step(newJoiner(0), heard(hello("b")), here("b")).effects, []));
});

describe("a member", () => {
  const member = newJoiner(0, kept);

  test("says again that it started, when its leader still calls it", () => {
    const call = { protocol: PROTOCOL, kind: "request-admission", term: 1, head: nodeId("b"), members: [] } as const;
    const message: Message = { ...call, from: sender("a", { house: houseState() }) };
    assert.deepEqual(kinds(step(member, heard(message), inHouse()).effects), ["started"]);
    const { memberId: _, ...worker } = kept;
    assert.deepEqual(kinds(step(newJoiner(0, worker), heard(message), inHouse()).effects), ["started", "present"]);
  });

  test("gives up an empty house of one for another, and asks there at once", () => {
    const { joiner, effects } = step(member, heard(hello("a", houseState({ id: "house0" }))), inHouse({ nodes: 1, hasObjects: false }));
    assert.deepEqual(kinds(effects), ["hello-answer", "say", "archive", "forget", "join"]);
    assert.equal(joiner.phase.kind, "asking");
  });

  test("gives up nothing on stale numbers, or for somebody whom it does not trust", () => {
    const other = hello("a", houseState({ id: "house0" }));
    const empty = inHouse({ nodes: 1, hasObjects: false });
    assert.deepEqual(kinds(step(member, heard(other), { ...empty, houseIsFresh: false }).effects), ["hello-answer"]);
    const beside = step(member, heard(other, "needs approval"), empty).effects;
    assert.deepEqual(kinds(beside), ["hello-answer", "say"]);
    assert.match(JSON.stringify(beside), /To join that one: fossora join/);
  });

  test("says once that there are two houses", () => {
    const first = step(member, heard(hello("a", houseState({ id: "house0" }))), inHouse());
    assert.match(JSON.stringify(first.effects), /two houses, this one and that of a; they are never merged/);
    assert.deepEqual(kinds(step(first.joiner, heard(hello("d", houseState({ id: "house0" }))), inHouse()).effects), ["hello-answer"]);
  });

  test("that meets a higher epoch of its house sets its data aside and joins again", () => {
    const { joiner, effects } = step(member, heard(hello("a", houseState({ epoch: 1 }))), inHouse());
    assert.deepEqual(kinds(effects), ["hello-answer", "say", "remember", "archive", "forget", "join"]);
    assert(joiner.phase.kind === "asking");
    assert.equal(joiner.phase.house.epoch, 1);
    // Whatever becomes of its agent meanwhile.
    const [left] = effects.flatMap((effect) => (effect.kind === "remember" ? [effect.left] : []));
    assert.deepEqual(newJoiner(0, undefined, left).left, joiner.left);
  });

  test("that left for a higher epoch joins none of a lower one, and founds none of its own beside it", () => {
    const { joiner } = step(member, heard(hello("a", houseState({ epoch: 1 }))), inHouse());
    const away = { ...joiner, phase: { kind: "looking", sinceMs: 0 }, peers: new Map() } as const;
    const later = (state: Joiner, nowMs: number) => step(state, heard(hello("c", houseState())), { ...here("b"), nowMs });
    const waiting = later(later(away, 2_000).joiner, 4_000);
    assert.equal(waiting.joiner.phase.kind, "looking");
    assert.equal(
      step(waiting.joiner, heard(hello("a", houseState({ epoch: 1 }))), { ...here("b"), nowMs: 4_500 }).joiner.phase.kind,
      "asking",
    );
    // A person knows better.
    const told = step(waiting.joiner, { kind: "told to leave" }, { ...here("b"), nowMs: 4_500 });
    assert.deepEqual(told.effects[0], { kind: "remember" });
    assert.equal(later(later(told.joiner, 6_500).joiner, 8_500).joiner.phase.kind, "asking");
  });

  test("believes nobody who is not trusted that its house was taken over", () => {
    const { joiner, effects } = step(member, heard(hello("a", houseState({ epoch: 1 })), "needs approval"), inHouse());
    assert.deepEqual([joiner.phase.kind, kinds(effects)], ["member", ["hello-answer"]]);
  });

  test("speaks as one although it has not read its house's state, and leaves for a higher epoch even then", () => {
    const ignorant = here("b");
    const { effects } = step(member, heard(hello("c")), ignorant);
    assert(effects[0]?.kind === "send");
    assert.deepEqual(effects[0].message.from.house, {
      id: "house1",
      epoch: 0,
      clusterId: "c1",
      nodes: 2,
      hasObjects: true,
      joining: "auto",
    });
    assert.equal(step(member, heard(hello("a", houseState({ epoch: 1 }))), ignorant).joiner.phase.kind, "asking");
    assert.equal(step(newJoiner(0), heard(hello("c")), inHouse()).joiner.phase.kind, "looking");
    const fresh = step(newJoiner(0), heard(hello("c")), inHouse()).effects[0];
    assert(fresh?.kind === "send" && fresh.message.from.house === undefined);
  });

  test("leaves a house without objects whose voters have left, and says what to do in one with", () => {
    const alone = { ...inHouse({ hasObjects: false }), houseIsFresh: false, voters: [nodeId("a")] };
    const after = (where: Here, letterHouse?: ReturnType<typeof houseState>): readonly string[] => {
      let joiner = step(member, { kind: "tick" }, where).joiner;
      joiner = step(joiner, heard(hello("a", letterHouse)), { ...where, nowMs: 29_000 }).joiner;
      assert.equal(kinds(step(joiner, { kind: "tick" }, { ...where, nowMs: 29_999 }).effects).includes("forget"), false);
      return kinds(step(joiner, { kind: "tick" }, { ...where, nowMs: 30_000 }).effects);
    };
    assert.deepEqual(after(alone).slice(0, 3), ["say", "archive", "forget"]);
    assert.equal(after(alone, houseState()).includes("forget"), false);
    assert.equal(after({ ...alone, voters: [nodeId("a"), nodeId("c"), nodeId("d")] }).includes("forget"), false);
    assert.deepEqual(after({ ...alone, self: inHouse().self }).slice(0, 1), ["say"]);
    assert.equal(after({ ...alone, self: inHouse().self }).includes("forget"), false);
  });

  test("stays when its etcd merely failed, and leaves when it was removed or absorbed elsewhere", () => {
    assert.equal(step(member, { kind: "etcd-ended", reason: "failed" }, inHouse()).joiner.phase.kind, "member");
    assert.equal(step(member, { kind: "etcd-runs", clusterId: "c1", memberId: "mb" }, inHouse()).joiner.phase.kind, "member");
    const events: readonly JoinerEvent[] = [
      { kind: "etcd-ended", reason: "removed" },
      { kind: "etcd-runs", clusterId: "c2", memberId: "mb" },
      { kind: "etcd-runs", clusterId: "c1", memberId: "mx" },
    ];
    for (const event of events) {
      const { joiner, effects } = step(member, event, inHouse());
      assert.deepEqual(kinds(effects), ["archive", "forget"]);
      assert.equal(joiner.phase.kind, "looking");
    }
  });

  test("that was removed while it was away leaves, and its disk says first that no house waits for it", () => {
    const { joiner, effects } = step(member, { kind: "was removed" }, inHouse());
    assert.deepEqual(kinds(effects), ["say", "count out", "archive", "forget"]);
    assert.deepEqual([joiner.phase.kind, joiner.left], ["looking", undefined]);
    assert.deepEqual(step(newJoiner(0), { kind: "was removed" }, here("b")).effects, []);
  });

  test("that a person sends to another house goes if its own is empty, and says what to do if not", () => {
    const wish = { addresses: ["nas:733"] };
    assert.deepEqual(kinds(step(member, { kind: "tick" }, { ...inHouse({ nodes: 1, hasObjects: false }), wish }).effects).slice(0, 2), [
      "archive",
      "forget",
    ]);
    const stays = step(member, { kind: "tick" }, { ...inHouse(), wish });
    assert.match(JSON.stringify(stays.effects[0]), /Cannot join nas:733.*First: fossora leave/);
  });
});

test("a house whose voters are all elsewhere is left where it is empty, or was never seen; else a person is told", () => {
  const elsewhere = heard(hello("a", houseState({ id: "house0" })));
  const after = (more: Partial<Here>): { readonly joiner: Joiner; readonly effects: readonly JoinerEffect[] } => {
    const where = { ...inHouse(), houseIsFresh: false, voters: [nodeId("a")], ...more };
    let stepped = step(newJoiner(0, kept), { kind: "tick" }, where);
    stepped = step(stepped.joiner, elsewhere, { ...where, nowMs: 29_000 });
    return step(stepped.joiner, { kind: "tick" }, { ...where, nowMs: 30_000 });
  };
  assert.match(JSON.stringify(after({}).effects), /fossora takeover/);
  assert.equal(after({}).joiner.phase.kind, "member");
  assert.equal(after({ houseIsUnseen: true }).joiner.phase.kind, "looking");
  // Nothing is known of it but that it belongs there.
  assert.equal(after({ self: sender("b") }).joiner.phase.kind, "looking");
});

test("what was proven of a key in the tailnet holds for what it says on the LAN", () => {
  const onLan: JoinerEvent = { kind: "heard", message: hello("a"), from: "10.0.0.1:733", trust: "needs approval" };
  const { joiner } = step(step(newJoiner(0), heard(hello("a")), here("b")).joiner, onLan, here("b", { nowMs: 5_000 }));
  const known = joiner.peers.get(nodeId("a"));
  assert.deepEqual([known?.trust, known?.address, known?.seenAtMs], ["trusted", "a:733", 5_000]);
});

test("nobody is admitted by one who does not speak for the house", () => {
  const house = { id: "house1", epoch: 0, contacts: ["a:733"], term: 0 };
  const asking: Joiner = { ...newJoiner(0), phase: { kind: "asking", house, askedAtMs: 0, heardAtMs: 0 } };
  const admitted: Message = {
    protocol: PROTOCOL,
    kind: "admitted",
    from: sender("a", { house: houseState() }),
    admission,
    credentials: "",
  };
  assert.equal(step(asking, heard(admitted, "needs approval"), here("b")).joiner.phase.kind, "asking");
  assert.equal(step(asking, heard(admitted), here("b")).joiner.phase.kind, "starting");
});

test("one that waits for a person is not led astray by who claims the address that was named", () => {
  const wish = { addresses: ["nas:733"] };
  const at = (nowMs: number): Here => here("b", { wish, nowMs });
  const nas = sender("c", { house: houseState(), addresses: ["nas:733"] });
  const evil = sender("a", { house: houseState({ id: "evilhouse" }), addresses: ["nas:733"] });
  const says = (message: Message, from = "nas:733"): JoinerEvent => ({ kind: "heard", message, from, trust: "needs approval" });
  const answer: Message = { protocol: PROTOCOL, kind: "hello-answer", from: nas, members: [] };
  const waits: Message = { protocol: PROTOCOL, kind: "join-answer", from: nas, verdict: "waits for approval", reason: "", members: [] };
  const claims: Message = { protocol: PROTOCOL, kind: "hello", from: evil };
  const houseAsked = ({ phase }: Joiner): string | undefined => (phase.kind === "asking" ? phase.house.id : undefined);
  let joiner = step(newJoiner(0), says(claims), at(0)).joiner;
  assert.equal(houseAsked(joiner), undefined);
  joiner = step(step(joiner, says(answer), at(10)).joiner, says(waits), at(20)).joiner;
  assert.equal(houseAsked(joiner), "house1");
  joiner = step(joiner, { kind: "tick" }, at(30_250)).joiner;
  assert.equal(joiner.phase.kind, "looking");
  joiner = step(joiner, says(claims), at(30_300)).joiner;
  const taken: Message = { ...answer, from: evil };
  joiner = step(joiner, says(taken), at(30_310)).joiner;
  assert.equal(houseAsked(joiner), undefined);
  joiner = step(joiner, says(answer), at(30_400)).joiner;
  assert.equal(houseAsked(joiner), "house1");
  // Until a person wishes anew.
  joiner = step(step(joiner, { kind: "wished" }, at(30_500)).joiner, says(taken), at(30_510)).joiner;
  assert.equal(houseAsked(joiner), "evilhouse");
});

test("of very many that speak only so many are remembered, and the trusted rather", () => {
  const letters = "abcdefghijklmnopqrstuvwxyz234567".split("");
  let joiner = newJoiner(0);
  for (const one of letters)
    for (const other of letters) {
      const message: Message = { ...hello("c"), from: { ...sender("c"), nodeId: one.repeat(15) + other } };
      joiner = step(joiner, heard(message, "needs approval"), here("b")).joiner;
    }
  joiner = step(joiner, heard(hello("d")), here("b")).joiner;
  assert.equal(joiner.peers.size, 256);
  assert(joiner.peers.has(nodeId("d")));
});

test("what a founder said before it decided, and arrives after that, changes nothing", () => {
  const said = (founding: "asks" | "founds"): Message => ({ protocol: PROTOCOL, kind: "hello", from: sender("c", { founding }) });
  const at = (nowMs: number): Here => here("b", { nowMs });
  let joiner = step(newJoiner(0), heard(said("founds")), at(100)).joiner;
  joiner = step(joiner, heard(said("asks")), at(200)).joiner;
  assert.equal(step(joiner, { kind: "tick" }, at(1_600)).joiner.phase.kind, "looking");
});

test("who founded a house is its member", () => {
  const laying: Joiner = { ...newJoiner(0), phase: { kind: "laying the ground", sinceMs: 0 } };
  const { joiner, effects } = step(laying, { kind: "founded", house: houseState(), clusterId: "c1", memberId: "mb" }, here("b"));
  assert.deepEqual(joiner.phase, { kind: "member", membership: kept });
  // And tells everybody at once.
  assert.deepEqual(kinds(effects), ["keep", "hello", "hello"]);
  assert(effects[1]?.kind === "send" && effects[1].message.from.house?.id === "house1");
});

// ---------------------------------------------------------------- laws

const house = fc.record({
  id: fc.constantFrom("house1", "house2"),
  epoch: fc.nat(1),
  clusterId: fc.constant("c1"),
  nodes: fc.integer({ min: 1, max: 3 }),
  hasObjects: fc.boolean(),
  joining: fc.constantFrom("auto" as const, "off" as const),
});
const from = fc
  .record({
    letter: fc.constantFrom("a", "c", "d"),
    house: fc.option(house, { nil: undefined }),
    founding: fc.constantFrom("asks", "founds", undefined),
  })
  .map((each) =>
    sender(each.letter, {
      ...(each.house && { house: each.house }),
      ...(each.founding !== undefined && !each.house && { founding: each.founding }),
    }),
  );
const admission = {
  nodeId: nodeId("b"),
  name: "b",
  role: "learner",
  memberName: `${nodeId("b")}-i1`,
  memberId: "mb",
  clusterId: "c1",
  initialCluster: [],
} as const;
const message: fc.Arbitrary<Message> = fc.tuple(from, fc.nat(7)).map(([sends, index]) => {
  const envelope = { protocol: PROTOCOL, from: sends } as const;
  const all: readonly Message[] = [
    { ...envelope, kind: "hello" },
    { ...envelope, kind: "hello-answer", members: ["d:733"] },
    { ...envelope, kind: "join", request: request("c") },
    { ...envelope, kind: "join-answer", verdict: "queued", reason: "", members: [] },
    { ...envelope, kind: "request-admission", term: 1, head: nodeId("b"), members: [] },
    { ...envelope, kind: "admitted", admission, credentials: "" },
    { ...envelope, kind: "started", clusterId: "c1" },
    { ...envelope, kind: "moved", peerUrl: "https://c:2380" },
  ];
  return all[index] ?? { ...envelope, kind: "hello" };
});
const event: fc.Arbitrary<JoinerEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: "tick" } as const) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(message, fc.constantFrom<Trust>("trusted", "trusted", "needs approval", "refused"))
      .map(([each, trust]) => heard(each, trust)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<JoinerEvent>(
      { kind: "etcd-runs", clusterId: "c1", memberId: "mb" },
      { kind: "etcd-ended", reason: "removed" },
    ),
  },
);

test("whatever a node hears, it is in one phase, keeps bounds, and says nothing to who is refused", () => {
  const long = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 5_000 })), { maxLength: 60 });
  fc.assert(
    fc.property(long, (events) => {
      let joiner = newJoiner(0);
      let nowMs = 0;
      for (const [each, passedMs] of events) {
        nowMs += passedMs;
        const member = joiner.phase.kind === "member";
        const where = { ...(member ? inHouse() : here("b")), nowMs };
        const stepped = step(joiner, each, where);
        if (each.kind === "heard" && each.trust === "refused") assert.deepEqual(stepped.effects, []);
        if (member && stepped.joiner.phase.kind === "looking") assert(kinds(stepped.effects).includes("forget"));
        // A house with objects is left only when etcd or a higher epoch says so.
        if (member && kinds(stepped.effects).includes("forget"))
          assert(each.kind !== "tick" && (each.kind !== "heard" || each.message.from.house?.epoch === 1));
        if (kinds(stepped.effects).includes("start")) assert.equal(kinds(stepped.effects).filter((kind) => kind === "archive").length, 1);
        joiner = stepped.joiner;
        assert(joiner.peers.size <= 3 && joiner.said.length <= 16);
      }
    }),
    { numRuns: 500 },
  );
});
