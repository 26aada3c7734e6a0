import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { entry, houseNode, join, nodeId, NOW, request, view } from "../../test/fakes/joining.ts";
import type { QueueEntry, Stored } from "./house-view.ts";
import { behind, enqueue, headOf, holderOfAddress, likelyFormerSelf, mayBeReinstalled, postponed, recruited, replacedBy } from "./queue.ts";

const asked = { trust: "trusted", entries: [], joining: "auto", clusterVersion: "3.7.3", known: false } as const;

describe("who gets in line", () => {
  test("a trusted node gets in at the end", () => {
    const change = enqueue({ ...asked, join: join("b"), entries: [entry("a", { order: 4 })] });
    assert(change.kind === "put");
    assert.deepEqual([change.entry.order, change.entry.byItself, change.modRevision], [5, true, 0]);
  });

  test("asking again changes nothing", () => {
    const first = enqueue({ ...asked, join: join("b") });
    assert(first.kind === "put");
    const stored = { value: first.entry, modRevision: 3, seenAtMs: 0 };
    assert.equal(enqueue({ ...asked, join: join("b"), entries: [stored] }).kind, "keep");
  });

  test("a newer installation at the same address replaces the older one", () => {
    const older = entry("a");
    const change = enqueue({ ...asked, join: join("b", { addresses: ["a:733"] }), entries: [older] });
    assert(change.kind === "put");
    assert.deepEqual(change.removes, [older]);
  });

  test("a person is waited for where trust was not proven, and where the House says so, outside of the queue", () => {
    for (const more of [{ trust: "needs approval" } as const, { joining: "approve" } as const])
      assert.equal(enqueue({ ...asked, ...more, join: join("b"), entries: [entry("a")] }).kind, "wait");
  });

  test("whom a person or a token let in is queued", () => {
    const change = enqueue({ ...asked, trust: "approved", joining: "approve", join: join("b") });
    assert(change.kind === "put" && !change.entry.byItself);
  });

  test("who is in line already was let in, and stays there as it was when it asks again without a proof", () => {
    for (const byItself of [true, false]) {
      const queued = entry("b", { byItself, order: 4 });
      for (const more of [{ trust: "needs approval" } as const, { joining: "approve" } as const])
        assert.deepEqual(enqueue({ ...asked, ...more, join: join("b"), entries: [queued] }), { kind: "keep", entry: queued.value });
    }
    assert.equal(enqueue({ ...asked, trust: "refused", join: join("b"), entries: [entry("b")] }).kind, "refuse");
  });

  test("a node of the house needs nobody's approval to come back", () => {
    const change = enqueue({ ...asked, trust: "needs approval", joining: "off", known: true, join: join("b") });
    assert(change.kind === "put" && change.entry.byItself);
  });

  const refused: readonly (readonly [string, Partial<Parameters<typeof enqueue>[0]>, RegExp])[] = [
    ["a stranger", { trust: "refused" }, /does not know whose computer it is/],
    ["everybody when joining is off", { joining: "off" }, /lets nobody in/],
    ["another version", { join: join("b", { versions: { fossora: "0.1.0", etcd: "3.5.1" } }) }, /only the same minor version/],
  ];
  for (const [who, more, reason] of refused) {
    test(`${who} is refused with the reason`, () => {
      const change = enqueue({ ...asked, join: join("b"), ...more });
      assert(change.kind === "refuse");
      assert.match(change.reason, reason);
    });
  }

  test("however often whoever asks, nobody is in the queue twice, by id or by address", () => {
    const who = fc.record({ letter: fc.constantFrom("a", "b", "c", "d"), address: fc.constantFrom("x:733", "y:733", "z:733") });
    fc.assert(
      fc.property(fc.array(who, { maxLength: 30 }), (all) => {
        const queue = new Map<string, Stored<QueueEntry>>();
        for (const { letter, address } of all) {
          const change = enqueue({ ...asked, join: join(letter, { addresses: [address] }), entries: [...queue.values()] });
          if (change.kind !== "put") continue;
          for (const { value } of change.removes) queue.delete(value.nodeId);
          queue.set(change.entry.nodeId, { value: change.entry, modRevision: 1, seenAtMs: 0 });
        }
        const addresses = [...queue.values()].map(({ value }) => value.addresses[0]);
        assert.equal(new Set(addresses).size, addresses.length);
        assert.equal(new Set([...queue.values()].map(({ value }) => value.order)).size, queue.size);
      }),
    );
  });
});

test("the head is the first, and who is postponed comes last", () => {
  const entries = [entry("a", { order: 8 }), entry("b", { order: 3 }), entry("c", { order: 2 })];
  assert.equal(headOf(entries)?.value.name, "c");
  const after = postponed(entry("c", { order: 2 }), { order: behind(entries), missed: true });
  assert.deepEqual([after.order, after.missed], [9, 1]);
  assert.equal(headOf([]), undefined);
});

test("a recruited worker is last", () => {
  const made = recruited(houseNode("w"), [entry("a", { order: 7 })]);
  assert.deepEqual([made.order, made.nodeId], [8, nodeId("w")]);
});

describe("a reinstalled machine", () => {
  const reinstalled = entry("n", { request: { ...request("n"), machine: request("b").machine } }).value;
  const silentFor = (ms: number): ReturnType<typeof view> =>
    view({ voters: "abc", dead: "b", heardAtMs: new Map([[nodeId("b"), NOW - ms]]), leadsSinceMs: 0 });

  test("takes the place of its former self after 60 s of silence", () => {
    assert.equal(replacedBy(silentFor(60_000), reinstalled)?.name, "b");
    assert.equal(replacedBy(silentFor(59_000), reinstalled), undefined);
    assert.equal(mayBeReinstalled(silentFor(59_000), reinstalled), true);
  });

  test("is another machine while its likeness is alive", () => {
    assert.equal(mayBeReinstalled(silentFor(1_000), reinstalled), false);
  });

  test("needs a person's word where its trust came from a token", () => {
    const byToken = { ...reinstalled, byItself: false };
    assert.equal(replacedBy(silentFor(60_000), byToken), undefined);
    assert.equal(likelyFormerSelf(silentFor(60_000), byToken)?.name, "b");
    assert.equal(replacedBy(silentFor(0), { ...byToken, replaces: nodeId("b") })?.name, "b");
  });

  test("is known to be at a living node's address, unless it has another", () => {
    const at = (peerUrl: string) => ({ ...reinstalled, request: { ...reinstalled.request, peerUrl } });
    assert.equal(holderOfAddress(view({ voters: "abc" }), at("https://b:2380"))?.name, "b");
    assert.equal(holderOfAddress(view({ voters: "abc", dead: "b" }), at("https://b:2380")), undefined);
    assert.equal(holderOfAddress(view({ voters: "abc" }), at("https://b:2380,https://tailnet-n:2380")), undefined);
  });

  test("may be the silent node at whose address it is, which a person can say", () => {
    const other = { ...reinstalled, request: { ...reinstalled.request, machine: { macs: [], productUuid: "" } } };
    const there = { ...other, request: { ...other.request, peerUrl: "https://b:2380" } };
    assert.equal(likelyFormerSelf(silentFor(60_000), other), undefined);
    assert.equal(likelyFormerSelf(silentFor(60_000), there)?.name, "b");
    assert.equal(likelyFormerSelf(silentFor(59_000), there), undefined);
    assert.equal(replacedBy(silentFor(60_000), there), undefined);
  });
});
