// The mirror against the fake store: it holds what the store holds, makes nothing up, and says when it may not be believed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { fakeLog } from "../../test/fakes/machine.ts";
import { apply, foundHouse, nodeRecord, put, remove, serviceSpec, setMembershipState } from "../../test/fakes/objects.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { keys } from "../api/keys.ts";
import type { Change, HouseCopy, Index } from "./contract.ts";
import { COPY_AFTER_MS, LIST_RETRY_MS, STALE_AFTER_MS, StoreMirror } from "./mirror.ts";

function setUp(found = true) {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  if (found) foundHouse(etcd);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  const stop = new AbortController();
  const heard: Change[] = [];
  mirror.subscribe((changes) => heard.push(...changes));
  const running = mirror.run(stop.signal);
  return { clock, etcd, store, mirror, stop, heard, running };
}

const names = (mirror: StoreMirror): readonly string[] => [...mirror.all("Service")].map(({ metadata }) => metadata.name).sort();
const text = (changes: readonly Change[]): readonly string[] =>
  changes.map(({ room, kind, name, node }) => [room, kind, name, node].filter((part) => part !== undefined).join("/"));

test("a put and a delete are seen with their children, and told", async () => {
  const { clock, etcd, mirror, heard } = setUp();
  await clock.settle();
  heard.length = 0;
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  await clock.settle();
  assert.deepEqual(names(mirror), ["web"]);
  assert.equal(mirror.desired("Route", "web")?.metadata.owner, "Service/web");
  remove(etcd, keys.desired("Service", "web"));
  await clock.settle();
  assert.deepEqual(names(mirror), []);
  const touched = ["desired/Service/web", "desired/Route/web", "desired/DnsRecord/web"];
  assert.deepEqual(text(heard), [...touched, ...touched]);
  assert.equal(mirror.revision, etcd.revision);
});

test("generation is the key's version and resourceVersion its mod revision", async () => {
  const { clock, etcd, mirror } = setUp();
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  apply(etcd, "Service", "web", serviceSpec("web", "web:2"));
  await clock.settle();
  assert.equal(mirror.desired("Service", "web")?.metadata.generation, 2);
  assert.equal(mirror.desired("Service", "web")?.metadata.resourceVersion, String(etcd.revision));
});

test("a store that cannot be reached is no empty store: nothing is fresh, and nothing is told", async () => {
  const { clock, etcd, mirror, heard } = setUp();
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  await clock.settle();
  heard.length = 0;
  etcd.isolate("nas");
  await clock.advance(STALE_AFTER_MS + 1);
  assert.equal(mirror.fresh, false);
  await clock.advance(600_000);
  assert.deepEqual(names(mirror), ["web"]);
  assert.deepEqual(heard, []);
});

test("an unreachable store at the start means that nothing is fresh until it answers", async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  etcd.stop();
  const mirror = new StoreMirror({ store: etcd.client("nas", { clock, random: new SeededRandom(1) }), clock, log: fakeLog() });
  void mirror.run(new AbortController().signal);
  await clock.advance(60_000);
  assert.equal(mirror.fresh, false);
  etcd.start();
  await clock.advance(10_000);
  assert.equal(mirror.fresh, true);
});

test("a store without any object is not believed: neither at the start nor later", async () => {
  const { clock, etcd, mirror, heard } = setUp(false);
  await clock.advance(60_000);
  assert.equal(mirror.fresh, false);
  const wiped = etcd.snapshot();
  foundHouse(etcd);
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  await clock.advance(LIST_RETRY_MS);
  assert.equal(mirror.fresh, true);
  heard.length = 0;
  etcd.restore(wiped);
  await clock.advance(60_000);
  assert.equal(mirror.fresh, false);
  assert.deepEqual(names(mirror), ["web"]);
  assert.deepEqual(heard, []);
});

