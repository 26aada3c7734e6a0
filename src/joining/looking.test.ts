import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { here, houseState, sender } from "../../test/fakes/joining.ts";
import type { Here, Joiner, JoinerEffect, Peer } from "./joiner-state.ts";
import { newJoiner } from "./joiner.ts";
import { forgetSilent, hadAnswer, look, sayHello, senderOf } from "./looking.ts";

function knowing(...peers: readonly Peer[]): Joiner {
  return { ...newJoiner(0), peers: new Map(peers.map((peer) => [peer.sender.nodeId, peer])) };
}

function peer(letter: string, more: Partial<Peer> & { readonly house?: ReturnType<typeof houseState> } = {}): Peer {
  const { house, ...rest } = more;
  const from = sender(letter, house === undefined ? {} : { house });
  const address = `${letter}:733`;
  return { sender: from, address, answeredAt: [address], members: [], trust: "trusted", seenAtMs: 0, ...rest };
}

const said = (effects: readonly JoinerEffect[]): string => effects.map((effect) => (effect.kind === "say" ? effect.text : "")).join("");

/** Looks, and looks again later. */
function lookAt(
  joiner: Joiner,
  letter: string,
  times: readonly number[],
  more: Partial<Here> = {},
): { joiner: Joiner; effects: readonly JoinerEffect[] } {
  let current = joiner;
  const effects: JoinerEffect[] = [];
  for (const nowMs of times) {
    const stepped = look(current, here(letter, { nowMs, ...more }));
    current = stepped.joiner;
    effects.push(...stepped.effects);
  }
  return { joiner: current, effects };
}

