import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { entry, houseNode, member, nodeId, NOW, request, view } from "../../test/fakes/joining.ts";
import { isAliveChecked, quorumOf, type EtcdMember, type HouseView } from "./house-view.ts";
import { absenceProblem, MEMBERS_MAX, planVoters, removalProblem, votersFor, type VoterStep } from "./voters.ts";

const step = (seen: Parameters<typeof view>[0]): string => {
  const planned = planVoters(view(seen));
  if (planned === undefined) return "nothing";
  return planned.kind === "recruit" ? `recruit ${planned.nodeId.charAt(0)}` : `${planned.kind} ${planned.memberId}`;
};

describe("who votes", () => {
  const table: readonly (readonly [string, Parameters<typeof view>[0], string])[] = [
    ["one node votes", { voters: "a" }, "nothing"],
    ["of two the second stands by", { voters: "a", learners: "b" }, "nothing"],
    ["of three both learners are promoted", { voters: "a", learners: "bc" }, "promote mb"],
    ["the second of two promoted together follows at once", { voters: "ab", learners: "c", changedAtMs: NOW - 20 }, "promote mc"],
    ["three stay three while one learner is dead", { voters: "a", learners: "bc", dead: "c" }, "nothing"],
    ["of four one stands by", { voters: "abc", learners: "d" }, "nothing"],
    ["of five all vote", { voters: "abc", learners: "de" }, "promote md"],
    ["of six one stands by", { voters: "abcde", learners: "f" }, "nothing"],
    ["of seven one works", { voters: "abcde", learners: "f", workers: "g" }, "nothing"],
    ["two standbys beside five voters are one too many", { voters: "abcde", learners: "fg" }, "remove mf"],
    ["a worker becomes the missing standby", { voters: "abcde", workers: "fg" }, "recruit f"],
    ["a worker that is queued already is not called twice", { voters: "abcde", workers: "f", entries: [entry("f")] }, "nothing"],
    ["two voters of two are one too many", { voters: "ab" }, "remove mb"],
    ["nothing changes soon after another change", { voters: "ab", changedAtMs: NOW - 9_000 }, "nothing"],
    ["a dead voter is replaced by the standby", { voters: "abc", learners: "d", dead: "b" }, "remove mb"],
    ["a dead voter without a standby stays", { voters: "abc", dead: "b" }, "nothing"],
    ["a dead voter with a dead standby stays", { voters: "abc", learners: "d", dead: "bd" }, "nothing"],
    ["a reboot takes no vote away", { voters: "abc", learners: "d", dead: "b", leadsSinceMs: NOW - 599_000 }, "nothing"],
    ["without quorum nothing is tried", { voters: "abc", learners: "d", dead: "bc" }, "nothing"],
    ["a dead learner makes room for a worker", { voters: "abcde", learners: "f", workers: "g", dead: "f" }, "remove mf"],
    ["a dead learner stays where nobody wants its place", { voters: "abc", learners: "d", dead: "d" }, "nothing"],
  ];
  for (const [name, seen, expected] of table) test(name, () => assert.equal(step(seen), expected));

  describe("whose store is silent while its agent speaks", () => {
    const speaking = new Map("abcdef".split("").map((letter) => [nodeId(letter), NOW - 500]));
    const dead = (seen: Parameters<typeof view>[0]): string => step({ dead: "b", heardAtMs: speaking, ...seen });
    const answered = (ms: number): HouseView["health"] =>
      new Map(
        ["ma", "mb", "mc", "md"].map((id) => [
          id,
          id === "mb" ? { answeredAtMs: NOW - ms } : { answeringSinceMs: 0, answeredAtMs: NOW - 1_000 },
        ]),
      );

    test("is replaced as a dead one would be", () => {
      assert.equal(dead({ voters: "abc", learners: "d" }), "remove mb");
      assert.equal(dead({ voters: "abc", learners: "d", health: answered(600_000) }), "remove mb");
      assert.equal(dead({ voters: "abcd" }), "remove mb", "an even number survives no more than one less");
      assert.equal(
        dead({ voters: "acdef", learners: "b", workers: "g", heardAtMs: new Map([...speaking, [nodeId("g"), NOW]]) }),
        "remove mb",
      );
    });

    test("stays where it answered within the time, has only just come, or is new to the leader", () => {
      assert.equal(dead({ voters: "abc", learners: "d", health: answered(599_000) }), "nothing");
      assert.equal(dead({ voters: "abc", learners: "d", leadsSinceMs: NOW - 599_000 }), "nothing");
      const members = ["a", "b", "c"].map((letter) => member(letter, { seenAtMs: letter === "b" ? NOW - 599_000 : 0 }));
      assert.equal(dead({ voters: "abc", members: [...members, member("d", { learner: true })], learners: "d" }), "nothing");
    });

    test("stays where no standby is ready, or the others could decide nothing", () => {
      assert.equal(dead({ voters: "abc" }), "nothing");
      assert.equal(dead({ voters: "abc", learners: "d", dead: "bd" }), "nothing");
      assert.equal(dead({ voters: "abc", learners: "d", dead: "bc" }), "nothing");
      assert.equal(dead({ voters: "a", learners: "b" }), "nothing");
    });

    test("is not alive by an answer of before the last one that it owed", () => {
      assert.equal(dead({ voters: "abc", learners: "de", health: answered(1_000) }), "nothing");
    });
  });

  test("a learner is promoted after it answered for 10 s, and only if it answers still", () => {
    const health = (answeringSinceMs: number, answeredAtMs: number): HouseView["health"] =>
      new Map(["ma", "mb", "mc"].map((id) => [id, { answeringSinceMs, answeredAtMs }]));
    assert.equal(step({ voters: "a", learners: "bc", health: health(NOW - 9_999, NOW) }), "nothing");
    assert.equal(step({ voters: "a", learners: "bc", health: health(NOW - 10_000, NOW) }), "promote mb");
    assert.equal(step({ voters: "a", learners: "bc", health: health(NOW - 60_000, NOW - 2_001) }), "nothing");
  });

  test("nothing changes while somebody is being admitted", () => {
    const active = {
      nodeId: nodeId("d"),
      name: "d",
      peerUrl: "https://d:2380",
      memberName: `${nodeId("d")}-i1`,
      role: "learner",
      step: "adding",
      until: "",
    } as const;
    assert.equal(step({ voters: "a", learners: "bc", active: { value: active, modRevision: 1, seenAtMs: 0 } }), "nothing");
  });

  const rosterWith = (letters: string, changed: ReturnType<typeof houseNode>): HouseView["roster"] =>
    new Map(letters.split("").map((letter) => [nodeId(letter), letter === changed.name ? changed : houseNode(letter)]));

  const without = (letter: string, letters: string): HouseView["roster"] =>
    new Map(letters.split("").flatMap((each) => (each === letter ? [] : [[nodeId(each), houseNode(each)]])));

  test("who was taken out of the roster leaves the members, the leader after handing over", () => {
    assert.equal(step({ voters: "abc", roster: without("b", "abc") }), "remove mb");
    assert.equal(step({ voters: "abc", roster: without("a", "abc") }), "move-leader mb");
    assert.equal(step({ voters: "a", learners: "b", roster: without("a", "ab") }), "promote mb");
    assert.equal(step({ voters: "ab", roster: without("a", "ab") }), "move-leader mb");
    assert.equal(step({ voters: "abc", dead: "c", roster: without("b", "abc") }), "nothing");
    assert.equal(step({ voters: "abc", dead: "c", roster: without("a", "abc") }), "move-leader mb");
  });

  test("a node can be removed where the rest goes on without it", () => {
    const problem = (letter: string, seen: Parameters<typeof view>[0]): string | undefined => removalProblem(view(seen), nodeId(letter));
    assert.equal(problem("b", { voters: "abc" }), undefined);
    assert.equal(problem("c", { voters: "abc", dead: "c" }), undefined);
    assert.equal(problem("b", { voters: "abc", dead: "c" }), "too few voters would answer without it. First bring back c");
    assert.equal(problem("a", { voters: "a", learners: "b" }), undefined);
    assert.match(problem("a", { voters: "a", learners: "b", dead: "b" }) ?? "", /no standby is ready/);
    assert.equal(problem("b", { voters: "a", learners: "b" }), undefined);
    assert.equal(problem("w", { voters: "a", workers: "w" }), undefined);
  });

  test("a voter goes without being taken out only where the others are a quorum of all", () => {
    const problem = (letter: string, seen: Parameters<typeof view>[0]): string | undefined => absenceProblem(view(seen), nodeId(letter));
    assert.equal(problem("a", { voters: "a", learners: "b" }), "its vote still counts: without it 0 of 1 voters would answer");
    assert.equal(problem("b", { voters: "ab" }), "its vote still counts: without it 1 of 2 voters would answer");
    assert.equal(problem("b", { voters: "abcd", dead: "d" }), "its vote still counts: without it 2 of 4 voters would answer");
    assert.equal(problem("b", { voters: "abc", dead: "c" }), "its vote still counts: without it 1 of 3 voters would answer");
    assert.equal(problem("b", { voters: "abc" }), undefined);
    assert.equal(problem("b", { voters: "abcd" }), undefined);
    assert.equal(problem("c", { voters: "abc", dead: "c" }), undefined);
    assert.equal(problem("b", { voters: "a", learners: "b" }), undefined);
    assert.equal(problem("w", { voters: "a", workers: "w" }), undefined);
  });

  test("a roster that names nobody throws nobody out", () => {
    assert.equal(step({ voters: "abc", roster: new Map() }), "nothing");
  });

  test("a voter at another address is updated, and a learner leaves to join again", () => {
    const moved = houseNode("b", { request: { ...request("b"), peerUrl: "https://elsewhere:2380" } });
    const planned = planVoters(view({ voters: "abc", roster: rosterWith("abc", moved) }));
    assert.deepEqual(planned, { kind: "update", memberId: "mb", peerUrl: "https://elsewhere:2380", why: "b has another address" });
    assert.equal(step({ voters: "a", learners: "b", roster: rosterWith("ab", moved) }), "remove mb");
  });

  test("an address that is away for a moment is no move, another one is", () => {
    const both = { peerUrl: "https://b:2380,https://tailnet-b:2380" };
    const members = [member("a"), member("b", both), member("c")];
    const says = (peerUrl: string): HouseView["roster"] => rosterWith("abc", houseNode("b", { request: { ...request("b"), peerUrl } }));
    assert.equal(step({ voters: "abc", members, roster: says("https://b:2380") }), "nothing");
    assert.equal(step({ voters: "abc", members, roster: says("https://other:2380,https://tailnet-b:2380") }), "update mb");
    assert.equal(step({ voters: "abc", members, roster: says("https://a:2380,https://tailnet-b:2380") }), "nothing", "that is another's");
  });

  test("an address that its holder lost is taken from it for whoever is there now", () => {
    const members = [member("a"), member("b", { peerUrl: "https://b:2380,https://tailnet-b:2380" }), member("c")];
    const says = (letter: string, peerUrl: string) =>
      [nodeId(letter), houseNode(letter, { request: { ...request(letter), peerUrl } })] as const;
    const lost = new Map([[nodeId("a"), houseNode("a")], says("b", "https://tailnet-b:2380")]);
    const plan = (seen: Parameters<typeof view>[0]): VoterStep | undefined => planVoters(view({ voters: "abc", members, ...seen }));
    const freed = { kind: "update", memberId: "mb", peerUrl: "https://tailnet-b:2380", why: "b has another address" };
    const atB = entry("n", { request: { ...request("n"), peerUrl: "https://b:2380" } });
    assert.deepEqual(plan({ roster: new Map([...lost, says("c", "https://b:2380")]) }), freed);
    assert.deepEqual(plan({ roster: new Map([...lost, says("c", "https://c:2380")]), entries: [atB] }), freed);
    assert.equal(plan({ roster: new Map([...lost, says("c", "https://c:2380")]), entries: [entry("n")] }), undefined);
    assert.equal(plan({ roster: new Map([...lost, says("b", "https://b:2380"), says("c", "https://b:2380")]) }), undefined);
    const after = [member("a"), member("b", { peerUrl: "https://tailnet-b:2380" }), member("c")];
    const next = { kind: "update", memberId: "mc", peerUrl: "https://b:2380", why: "c has another address" };
    assert.deepEqual(plan({ members: after, roster: new Map([...lost, says("c", "https://b:2380")]) }), next);
  });

  test("a standby leaves for an address that it lost, and two that have each other's get them one after the other", () => {
    const at = (letter: string, ...hosts: readonly string[]): string =>
      [...hosts, `tailnet-${letter}`].map((host) => `https://${host}:2380`).join();
    const says = (letter: string, peerUrl: string) =>
      [nodeId(letter), houseNode(letter, { request: { ...request(letter), peerUrl } })] as const;
    const standby = [member("a"), member("b", { peerUrl: at("b", "b"), learner: true })];
    const left = new Map([[nodeId("a"), houseNode("a")], says("b", at("b"))]);
    const atB = entry("n", { request: { ...request("n"), peerUrl: "https://b:2380" } });
    assert.equal(step({ voters: "a", learners: "b", members: standby, roster: left, entries: [atB] }), "remove mb");

    const roster = new Map([[nodeId("a"), houseNode("a")], says("b", at("b", "c")), says("c", at("c", "b"))]);
    let members = [member("a"), member("b", { peerUrl: at("b", "b") }), member("c", { peerUrl: at("c", "c") })];
    for (let steps = 0; steps < 3; steps++) {
      const planned = planVoters(view({ voters: "abc", members, roster }));
      assert(planned?.kind === "update");
      members = members.map((each) => (each.id === planned.memberId ? { ...each, peerUrl: planned.peerUrl } : each));
    }
    assert.deepEqual(members.map(({ peerUrl }) => peerUrl).slice(1), [at("b", "c"), at("c", "b")]);
    assert.equal(planVoters(view({ voters: "abc", members, roster })), undefined);
  });

  test("an address that two have is left out where there is another", () => {
    const says = (peerUrl: string): HouseView["roster"] => rosterWith("abc", houseNode("b", { request: { ...request("b"), peerUrl } }));
    const planned = planVoters(view({ voters: "abc", roster: says("https://a:2380,https://tailnet-b:2380") }));
    assert.deepEqual(planned, { kind: "update", memberId: "mb", peerUrl: "https://tailnet-b:2380", why: "b has another address" });
    assert.equal(step({ voters: "abc", roster: says("https://a:2380") }), "nothing");
  });

  test("the leader knows its own address better than the roster", () => {
    const former = houseNode("a", { request: { ...request("a"), peerUrl: "https://former:2380" } });
    assert.equal(step({ voters: "abc", roster: rosterWith("abc", former) }), "nothing");
    assert.equal(step({ voters: "abc", ownPeerUrl: "https://elsewhere:2380" }), "update ma");
  });

  test("a witness comes before all others for a vote, whatever its disk, and takes none from who is as good", () => {
    const slow = request("e", { battery: false, fsyncP99Ms: 900, witness: true });
    const roster = rosterWith("abcde", houseNode("e", { request: slow }));
    assert.equal(step({ voters: "abc", learners: "de", roster }), "promote me");
    const four = rosterWith("abcd", houseNode("d", { request: request("d", { battery: false, fsyncP99Ms: 900, witness: true }) }));
    assert.equal(step({ voters: "abc", learners: "d", roster: four }), "nothing");
  });

  test("a laptop gives its vote to a standby that stays at home, the leader after handing over", () => {
    const laptop = (letter: string): HouseView["roster"] =>
      rosterWith("abcd", houseNode(letter, { request: request(letter, { battery: true }) }));
    assert.equal(step({ voters: "abc", learners: "d", roster: laptop("b") }), "remove mb");
    assert.equal(step({ voters: "abc", learners: "d", roster: laptop("a") }), "move-leader mb");
    assert.equal(step({ voters: "abc", learners: "d", roster: laptop("d") }), "nothing");
  });

  test("three nodes give three voters, whatever they are", () => {
    const roster = new Map(
      ["a", "b", "c"].map((letter) => [nodeId(letter), houseNode(letter, { request: request(letter, { battery: true }) })]),
    );
    assert.equal(step({ voters: "a", learners: "bc", roster }), "promote mb");
  });

  test("who is drained, or about to stop, does not lead, and is given no lead for its disk", () => {
    assert.equal(step({ voters: "abc", leaving: new Set([nodeId("a")]) }), "move-leader mb");
    assert.equal(step({ voters: "abc", leaving: new Set([nodeId("a"), nodeId("b")]) }), "move-leader mc");
    const slow = rosterWith("abc", houseNode("a", { request: request("a", { fsyncP99Ms: 200 }) }));
    assert.equal(step({ voters: "abc", roster: slow, leaving: new Set([nodeId("b"), nodeId("c")]) }), "nothing");
  });

  test("the leader is moved to the best voter once the house is at rest", () => {
    const roster = rosterWith("abc", houseNode("a", { request: request("a", { fsyncP99Ms: 200 }) }));
    assert.equal(step({ voters: "abc", roster }), "move-leader mb");
    assert.equal(step({ voters: "abc", roster, changedAtMs: NOW - 15_000 }), "nothing");
  });

  test("who wants no vote gets none", () => {
    assert.equal(step({ voters: "a", learners: "bc", roster: rosterWith("abc", houseNode("c", { role: "standby" })) }), "nothing");
    assert.equal(step({ voters: "abcde", workers: "f", roster: rosterWith("abcdef", houseNode("f", { role: "worker" })) }), "nothing");
  });
});