test("the mirror is fresh while the watch says that it lives, and stale 12 s after its last word", async () => {
  const { clock, etcd, mirror } = setUp();
  await clock.advance(3_600_000);
  assert.equal(mirror.fresh, true);
  const lastWordMs = clock.now();
  etcd.stop();
  await clock.until(() => !mirror.fresh, 60_000);
  assert(clock.now() - lastWordMs <= STALE_AFTER_MS + 5_000);
  etcd.start();
  await clock.until(() => mirror.fresh, 60_000);
});

test("what was deleted while the watch was compacted away is found by the next listing", async () => {
  const { clock, etcd, mirror, heard } = setUp();
  for (const name of ["keep", "gone", "changed"]) apply(etcd, "Service", name, serviceSpec(name, "web:1"));
  await clock.settle();
  etcd.isolate("nas");
  await clock.advance(1_000);
  heard.length = 0;
  remove(etcd, keys.desired("Service", "gone"));
  apply(etcd, "Service", "changed", serviceSpec("changed", "web:2"));
  apply(etcd, "Service", "made", serviceSpec("made", "web:1"));
  etcd.compact();
  etcd.rejoin("nas");
  await clock.until(() => mirror.fresh && mirror.revision === etcd.revision, 60_000);
  assert.deepEqual(names(mirror), ["changed", "keep", "made"]);
  assert.deepEqual(
    text(heard)
      .filter((change) => change.includes("Service"))
      .sort(),
    ["desired/Service/changed", "desired/Service/gone", "desired/Service/made"],
  );
});

test("an older snapshot is taken over whole: what it lacks goes, what it has comes back", async () => {
  const { clock, etcd, mirror } = setUp();
  apply(etcd, "Service", "old", serviceSpec("old", "web:1"));
  const snapshot = etcd.snapshot();
  await clock.settle();
  apply(etcd, "Service", "new", serviceSpec("new", "web:1"));
  apply(etcd, "Service", "old", serviceSpec("old", "web:2"));
  await clock.settle();
  etcd.restore(snapshot);
  await clock.until(() => mirror.fresh && mirror.revision === etcd.revision, 60_000);
  assert.deepEqual(names(mirror), ["old"]);
  assert.equal(mirror.desired("Service", "old")?.spec.containers[0]?.image, "web:1");
});

test("seenAtMs is when this mirror first saw a value, and a new listing does not change it", async () => {
  const { clock, etcd, mirror } = setUp();
  await clock.advance(1_000);
  put(etcd, keys.decided("Service", "web"), { uid: "1" });
  await clock.advance(60_000);
  assert.equal(mirror.decided("Service", "web")?.seenAtMs, 1_000);
  etcd.isolate("nas");
  await clock.advance(1_000);
  etcd.compact();
  apply(etcd, "Service", "other", serviceSpec("other", "web:1"));
  etcd.compact();
  etcd.rejoin("nas");
  await clock.until(() => mirror.revision === etcd.revision, 60_000);
  assert.equal(mirror.decided("Service", "web")?.seenAtMs, 1_000);
});

test("what a node observed counts while it is not Down and in the boot that it last announced", async () => {
  const { clock, etcd, mirror } = setUp();
  const seen = (): readonly string[] => [...mirror.observed("Service", "web").keys()].sort();
  put(etcd, keys.node("nas"), nodeRecord("nas", "boot-1"));
  put(etcd, keys.observed("Service", "web", "nas"), { bootId: "boot-1", instances: [] });
  put(etcd, keys.observed("Service", "web", "attic"), { bootId: "boot-7", instances: [] });
  await clock.settle();
  assert.deepEqual(seen(), ["attic", "nas"]);
  remove(etcd, keys.node("nas"));
  await clock.settle();
  assert.deepEqual(seen(), ["attic", "nas"], "an agent may be away for a while");
  put(etcd, keys.node("nas"), nodeRecord("nas", "boot-2"));
  await clock.settle();
  assert.deepEqual(seen(), ["attic"], "another boot");
  put(etcd, keys.observed("Service", "web", "nas"), { bootId: "boot-2", instances: [] });
  setMembershipState(etcd, "attic", "Down");
  await clock.settle();
  assert.deepEqual(seen(), ["nas"], "attic is Down");
});

