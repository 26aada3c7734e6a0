import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entry, houseNode, member, nodeId, NOW, request, view } from "../../test/fakes/joining.ts";
import type { HouseView } from "./house-view.ts";
import { planTiming, type MemberReport, type TimingMemory, type TimingStep } from "./timing-plan.ts";
import { FOUNDING_TIMING, type Timing } from "./timing.ts";

const patient: Timing = { heartbeatMs: 500, electionMs: 5_000 };
const stored = (timing: Timing): NonNullable<HouseView["timing"]> => ({ value: timing, modRevision: 9, seenAtMs: 0 });

/** All in sync, all links as long. */
function house(letters: string, more: Parameters<typeof view>[0] = {}): HouseView {
  const seen = view({ voters: letters, ...more });
  return { ...seen, health: new Map([...seen.health].map(([id, health]) => [id, { ...health, inSync: true }])) };
}

function reports(
  letters: string,
  tookMs: number,
  timing: (letter: string) => Timing = () => FOUNDING_TIMING,
): ReadonlyMap<string, MemberReport> {
  const all = letters.split("");
  return new Map(
    all.map((letter) => [
      nodeId(letter),
      {
        timing: timing(letter),
        roundTripP99Ms: Object.fromEntries(all.filter((other) => other !== letter).map((other) => [nodeId(other), tookMs])),
        overTailnet: [],
        atMs: NOW,
      },
    ]),
  );
}

const stepOf = (seen: HouseView, said: ReadonlyMap<string, MemberReport>, memory: TimingMemory = {}): TimingStep | undefined =>
  planTiming(seen, said, memory).step;

test("slow links make the house patient at once, good ones leave it as it is", () => {
  assert.equal(stepOf(house("abc"), reports("abc", 2)), undefined);
  const step = stepOf(house("abc"), reports("abc", 150));
  assert.deepEqual(step?.kind === "set-timing" && [step.timing.electionMs, step.modRevision], [2_000, 0]);
});

test("what was not measured yet decides nothing, but one end of a link is enough", () => {
  assert.equal(stepOf(house("abc"), reports("ab", 150)), undefined);
  const half = new Map(
    [...reports("abc", 150)].map(([id, report]) => [id, id === nodeId("b") ? { ...report, roundTripP99Ms: {} } : report]),
  );
  assert.equal(stepOf(house("abc"), half)?.kind, "set-timing");
  const old = new Map([...reports("abc", 150)].map(([id, report]) => [id, { ...report, atMs: NOW - 31_000 }]));
  assert.equal(stepOf(house("abc"), old), undefined);
});

test("nothing changes while one is being admitted, a voter is silent, members have just changed, or the leader is new", () => {
  const slow = reports("abc", 150);
  const admitting = { ...entry("n"), value: { step: "added" } } as unknown as NonNullable<HouseView["active"]>; // that there is one is enough
  assert.equal(stepOf(house("abc", { active: admitting }), slow), undefined);
  assert.equal(stepOf(house("abc", { dead: "c" }), slow), undefined);
  assert.equal(stepOf(house("abc", { changedAtMs: NOW - 9_000 }), slow), undefined);
  assert.equal(stepOf(house("abc", { leadsSinceMs: NOW - 9_000 }), slow), undefined);
  assert.equal(
    stepOf(house("abc", { members: [member("a"), member("b"), member("c"), member("d", { name: "", learner: true })] }), slow),
    undefined,
  );
  assert.equal(stepOf(house("abc", { roster: new Map() }), slow), undefined);
});

test("a standby that is away holds nobody up", () => {
  assert.equal(stepOf(house("abc", { learners: "d", dead: "d" }), reports("abc", 150))?.kind, "set-timing");
});

test("impatience comes back only after an hour without a doubt", () => {
  const seen = (nowMs: number): HouseView => ({
    ...house("a"),
    nowMs,
    timing: stored(patient),
    health: new Map([["ma", { answeringSinceMs: 0, answeredAtMs: nowMs, inSync: true }]]),
  });
  const said = (nowMs: number): ReadonlyMap<string, MemberReport> =>
    new Map([[nodeId("a"), { timing: patient, roundTripP99Ms: {}, overTailnet: [], atMs: nowMs }]]);
  const first = planTiming(seen(NOW), said(NOW), {});
  assert.deepEqual(first, { memory: { clearSinceMs: NOW } });
  assert.equal(planTiming(seen(NOW + 3_599_000), said(NOW + 3_599_000), first.memory).step, undefined);
  const { step } = planTiming(seen(NOW + 3_600_000), said(NOW + 3_600_000), first.memory);
  assert.deepEqual(step?.kind === "set-timing" && [step.timing, step.modRevision], [FOUNDING_TIMING, 9]);
  const doubt = planTiming(
    { ...house("ab"), timing: stored(patient) },
    reports("ab", 400, () => patient),
    first.memory,
  );
  assert.deepEqual(doubt.memory, {});
});