// ---------------------------------------------------------------- laws

const LETTERS: readonly string[] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Any house, sensible or not. */
const anyView = fc
  .record({
    roles: fc.array(fc.constantFrom("voter", "learner", "worker"), { minLength: 1, maxLength: LETTERS.length }),
    dead: fc.subarray([...LETTERS]),
    areHeard: fc.boolean(),
    laptops: fc.subarray([...LETTERS]),
    wishes: fc.array(fc.constantFrom("auto", "auto", "standby", "worker", "voter"), {
      minLength: LETTERS.length,
      maxLength: LETTERS.length,
    }),
    changedMs: fc.constantFrom(0, 5_000, 10_000, 100_000),
    leadsMs: fc.constantFrom(30_000, NOW),
  })
  .map(({ roles, dead, areHeard, laptops, wishes, changedMs, leadsMs }) => {
    const of = (role: string): string => LETTERS.filter((_, index) => roles[index] === role).join("");
    const voters = of("voter") === "" ? "z" : of("voter");
    const seen = {
      voters,
      learners: of("learner"),
      workers: of("worker"),
      dead: dead.filter((letter) => letter !== voters.charAt(0)).join(""),
    };
    const made = view({ ...seen, changedAtMs: NOW - changedMs, leadsSinceMs: NOW - leadsMs });
    const roster = new Map(
      [...made.roster].map(([id, node], index) => [
        id,
        { ...node, role: wishes[index] ?? "auto", request: request(node.name, { battery: laptops.includes(node.name) }) } as const,
      ]),
    );
    const heardAtMs = areHeard ? new Map([...made.roster.keys()].map((id) => [id, NOW - 500])) : made.heardAtMs;
    return { ...made, roster, heardAtMs };
  });