test("the boot that a node announced is known without its lease", async () => {
  const { clock, etcd, mirror } = setUp();
  put(etcd, keys.observed("Membership", "nas", "nas"), { bootId: "boot-2", conditions: [] });
  put(etcd, keys.observed("Service", "web", "nas"), { bootId: "boot-1", instances: [] });
  await clock.settle();
  assert.equal(mirror.observed("Service", "web").size, 0);
});

test("a value that is no JSON reads as an error, never as absent", async () => {
  const { clock, etcd, mirror } = setUp();
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  await clock.settle();
  etcd.commit({ compare: [], writes: [{ put: keys.desired("Service", "web"), value: "{" }] });
  await clock.settle();
  assert.throws(() => mirror.desired("Service", "web"), /Cannot read/);
  apply(etcd, "Service", "other", serviceSpec("other", "web:1"));
  await clock.settle();
  assert.deepEqual(names(mirror), ["other", "web"]);
});

test("an index follows every change", async () => {
  const byImage: Index = {
    kind: "Service",
    room: "desired",
    keys: (value) => (value as { spec: { containers: readonly { image: string }[] } }).spec.containers.map(({ image }) => image),
  };
  const { clock, etcd, mirror } = setUp();
  apply(etcd, "Service", "a", serviceSpec("a", "web:1"));
  await clock.settle();
  assert.deepEqual(mirror.index(byImage), new Map([["web:1", new Set(["a"])]]));
  apply(etcd, "Service", "b", serviceSpec("b", "web:1"));
  apply(etcd, "Service", "a", serviceSpec("a", "web:2"));
  await clock.settle();
  assert.deepEqual(
    mirror.index(byImage),
    new Map([
      ["web:1", new Set(["b"])],
      ["web:2", new Set(["a"])],
    ]),
  );
});

test("run() ends with its signal", async () => {
  const { clock, stop, running } = setUp();
  await clock.advance(100);
  stop.abort(new Error("stopped"));
  await running;
  assert.equal(clock.nextAtMs(), undefined, "a timer keeps the process from ending");
});

test("after a long silence the copy is gone on from, and whoever waits is told each second", async () => {
  const { clock, etcd, mirror } = setUp();
  await clock.settle();
  let told = 0;
  etcd.isolate("nas");
  await clock.advance(COPY_AFTER_MS - 1_000);
  assert.equal(mirror.standing.kind, "none");
  mirror.subscribe(() => (told += 1));
  await clock.advance(11_000);
  assert.deepEqual(mirror.standing, { kind: "copy", isFromDisk: false });
  assert.ok(told >= 8 && told <= 12, `told ${told} times`);
  etcd.rejoin("nas");
  await clock.until(() => mirror.fresh, 60_000);
});

test("a kept copy is what the store held, and is gone on from after a start without the store", async () => {
  const { clock, etcd, mirror } = setUp();
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  apply(etcd, "Service", "gone", serviceSpec("gone", "web:1"));
  await clock.settle();
  const copy = JSON.parse(JSON.stringify(mirror.copy())) as HouseCopy;
  etcd.stop();
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const again = new StoreMirror({ store, clock, log: fakeLog(), copy });
  const heard: Change[] = [];
  again.subscribe((changes) => heard.push(...changes));
  void again.run(new AbortController().signal);
  assert.deepEqual([again.standing.kind, again.answeredAtMs, again.revision], ["none", undefined, mirror.revision]);
  await clock.advance(COPY_AFTER_MS + 1_000);
  assert.deepEqual(again.standing, { kind: "copy", isFromDisk: true });
  assert.deepEqual(names(again), ["gone", "web"]);
  assert.deepEqual(heard, []);
  etcd.start();
  remove(etcd, keys.desired("Service", "gone"));
  await clock.until(() => again.fresh, 60_000);
  assert.deepEqual(names(again), ["web"]);
  assert.deepEqual(
    text(heard).filter((change) => change.includes("Service")),
    ["desired/Service/gone"],
  );
});

