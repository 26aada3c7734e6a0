import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { keys } from "../api/keys.ts";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { anotherGossipKey, GossipKey } from "./gossip-key.ts";

const folder = mkdtempSync(path.join(tmpdir(), "fossora-gossip-"));
after(() => rmSync(folder, { recursive: true }));

test("the first node makes the key, all take it over, and it changes with a removal", async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const signal = new AbortController().signal;
  const call = async (run: Promise<void>): Promise<void> => {
    await clock.settle();
    await run;
  };
  const dirs = ["a", "b"].map((name) => mkdtempSync(path.join(folder, name)));
  const [a, b] = dirs.map((dir) => new GossipKey(dir, clock));
  assert.ok(a && b);
  assert.deepEqual(a.all, []);
  await call(a.takeOver(store, signal));
  await call(b.takeOver(store, signal));
  assert.equal(a.all.length, 1);
  assert.deepEqual(a.all, b.all);
  const [dir = ""] = dirs;
  assert.equal(statSync(path.join(dir, "gossip.key")).mode & 0o777, 0o600);
  assert.deepEqual(new GossipKey(dir, clock).all, a.all);

  const [before] = [...a.all];
  etcd.commit({ compare: [], writes: [anotherGossipKey()] });
  await call(a.takeOver(store, signal));
  const stored = Buffer.from(etcd.get(keys.gossip)?.value ?? "", "base64");
  assert.deepEqual(a.all, [stored, before]);
  await clock.advance(10_000);
  assert.equal(a.all.length, 1);
  await store.close();
});