test("members start anew one after the other, standbys first, and only when all voters have what the leader has", () => {
  const seen = house("abc", { learners: "d", timing: stored(patient) });
  const said = reports("abcd", 400);
  const step = stepOf(seen, said);
  assert.deepEqual(step?.kind === "restart" && step.nodeId, nodeId("d"));
  const next = stepOf(
    seen,
    reports("abcd", 400, (letter) => (letter === "d" ? patient : FOUNDING_TIMING)),
  );
  assert.deepEqual(next?.kind === "restart" && next.nodeId, nodeId("b"));
  const lagging = { ...seen, health: new Map([...seen.health].map(([id, health]) => [id, { ...health, inSync: id !== "mc" }])) };
  assert.equal(stepOf(lagging, said), undefined);
});

for (const [what, reason] of [
  ["one with an address more", { hasMoreAddresses: true }],
  ["one to which a removed node may be connected", { mayServeRemoved: true }],
] as const)
  test(`${what} waits for its turn as one with another timing does, and holds the next one up until it has had it`, () => {
    const all = reports("abc", 2);
    const more = (letter: string): ReadonlyMap<string, MemberReport> =>
      new Map([...all].map(([id, report]) => [id, id === nodeId(letter) ? { ...report, ...reason } : report]));
    const first = planTiming(house("abc"), more("b"), {});
    assert.deepEqual(first.step?.kind === "restart" && first.step.nodeId, nodeId("b"));
    const told: TimingMemory = { told: { memberId: "mb", atMs: NOW - 11_000 } };
    assert.notEqual(planTiming(house("abc"), more("b"), told).memory.told, undefined);
    assert.equal(planTiming(house("abc"), all, told).memory.told, undefined);
    assert.equal(planTiming(house("abc"), more("a"), {}).step?.kind, "move-leader");
    assert.equal(stepOf(house("abc", { dead: "c" }), more("b")), undefined);
  });

test("the next one waits until the last has started with it and has been well for ten seconds, or is told again", () => {
  const seen = house("abc", { timing: stored(patient) });
  const told = (agoMs: number): TimingMemory => ({ told: { memberId: "mb", atMs: NOW - agoMs } });
  const before = reports("abc", 400);
  const after = reports("abc", 400, (letter) => (letter === "b" ? patient : FOUNDING_TIMING));
  assert.equal(stepOf(seen, before, told(30_000)), undefined);
  assert.equal(stepOf(seen, after, told(9_000)), undefined);
  assert.equal(
    stepOf(
      { ...seen, health: new Map([...seen.health, ["mb", { answeringSinceMs: NOW - 5_000, answeredAtMs: NOW }]]) },
      after,
      told(12_000),
    ),
    undefined,
  );
  const next = stepOf(seen, after, told(12_000));
  assert.deepEqual(next?.kind === "restart" && next.nodeId, nodeId("c"));
  const again = stepOf(seen, before, told(60_000));
  assert.deepEqual(again?.kind === "restart" && again.nodeId, nodeId("b"));
});

test("the leader hands over before its own store starts anew; one that is alone starts it anew itself", () => {
  const others = reports("abc", 400, (letter) => (letter === "a" ? FOUNDING_TIMING : patient));
  assert.deepEqual(stepOf(house("abc", { timing: stored(patient) }), others), {
    kind: "move-leader",
    memberId: "mb",
    why: "the leader's store starts anew, too",
  });
  const alone = stepOf(
    house("a", { learners: "b", timing: stored(patient) }),
    reports("ab", 400, (letter) => (letter === "a" ? FOUNDING_TIMING : patient)),
  );
  assert.deepEqual(alone?.kind === "restart" && alone.nodeId, nodeId("a"));
  assert.equal(
    stepOf(
      house("abc", { timing: stored(patient) }),
      reports("abc", 400, () => patient),
    ),
    undefined,
  );
});

