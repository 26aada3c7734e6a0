import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { decided, observedInstance } from "../../../test/fakes/facts.ts";
import { SeededRandom, VirtualClock } from "../../../test/fakes/clock.ts";
import { houseNode, nodeId } from "../../../test/fakes/joining.ts";
import { containerSpec, serviceSpec } from "../../../test/fakes/objects.ts";
import { FakeEtcd } from "../../../test/fakes/store.ts";
import { silentLog } from "../../../test/support/real.ts";
import { keys } from "../../api/keys.ts";
import { storeChange } from "../../joining/store-change.ts";
import { loadTrust, removedNodes } from "../trust.ts";
import { departure, Departures, namesLeaving, type DeparturesOptions } from "./departures.ts";

const signal = AbortSignal.timeout(60_000);
/** Longer than one may take to find out by itself. */
const A_WHILE_MS = 10_000;

/** Beside the leader of a house in which `nas`, whose node id has the letter `b`, has left something behind. */
async function leaderOf(t: TestContext, members: DeparturesOptions["sight"]["members"] = []) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-departures-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  await loadTrust(dataDir);
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("a", { clock, random: new SeededRandom(1) });
  const nas = houseNode("b", { name: "nas" });
  const traces = [keys.node("nas"), keys.desired("Membership", "nas"), keys.observed("Service", "web", "nas")];
  const writes = [...traces.map((put) => ({ put, value: "{}" })), { put: keys.houseNode(nas.nodeId), value: JSON.stringify(nas) }];
  await store.commit({ compare: [], writes }, signal);
  const departures = new Departures({ dataDir, store, reads: store, sight: { isFresh: true, members }, clock, log: silentLog });
  const seeOff = async (): Promise<void> => {
    await departures.look(signal);
    await clock.advance(A_WHILE_MS);
    await departures.look(signal);
  };
  const left = async (): Promise<readonly string[]> => {
    const there = await Promise.all([...traces, keys.leaving(nas.nodeId)].map((key) => store.get(key, signal)));
    return there.flatMap((entry) => entry?.key ?? []);
  };
  return { dataDir, store, nas, traces, clock, seeOff, left };
}

test("one that was removed is struck off, and what it had written goes", async (t) => {
  const { dataDir, store, nas, seeOff, left } = await leaderOf(t);
  const { modRevision = 0 } = (await store.get(keys.houseNode(nas.nodeId), signal)) ?? {};
  await store.commit(departure(nas.nodeId, modRevision, { name: "nas", removed: true }), signal);
  await seeOff();
  assert.deepEqual([removedNodes(dataDir), await left()], [[nas.nodeId], []]);
});

test("one whose place was taken is out, struck off where that is sure, and what is under its name is that of the other now", async (t) => {
  for (const strikesOff of [true, false]) {
    const { dataDir, store, nas, traces, seeOff, left } = await leaderOf(t);
    const finish = { kind: "finish", node: houseNode("n", { name: "nas" }), replaces: nas.nodeId, strikesOff, modRevision: 0 } as const;
    const change = storeChange(finish, { roster: new Map(), entries: [] });
    assert(change !== undefined);
    assert.ok((await store.commit(change, signal)).committed);
    await seeOff();
    assert.deepEqual([removedNodes(dataDir), await left()], [strikesOff ? [nas.nodeId] : [], traces]);
    assert.equal(await store.get(keys.houseNode(nodeId("b")), signal), undefined);
  }
});

test("what it may still be stopping is in the way of others for as long as that may take, and is swept then", async (t) => {
  const { dataDir, store, nas, clock, seeOff, left } = await leaderOf(t);
  const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
  const spec = serviceSpec("web", "", { containers: [containerSpec("web", "web:1", { volumes: [share], stopGrace: "90s" })] });
  const none = decided("web", spec, []);
  const told = { bootId: "b", instances: [{ ...observedInstance("aaaa"), revision: none.target }] };
  const kept = keys.observed("Service", "web", "nas");
  const values = [
    { put: kept, value: JSON.stringify(told) },
    { put: keys.decided("Service", "web"), value: JSON.stringify(none) },
  ];
  await store.commit({ compare: [], writes: values }, signal);
  const { modRevision = 0 } = (await store.get(keys.houseNode(nas.nodeId), signal)) ?? {};
  await store.commit(departure(nas.nodeId, modRevision, { name: "nas", removed: true }), signal);
  await seeOff();
  const gossipKey = await store.get(keys.gossip, signal);
  assert.deepEqual([removedNodes(dataDir), await left()], [[nas.nodeId], [kept, keys.leaving(nas.nodeId)]]);
  await clock.advance(90_000);
  await seeOff();
  assert.deepEqual(await left(), [kept, keys.leaving(nas.nodeId)]);
  assert.deepEqual(await store.get(keys.gossip, signal), gossipKey, "it is struck off once");
  await clock.advance(40_000);
  await seeOff();
  assert.deepEqual(await left(), []);
});

test("of a dead one nothing is kept: it was waited for before others started anything", async (t) => {
  const { store, nas, seeOff, left } = await leaderOf(t);
  const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
  const none = decided("web", serviceSpec("web", "", { containers: [containerSpec("web", "web:1", { volumes: [share] })] }), []);
  const told = { bootId: "b", instances: [{ ...observedInstance("aaaa"), revision: none.target }] };
  const values = [
    { put: keys.observed("Service", "web", "nas"), value: JSON.stringify(told) },
    { put: keys.decided("Service", "web"), value: JSON.stringify(none) },
    { put: keys.decided("Membership", "nas"), value: JSON.stringify({ state: "Down" }) },
  ];
  await store.commit({ compare: [], writes: values }, signal);
  const { modRevision = 0 } = (await store.get(keys.houseNode(nas.nodeId), signal)) ?? {};
  await store.commit(departure(nas.nodeId, modRevision, { name: "nas", removed: true }), signal);
  await seeOff();
  assert.deepEqual(await left(), []);
});

test("one that left by itself and is back under its name holds up nobody, though its store is a member again", async (t) => {
  const members = [{ id: "m", name: `${nodeId("b")}-aaaaaaaa`, peerUrl: "", clientUrls: [], learner: false }];
  const { store, nas, traces, seeOff, left } = await leaderOf(t, members);
  const { modRevision = 0 } = (await store.get(keys.houseNode(nas.nodeId), signal)) ?? {};
  await store.commit(departure(nas.nodeId, modRevision, { name: "nas", removed: false }), signal);
  await seeOff();
  assert.deepEqual(await left(), [...traces, keys.leaving(nas.nodeId)]);
  const sight = { members, records: undefined };
  assert.deepEqual(await namesLeaving(store, sight, signal), ["nas"]);
  const finish = { kind: "finish", node: nas, modRevision: 0 } as const;
  const change = storeChange(finish, { roster: new Map(), entries: [] });
  assert(change !== undefined);
  await store.commit(change, signal);
  await seeOff();
  assert.deepEqual(await left(), traces);
});
