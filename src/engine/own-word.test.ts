import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { fakeLog } from "../../test/fakes/machine.ts";
import { foundHouse, put } from "../../test/fakes/objects.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { StoreUnavailable } from "../api/errors.ts";
import { keys } from "../api/keys.ts";
import { COPY_AFTER_MS, StoreMirror } from "./mirror.ts";
import { OwnWord } from "./own-word.ts";

const own = keys.observed("Service", "web", "nas");
const soon = new AbortController().signal;

async function cutOff() {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  void mirror.run(soon);
  const ownWord = new OwnWord({ node: "nas", store, mirror, log: fakeLog() });
  ownWord.run(soon);
  await clock.settle();
  etcd.isolate("nas");
  await clock.advance(COPY_AFTER_MS + 6_000);
  assert.equal(mirror.standing.kind, "copy");
  return { clock, etcd, mirror, ownWord };
}

test("without the store a node's own reports are shown at once, and written when it answers", async () => {
  const { clock, etcd, mirror, ownWord } = await cutOff();
  const value = JSON.stringify({ bootId: "boot-nas", instances: [] });
  assert.equal((await ownWord.commit({ compare: [], writes: [{ put: own, value }] }, soon)).committed, true);
  assert.deepEqual(mirror.written("Service", "web", "nas")?.value, { bootId: "boot-nas", instances: [] });
  etcd.rejoin("nas");
  await clock.until(() => mirror.fresh && mirror.held.length === 0, 60_000);
  assert.deepEqual(mirror.written("Service", "web", "nas")?.value, { bootId: "boot-nas", instances: [] });
  assert.equal((await ownWord.get(own, soon))?.value, value);
});

test("without the store nothing is decided and nobody waits for it: the refusal comes at once", async () => {
  const { ownWord } = await cutOff();
  const decided = { compare: [{ key: own, modRevision: 0 }], writes: [{ put: own, value: "{}" }] };
  await assert.rejects(ownWord.commit(decided, soon), StoreUnavailable);
  const others = { compare: [], writes: [{ delete: keys.observed("Service", "web", "attic") }] };
  await assert.rejects(ownWord.commit(others, soon), StoreUnavailable);
  await assert.rejects(ownWord.get(own, soon), StoreUnavailable);
});

test("what is under the lease is shown at once, too, and stays until the lease has written it", async () => {
  const { clock, etcd, mirror, ownWord } = await cutOff();
  const lease = ownWord.lease(20_000);
  lease.put(keys.node("nas"), JSON.stringify({ nodeId: "id", bootId: "boot-2" }));
  assert.equal(mirror.nodes().get("nas")?.value.bootId, "boot-2");
  etcd.rejoin("nas");
  await clock.until(() => mirror.fresh && mirror.held.length === 0, 120_000);
  assert.equal(mirror.nodes().get("nas")?.value.bootId, "boot-2");
  await lease.close();
});

test("what was under the lease for as long as the store was away is not shown for ever", async () => {
  const { clock, etcd, mirror, ownWord } = await cutOff();
  const lease = ownWord.lease(20_000);
  const [usual, troubled] = ["boot-1", "boot-1 without Docker"].map((bootId) => JSON.stringify({ nodeId: "id", bootId }));
  etcd.rejoin("nas");
  lease.put(keys.node("nas"), usual ?? "");
  await clock.until(() => mirror.fresh && mirror.held.length === 0, 120_000);
  etcd.isolate("nas");
  await clock.until(() => mirror.standing.kind === "copy", 120_000);
  lease.put(keys.node("nas"), troubled ?? "");
  assert.equal(mirror.nodes().get("nas")?.value.bootId, "boot-1 without Docker");
  etcd.rejoin("nas");
  await clock.until(() => mirror.fresh, 120_000);
  lease.put(keys.node("nas"), usual ?? "");
  assert.equal(mirror.nodes().get("nas")?.value.bootId, "boot-1", "the store has it all along");
  await lease.close();
});

test("what was said in a former life in the house is shown in place of what the store has of it, and written", async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  put(etcd, own, { bootId: "boot-1", instances: [] });
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  const ownWord = new OwnWord({ node: "nas", store, mirror, log: fakeLog() });
  const value = JSON.stringify({ bootId: "boot-2", instances: [] });
  ownWord.goOn([
    { put: own, value },
    { put: keys.node("nas"), value: "{}" },
  ]);
  ownWord.run(soon);
  void mirror.run(soon);
  const seen: unknown[] = [];
  mirror.subscribe(() => seen.push(mirror.written<{ readonly bootId: string }>("Service", "web", "nas")?.value.bootId));
  await clock.until(() => mirror.fresh && mirror.held.length === 0, 60_000);
  await clock.settle();
  assert.deepEqual([...new Set(seen)], ["boot-2"]);
  assert.deepEqual([(await ownWord.get(own, soon))?.value, mirror.nodes().size], [value, 0]);
});