describe("a fresh node", () => {
  test("founds after 3 s when nobody answers, the second half of which it asks all once more", () => {
    assert.equal(lookAt(knowing(), "b", [1_499]).joiner.phase.kind, "looking");
    const { joiner, effects } = lookAt(knowing(), "b", [1_500]);
    assert.equal(joiner.phase.kind, "founding");
    assert(effects.every((effect) => effect.kind === "send" && effect.message.from.founding === "asks") && effects.length > 0);
    assert.equal(lookAt(knowing(), "b", [1_500, 2_999]).joiner.phase.kind, "founding");
    assert.equal(lookAt(knowing(), "b", [1_500, 3_000]).effects.at(-1)?.kind, "found");
  });

  test("founds as soon as all that the tailnet lists have answered twice, or nobody is there", () => {
    const more = { candidates: ["b:733", "c:733", "d:733"] };
    const answeredAt = (joiner: Joiner, address: string, nowMs: number): Joiner =>
      look(hadAnswer(joiner, address), here("b", { ...more, nowMs })).joiner;
    const first = answeredAt(knowing(peer("c")), "c:733", 10);
    assert.equal(first.phase.kind, "looking");
    const second = answeredAt(first, "d:733", 20);
    assert.equal(second.phase.kind, "founding");
    const again = answeredAt(answeredAt(second, "c:733", 30), "d:733", 40);
    assert.equal(again.phase.kind, "laying the ground");
  });

  test("waits for 20 s for one that is online and silent, and says so", () => {
    const more = { candidates: ["c:733", "d:733"], online: ["c:733", "d:733"] };
    const waiting = lookAt(hadAnswer(knowing(), "d:733"), "b", [1_500, 19_999], more);
    assert.equal(waiting.joiner.phase.kind, "looking");
    assert.match(said(waiting.effects), /^Online and silent so far: c:733; this node waits up to 20 s/);
    assert.equal(lookAt(waiting.joiner, "b", [20_000], more).joiner.phase.kind, "founding");
    assert.equal(lookAt(hadAnswer(waiting.joiner, "c:733"), "b", [15_000], more).joiner.phase.kind, "founding");
    // What it said itself tells as much.
    assert.equal(lookAt(knowing(peer("c"), peer("d")), "b", [1_500], more).joiner.phase.kind, "founding");
  });

  test("waits to the end where it cannot know all, or a person wishes for more", () => {
    const answered = hadAnswer(knowing(peer("c")), "c:733");
    const all = { candidates: ["c:733"] };
    assert.equal(lookAt(answered, "b", [0], all).joiner.phase.kind, "founding");
    assert.equal(lookAt(answered, "b", [0], { ...all, tailnet: "absent" }).joiner.phase.kind, "looking");
    assert.equal(lookAt(answered, "b", [0], { candidates: ["c:733", "e:733"] }).joiner.phase.kind, "looking");
    assert.equal(lookAt(knowing(), "b", [0], { candidates: [] }).joiner.phase.kind, "looking");
    assert.equal(lookAt(answered, "b", [0], { ...all, wish: { addresses: ["nas:733"] } }).effects.length, 0);
  });

  test("that left its house for the one that took it over founds none beside it", () => {
    const left = { ...knowing(), left: { id: "house1", epoch: 1 } };
    const { joiner, effects } = lookAt(left, "b", [1_500, 600_000]);
    assert.equal(joiner.phase.kind, "looking");
    assert.match(said(effects), /waits for one that does\. Is none left\? fossora leave/);
  });

  test("that was taken out of a house with apps waits for that one, joins no other by itself, and founds none", () => {
    const more = { home: "house1" };
    for (const where of [more, { ...more, tailnet: "absent" }, { ...more, tailnet: "absent", alone: true }] as const) {
      const { joiner, effects } = lookAt(knowing(), "b", [0, 1_500, 600_000], where);
      assert.equal(joiner.phase.kind, "looking");
      assert.match(said(effects), /this node waits for it.*Is it gone for good\? fossora leave/);
    }
    const other = knowing(peer("c", { house: houseState({ id: "house0" }) }));
    assert.equal(lookAt(other, "b", [1_500], more).joiner.phase.kind, "looking");
    const both = knowing(peer("c", { house: houseState({ id: "house0" }) }), peer("d", { house: houseState() }));
    const { phase } = lookAt(both, "b", [0], more).joiner;
    assert.equal(phase.kind === "asking" && phase.house.id, "house1");
    // A person knows better.
    const wish = { addresses: ["c:733"] };
    assert.equal(lookAt(other, "b", [0], { ...more, wish }).joiner.phase.kind, "asking");
  });

  test("looks round from when its tailnet is there", () => {
    const starting = lookAt(knowing(), "b", [5_000], { tailnet: "starting" });
    assert.equal(lookAt(starting.joiner, "b", [6_499]).joiner.phase.kind, "looking");
    assert.equal(lookAt(starting.joiner, "b", [6_500]).joiner.phase.kind, "founding");
  });

  test("waits for a tailscaled that is not Running yet, for 30 s", () => {
    assert.equal(lookAt(knowing(), "b", [29_999], { tailnet: "starting" }).joiner.phase.kind, "looking");
    assert.equal(lookAt(knowing(), "b", [30_000], { tailnet: "starting" }).joiner.phase.kind, "founding");
  });

  test("waits for a trusted one with a lower id, and says for whom", () => {
    const { joiner, effects } = lookAt(knowing(peer("a")), "b", [1_500, 9_000]);
    assert.equal(joiner.phase.kind, "looking");
    assert.match(said(effects), /a is about to found the house/);
  });

  test("does not wait for one that a person has to trust, nor for a higher id", () => {
    assert.equal(lookAt(knowing(peer("a", { trust: "needs approval" })), "b", [1_500]).joiner.phase.kind, "founding");
    assert.equal(lookAt(knowing(peer("c")), "b", [1_500]).joiner.phase.kind, "founding");
  });

  test("backs off from founding before a lower id, a house, and one that is past the point of return", () => {
    const founding = { kind: "founding", sinceMs: 0 } as const;
    assert.equal(look({ ...knowing(peer("a")), phase: founding }, here("b")).joiner.phase.kind, "looking");
    assert.equal(look({ ...knowing(peer("c", { house: houseState() })), phase: founding }, here("b")).joiner.phase.kind, "asking");
    const past = { ...peer("c"), foundsAtMs: 0 };
    assert.equal(look({ ...knowing(past), phase: founding }, here("b")).joiner.phase.kind, "looking");
    const asks = { ...peer("c"), sender: sender("c", { founding: "asks" }) };
    assert.equal(look({ ...knowing(asks), phase: founding }, here("b")).joiner.phase.kind, "founding");
  });

  test("asks a trusted house at once, a house with objects before an empty one", () => {
    const empty = peer("a", { house: houseState({ id: "house0", nodes: 1, hasObjects: false }) });
    const { joiner, effects } = look(knowing(empty, peer("c", { house: houseState() })), here("b"));
    assert(joiner.phase.kind === "asking");
    assert.equal(joiner.phase.house.id, "house1");
    assert(effects[0]?.kind === "send" && effects[0].message.kind === "join");
  });

  test("founds its own beside a house on the LAN, and says what to type", () => {
    const seen = knowing(peer("nas", { trust: "needs approval", house: houseState() }));
    const { joiner, effects } = lookAt(seen, "b", [1_500, 3_000], { tailnet: "absent" });
    assert.equal(joiner.phase.kind, "laying the ground");
    assert.match(said(effects), /To join that one: fossora join nas/);
  });

  test("founds at once where nobody can be who is trusted without a person, but not while one is wished for", () => {
    assert.equal(lookAt(knowing(), "b", [0], { tailnet: "absent", alone: true }).joiner.phase.kind, "laying the ground");
    const wish = { addresses: ["nas:733"] };
    assert.equal(lookAt(knowing(), "b", [0], { tailnet: "absent", alone: true, wish }).joiner.phase.kind, "looking");
  });

  test("waits where the house of the same people lets nobody in", () => {
    const { joiner, effects } = lookAt(knowing(peer("a", { house: houseState({ joining: "off" }) })), "b", [60_000]);
    assert.equal(joiner.phase.kind, "looking");
    assert.match(said(effects), /lets nobody in.*joining: auto/);
  });

  test("asks its own house whether that lets anybody in or not: the house knows it", () => {
    const closed = knowing(peer("a", { house: houseState({ joining: "off" }) }));
    assert.equal(lookAt(closed, "b", [0], { home: "house1" }).joiner.phase.kind, "asking");
    assert.equal(lookAt({ ...closed, left: { id: "house1", epoch: 0 } }, "b", [0]).joiner.phase.kind, "asking");
    assert.equal(lookAt({ ...closed, left: { id: "house1", epoch: 1 } }, "b", [0]).joiner.phase.kind, "looking");
  });

  test("that waits for its own house says nothing of another one that is closed", () => {
    const other = knowing(peer("a", { house: houseState({ id: "house2", joining: "off" }) }));
    const { joiner, effects } = lookAt(other, "b", [1_500], { home: "house1" });
    assert.equal(joiner.phase.kind, "looking");
    assert.match(said(effects), /^Nobody of this node's house lets it in again/);
    assert.match(said(lookAt({ ...other, left: { id: "house1", epoch: 1 } }, "b", [1_500]).effects), /^This node's house was taken over/);
  });

  test("asks the house that a person named, and founds none until it answers", () => {
    const wish = { addresses: ["nas:733"] };
    assert.equal(lookAt(knowing(peer("c", { house: houseState() })), "b", [60_000], { wish }).joiner.phase.kind, "looking");
    const named = knowing(
      peer("c", { house: houseState() }),
      peer("nas", { trust: "needs approval", house: houseState({ id: "house2" }) }),
    );
    const { joiner } = look(named, here("b", { wish }));
    assert(joiner.phase.kind === "asking");
    assert.equal(joiner.phase.house.id, "house2");
  });

  test("does not ask whoever says to be at the address that a person named, nor speaks from there: it calls there itself", () => {
    const wish = { addresses: ["nas:733"] };
    const evil = { trust: "needs approval", house: houseState({ id: "evilhouse" }), answeredAt: ["c:733"] } as const;
    const says = { ...peer("c", evil), sender: sender("c", { house: evil.house, addresses: ["nas:733"] }) };
    const speaksFromThere = { ...peer("d", { ...evil, address: "nas:733" }), answeredAt: [] };
    const { joiner, effects } = lookAt(knowing(says, speaksFromThere), "b", [1_500], { wish });
    assert.equal(joiner.phase.kind, "looking");
    assert.match(said(effects), /^Nobody of the house to join answers at nas:733/);
  });

  test("asks the house that a token names, wherever that is, and none at its addresses that is another", () => {
    const wish = { addresses: ["c:733"], houseId: "house2" };
    const other = peer("c", { house: houseState() });
    assert.equal(lookAt(knowing(other), "b", [1_500], { wish }).joiner.phase.kind, "looking");
    const { phase } = look(knowing(other, peer("d", { house: houseState({ id: "house2" }) })), here("b", { wish })).joiner;
    assert.equal(phase.kind === "asking" && phase.house.id, "house2");
  });

  test("goes on with the house that it asked for a wish, and says when another one answers there", () => {
    const wish = { addresses: ["c:733"] };
    const asked = look(knowing(peer("c", { house: houseState() })), here("b", { wish })).joiner;
    const again = (...peers: readonly Peer[]): Joiner => ({ ...knowing(...peers), ...(asked.chosen && { chosen: asked.chosen }) });
    const other = peer("d", { house: houseState({ id: "house2" }), answeredAt: ["c:733"] });
    const { joiner, effects } = lookAt(again(other), "b", [1_500], { wish });
    assert.equal(joiner.phase.kind, "looking");
    assert.match(said(effects), /^Another house answers at c:733 now, that of d; .*To join the other one: fossora join c:733$/);
    const sameHouse = peer("e", { house: houseState(), answeredAt: ["c:733"] });
    assert.equal(look(again(other, sameHouse), here("b", { wish })).joiner.phase.kind, "asking");
    // It gave its own up for another: it is the computer that a person named.
    const sameNode = peer("c", { house: houseState({ id: "house2" }) });
    assert.equal(look(again(sameNode), here("b", { wish })).joiner.phase.kind, "asking");
  });
});

test("hello goes to every candidate and everybody known, once a second, and not to itself", () => {
  const known = knowing({ ...peer("d"), address: "d:733" });
  const { joiner, effects } = sayHello(known, here("b", { candidates: ["a:733", "b:733"] }));
  assert.deepEqual(
    effects.map((effect) => effect.kind === "send" && effect.to),
    [["a:733"], ["d:733"]],
  );
  assert.equal(sayHello(joiner, here("b", { nowMs: 999 })).effects.length, 0);
  assert.equal(sayHello(joiner, here("b", { nowMs: 1_000 })).effects.length > 0, true);
});

test("who was waited for and is silent is forgotten, and everybody is asked anew", () => {
  const forgot = forgetSilent(knowing(peer("a"), peer("c", { seenAtMs: 9_000 })), here("b", { nowMs: 10_000 }));
  assert.deepEqual(
    [...forgot.peers.values()].map((each) => each.address),
    ["c:733"],
  );
  assert.deepEqual(forgot.phase, { kind: "looking", sinceMs: 10_000 });
  const higher = forgetSilent(knowing(peer("c")), here("b", { nowMs: 10_000 }));
  assert.deepEqual(higher.phase, { kind: "looking", sinceMs: 0 });
});

test("a node says how far it is with founding", () => {
  const joiner = newJoiner(0);
  assert.equal(senderOf(joiner, here("b")).founding, undefined);
  assert.equal(senderOf({ ...joiner, phase: { kind: "founding", sinceMs: 0 } }, here("b")).founding, "asks");
  assert.equal(senderOf({ ...joiner, phase: { kind: "laying the ground", sinceMs: 0 } }, here("b")).founding, "founds");
});
