import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { Store } from "../ports.ts";
import { trimmedHistory } from "./history.ts";

/** What etcd runs with. */
const TXN_OPS_MAX = 2048;

test("the last ten are kept, however many there are, and no transaction is larger than the store takes", async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const { signal } = new AbortController();
  const put = async (from: number, to: number): Promise<void> => {
    const writes = Array.from({ length: to - from }, (_, index) => ({ put: keys.history("Service", "web", from + index), value: "{}" }));
    await store.commit({ compare: [], writes }, signal);
  };
  const sizes: number[] = [];
  const watched = {
    list: (...asked: Parameters<Store["list"]>) => store.list(...asked),
    commit: (...asked: Parameters<Store["commit"]>) => {
      sizes.push(asked[0].writes.length);
      return store.commit(...asked);
    },
  };
  await put(1, 1500);
  await put(1500, 3001);
  const kept = Array.from({ length: 10 }, (_, index) => keys.history("Service", "web", 2991 + index));
  assert.deepEqual(await trimmedHistory(watched, "Service", "web", signal), kept);
  assert.deepEqual(
    etcd.below(PREFIX.history).map(({ key }) => key),
    kept,
  );
  assert.ok(sizes.length > 0 && sizes.every((size) => size <= TXN_OPS_MAX), sizes.join(" "));
  assert.deepEqual(await trimmedHistory(watched, "Service", "web", signal), kept);
});
