import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { UserError } from "../api/errors.ts";
import { keys } from "../api/keys.ts";
import { foundHouse } from "./found.ts";

/** Virtual time goes on until the work is done. */
async function run<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false;
  void Promise.allSettled([work]).then(() => (settled = true));
  await clock.until(() => settled, 60_000);
  return work;
}

const signal = new AbortController().signal;
const house = keys.desired("House", "house");

function setUp(t: TestContext) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-found-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const found = (tailnetTags?: readonly string[]): ReturnType<typeof foundHouse> =>
    run(clock, foundHouse({ store, dataDir, clock, ...(tailnetTags && { tailnetTags }) }, signal));
  return { clock, store, found };
}

test("an empty store of a new node gets its House once", async (t) => {
  const { clock, store, found } = setUp(t);
  assert.equal(await found(), "founded");
  assert.equal(await found(), "found");
  assert.equal((await run(clock, store.get(house, signal)))?.version, 1);
});

test("the House of a tagged computer names its tag", async (t) => {
  const { clock, store, found } = setUp(t);
  await found(["tag:nas"]);
  const { spec } = JSON.parse((await run(clock, store.get(house, signal)))?.value ?? "{}") as { readonly spec: object }; // as written
  assert.deepEqual(spec, { zone: "home.internal", joining: "auto", tailnet: { tags: ["tag:nas"] } });
});

test("a store that lost the House this node knew is refused, and nothing is written", async (t) => {
  const { clock, store, found } = setUp(t);
  await found();
  await run(clock, store.commit({ compare: [], writes: [{ delete: house }] }, signal));
  await assert.rejects(found(), (error) => error instanceof UserError && /backup.*but its folder "volumes"/.test(error.message));
  assert.equal(await run(clock, store.get(house, signal)), undefined);
});

test("a store that holds something else than a house is refused", async (t) => {
  const { clock, store, found } = setUp(t);
  await run(clock, store.commit({ compare: [], writes: [{ put: keys.node("nas"), value: "{}" }] }, signal));
  await assert.rejects(found(), UserError);
});