test("a link is what etcd speaks over: the tailnet where the LAN does not lead, else wireless by either end", () => {
  const electionMs = (seen: HouseView, said: ReadonlyMap<string, MemberReport>): number | undefined => {
    const step = stepOf(seen, said);
    return step?.kind === "set-timing" ? step.timing.electionMs : undefined;
  };
  const fast = reports("ab", 3);
  assert.equal(electionMs(house("ab"), fast), undefined);
  const wireless = house("ab", {
    roster: new Map([houseNode("a"), houseNode("b", { request: request("b", { link: "wireless" }) })].map((node) => [node.nodeId, node])),
  });
  assert.equal(electionMs(wireless, fast), 2_000);
  const over = (tookMs: number): ReadonlyMap<string, MemberReport> =>
    new Map([...reports("ab", tookMs)].map(([id, report]) => [id, { ...report, overTailnet: id === nodeId("b") ? [nodeId("a")] : [] }]));
  assert.equal(electionMs(house("ab"), over(3)), 2_000);
  assert.equal(electionMs(house("ab"), over(30)), 5_000);
});

/** Members that take their time to start anew, or do not listen; the leader may change at any moment. */
test("however long restarts take, and whoever leads, no two voters are away at once and all run alike at last", () => {
  const letters = "abcde".split("");
  const choices = fc.record({
    size: fc.constantFrom(1, 3, 5),
    takesMs: fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 5, maxLength: 5 }),
    deaf: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    elections: fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(choices, ({ size, takesMs, deaf, elections }) => {
      const house = letters.slice(0, size).map((letter, index) => ({
        letter,
        timing: FOUNDING_TIMING,
        downUntil: 0,
        upSince: 0,
        takesMs: takesMs[index] ?? 0,
        deafOnce: deaf[index] === true,
      }));
      let [leader, leadsSinceMs, memory]: [number, number, TimingMemory] = [0, 0, {}];
      for (let second = 0; second < 900; second += 1) {
        const nowMs = NOW + second * 1_000;
        for (const each of house)
          if (each.downUntil !== 0 && each.downUntil <= nowMs) Object.assign(each, { downUntil: 0, upSince: nowMs, timing: patient });
        if (house.every(({ timing }) => timing === patient)) break;
        if (elections.includes(second) && size > 1) [leader, leadsSinceMs, memory] = [(leader + 1) % size, nowMs, {}];
        if (house[leader]?.downUntil !== 0) {
          if (size === 1) continue;
          [leader, leadsSinceMs, memory] = [(leader + 1) % size, nowMs, {}];
        }
        const up = house.filter(({ downUntil }) => downUntil === 0);
        assert.ok(size - up.length <= 1, "two are away");
        const base = view({ voters: letters.slice(0, size).join("") });
        const seen: HouseView = {
          ...base,
          nowMs,
          leadsSinceMs,
          leaderMemberId: `m${letters[leader]}`,
          timing: stored(patient),
          health: new Map(
            up.map(({ letter, upSince }) => [
              `m${letter}`,
              { answeringSinceMs: Math.max(upSince, leadsSinceMs), answeredAtMs: nowMs, inSync: true },
            ]),
          ),
        };
        const said = new Map(
          up.map(({ letter, timing }) => [
            nodeId(letter),
            { timing, roundTripP99Ms: Object.fromEntries(letters.map((other) => [nodeId(other), 400])), overTailnet: [], atMs: nowMs },
          ]),
        );
        const { step, memory: next } = planTiming(seen, said, memory);
        memory = next;
        if (step?.kind === "move-leader") [leader, leadsSinceMs, memory] = [letters.indexOf(step.memberId.slice(1)), nowMs, {}];
        if (step?.kind !== "restart") continue;
        const told = house.find(({ letter }) => nodeId(letter) === step.nodeId);
        assert.ok(told !== undefined && (size === 1 || step.memberId !== seen.leaderMemberId), "the leader starts anew among others");
        if (told.deafOnce) told.deafOnce = false;
        else told.downUntil = nowMs + 1 + told.takesMs;
      }
      assert.ok(
        house.every(({ timing }) => timing === patient),
        JSON.stringify(house),
      );
    }),
  );
});
