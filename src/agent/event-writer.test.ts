import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { silentLog } from "../../test/support/real.ts";
import { PREFIX } from "../api/keys.ts";
import type { EventRecord } from "../api/state.ts";
import { EventWriter } from "./event-writer.ts";

function setUp() {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const random = new SeededRandom(1);
  const store = etcd.client("nas", { clock, random });
  const writer = new EventWriter({ store, node: "nas", clock, random, log: silentLog, signal: new AbortController().signal });
  const written = (): readonly EventRecord[] => etcd.below(PREFIX.events).map((entry) => JSON.parse(entry.value) as EventRecord);
  const emit = (message: string): void => writer.emit({ kind: "Service", name: "jellyfin", type: "Normal", reason: "Started", message });
  return { clock, etcd, emit, written };
}

test("an event is written with its node and time, and its repetition within a minute is not", async () => {
  const { clock, emit, written } = setUp();
  emit("up");
  emit("up");
  await clock.advance(1_000);
  assert.deepEqual(
    written().map(({ message, node }) => [message, node]),
    [["up", "nas"]],
  );
  await clock.advance(120_000);
  emit("up");
  await clock.advance(1_000);
  assert.equal(written().length, 2);
});

test("events of the day before go with the next one", async () => {
  const { clock, emit, written } = setUp();
  emit("old");
  await clock.advance(25 * 3_600_000);
  emit("new");
  await clock.advance(1_000);
  assert.deepEqual(
    written().map(({ message }) => message),
    ["new"],
  );
});

test("what the store does not take is written when it does, in order and once", async () => {
  const { clock, etcd, emit, written } = setUp();
  etcd.stop();
  emit("first");
  await clock.advance(20_000);
  emit("second");
  assert.deepEqual(written(), []);
  etcd.start();
  await clock.advance(20_000);
  assert.deepEqual(
    written().map(({ message }) => message),
    ["first", "second"],
  );
});