test("what a node holds is shown in place of the store's word, until the store has something newer of it", async () => {
  const { clock, etcd, mirror, heard } = setUp();
  const key = keys.node("nas");
  put(etcd, key, nodeRecord("nas", "boot-1"));
  await clock.settle();
  etcd.isolate("nas");
  heard.length = 0;
  mirror.hold([{ put: key, value: JSON.stringify(nodeRecord("nas", "boot-2")) }]);
  const bootId = (): string | undefined => mirror.nodes().get("nas")?.value.bootId;
  assert.deepEqual([bootId(), text(heard)], ["boot-2", ["node/nas/nas"]]);
  const stored = mirror.copy()?.entries.find((entry) => entry.key === key);
  assert.match(stored?.value ?? "", /boot-1/, "the copy is the store's");
  etcd.rejoin("nas");
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  await clock.until(() => mirror.fresh && mirror.revision === etcd.revision, 60_000);
  assert.equal(bootId(), "boot-2");
  put(etcd, key, nodeRecord("nas", "boot-3"));
  await clock.settle();
  assert.deepEqual([bootId(), mirror.held], ["boot-3", []]);
});

test("it knows since when a node's record is gone: from when it saw that, or from its own beginning", async () => {
  const { clock, etcd, mirror } = setUp();
  await clock.advance(1_000);
  assert.equal(mirror.recordGoneAtMs("attic"), 0);
  put(etcd, keys.node("attic"), nodeRecord("attic", "boot-1"));
  await clock.advance(1_000);
  assert.equal(mirror.recordGoneAtMs("attic"), undefined);
  remove(etcd, keys.node("attic"));
  await clock.advance(1_000);
  assert.equal(mirror.recordGoneAtMs("attic"), 2_000);
});

test("what the store has of a node is told apart from what that node holds, and of what it wrote at all", async () => {
  const { clock, etcd, mirror } = setUp();
  const key = keys.observed("Service", "web", "nas");
  put(etcd, key, { bootId: "boot-1", instances: [] });
  await clock.settle();
  mirror.hold([{ put: key, value: JSON.stringify({ bootId: "boot-2", instances: [] }) }]);
  assert.deepEqual(mirror.stored("Service", "web", "nas"), { bootId: "boot-1", instances: [] });
  assert.deepEqual(mirror.written("Service", "web", "nas")?.value, { bootId: "boot-2", instances: [] });
  assert.deepEqual([[...mirror.writtenBy("Service", "nas")], [...mirror.writtenBy("Service", "attic")]], [["web"], []]);
});

test("what the mirror does not hold is not listed, however much it is, but for what members write of themselves", async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  apply(etcd, "Service", "web", serviceSpec("web", "web:1"));
  for (const key of [
    keys.history("Service", "web", 1),
    keys.applied("Service", "web", "cli"),
    keys.event("nas-1"),
    keys.timing,
    keys.admission,
  ])
    put(etcd, key, {});
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const listed: string[] = [];
  const list = store.list.bind(store);
  store.list = async (...asked) => {
    const listing = await list(...asked);
    listed.push(...listing.entries.map(({ key }) => key));
    return listing;
  };
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  const heard: string[] = [];
  mirror.subscribe((_, besides) => heard.push(...besides));
  void mirror.run(new AbortController().signal);
  await clock.settle();
  assert.deepEqual(names(mirror), ["web"]);
  assert.deepEqual(
    listed.toSorted(),
    [keys.desired("House", "house"), keys.desired("Service", "web"), keys.timing, keys.admission].toSorted(),
  );
  assert.deepEqual(heard.toSorted(), [keys.timing, keys.admission].toSorted());
});