function after(seen: HouseView, planned: VoterStep, nowMs: number): HouseView {
  const base = { ...seen, nowMs, ...(planned.kind !== "recruit" && planned.kind !== "move-leader" && { changedAtMs: nowMs }) };
  switch (planned.kind) {
    case "promote":
      return { ...base, members: seen.members.map((each) => (each.id === planned.memberId ? { ...each, learner: false } : each)) };
    case "remove":
      return { ...base, members: seen.members.filter(({ id }) => id !== planned.memberId) };
    case "move-leader":
      return { ...base, leaderMemberId: planned.memberId };
    case "update":
      return {
        ...base,
        members: seen.members.map((each) => (each.id === planned.memberId ? { ...each, peerUrl: planned.peerUrl } : each)),
      };
    case "recruit": {
      const node = seen.roster.get(planned.nodeId);
      return node === undefined ? base : { ...base, members: [...seen.members, member(node.name, { learner: true })] };
    }
  }
}

const votersOf = ({ members }: HouseView): readonly EtcdMember[] => members.filter(({ learner }) => !learner);

const hasQuorum = (seen: HouseView): boolean =>
  votersOf(seen).filter(({ id }) => seen.health.has(id)).length >= quorumOf(votersOf(seen).length);

describe("in any house", () => {
  test("no change loses the quorum, removes the leader, updates a learner or promotes one that is not alive", () => {
    fc.assert(
      fc.property(anyView, (seen) => {
        const planned = planVoters(seen);
        if (planned === undefined) return;
        const next = after(seen, planned, NOW);
        if (hasQuorum(seen)) assert(hasQuorum(next), JSON.stringify(planned));
        if (planned.kind === "recruit") return;
        const target = seen.members.find(({ id }) => id === planned.memberId);
        assert(target !== undefined);
        if (planned.kind === "remove") assert.notEqual(planned.memberId, seen.leaderMemberId);
        if (planned.kind === "update") assert(!target.learner);
        if (planned.kind === "promote") assert(isAliveChecked(seen, target));
      }),
      { numRuns: 3_000 },
    );
  });

  test("the order of members and nodes does not matter", () => {
    fc.assert(
      fc.property(anyView, (seen) => {
        const turned = { ...seen, members: [...seen.members].reverse(), roster: new Map([...seen.roster].reverse()) };
        assert.deepEqual(planVoters(turned), planVoters(seen));
      }),
    );
  });

  test("step by step it comes to rest with the voters of the table, if all live and no wish stands against it", () => {
    fc.assert(
      fc.property(anyView, fc.boolean(), (seen, keepWishes) => {
        const health = new Map([...LETTERS, "z"].map((letter) => [`m${letter}`, { answeringSinceMs: 0 }]));
        const heard = [...LETTERS, "z"].map((letter) => nodeId(letter));
        const roster = keepWishes ? seen.roster : new Map([...seen.roster].map(([id, node]) => [id, { ...node, role: "auto" as const }]));
        let current: HouseView = { ...seen, roster };
        const roundsMax = 60;
        for (let round = 0; ; round++) {
          assert(round < roundsMax, "it never comes to rest");
          const nowMs = current.nowMs + 61_000;
          const alive = new Map([...health].map(([id, each]) => [id, { ...each, answeredAtMs: nowMs }]));
          current = { ...current, nowMs, health: alive, heardAtMs: new Map(heard.map((id) => [id, nowMs])) };
          const planned = planVoters(current);
          if (planned === undefined) break;
          current = after(current, planned, nowMs);
        }
        const eligible = [...roster.values()].filter(({ role }) => role === "auto" || role === "voter").length;
        assert.equal(votersOf(current).length % 2, 1);
        if (keepWishes) return;
        assert.equal(votersOf(current).length, votersFor(eligible));
        assert.equal(current.members.length, Math.min(roster.size, MEMBERS_MAX));
      }),
      { numRuns: 500 },
    );
  });
});
