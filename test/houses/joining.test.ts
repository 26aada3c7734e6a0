// Computers of one person become one house by themselves: the program as it is installed, on lab hosts with a real tailnet, and a writer
// that goes on all the while.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { EtcdStore } from "../../src/adapters/etcd3/store.ts";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { StoreWrites } from "../support/store-writes.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

describe("one computer after the other, while somebody writes", { skip }, () => {
  let store: EtcdStore | undefined;
  let writes: StoreWrites | undefined;
  const { house, test } = labSuite(5, {
    close: async () => {
      await writes?.stop();
      await store?.close();
    },
  });

  test("the first founds a house", async (t) => {
    const began = performance.now();
    await house.start(1);
    await house.areOneHouse([1]);
    t.diagnostic(`one after ${seconds(began)}`);
    store = await house.store([1]);
    writes = new StoreWrites(store);
  });

  test("the second joins it, as a standby", async (t) => {
    const began = performance.now();
    await house.start(2);
    await house.areOneHouse([1, 2]);
    t.diagnostic(`two after ${seconds(began)}`);
    const members = await house.members();
    assert.deepEqual([members.length, members.filter(({ learner }) => learner).length], [2, 1]);
    await house.rolesAreTrue([1, 2]);
  });

  test("with the third all three vote", async (t) => {
    const began = performance.now();
    await house.start(3);
    await house.areOneHouse([1, 2, 3]);
    t.diagnostic(`three after ${seconds(began)}`);
    await house.hasVoters(3);
    t.diagnostic(`three voters after ${seconds(began)}`);
  });

  test("two more at once make five voters", async (t) => {
    const began = performance.now();
    await house.start(4, 5);
    await house.areOneHouse([1, 2, 3, 4, 5]);
    await house.hasVoters(5);
    t.diagnostic(`five voters after ${seconds(began)}`);
    await house.rolesAreTrue([1, 4]);
  });

  test("no write failed meanwhile", async (t) => {
    const { done = 0, failures, longestGapMs } = (await writes?.stop()) ?? {};
    t.diagnostic(`${done} writes, longest gap ${longestGapMs} ms`);
    assert.deepEqual(failures, []);
    assert.ok(done > 100, `${done} writes`);
  });
});

describe("three that start at the same instant", { skip }, () => {
  const all = [1, 2, 3] as const;
  const { house, test } = labSuite(3);

  test("found exactly one house, and all vote", async (t) => {
    const began = performance.now();
    await house.start(...all);
    await house.areOneHouse(all);
    t.diagnostic(`one house after ${seconds(began)}`);
    await house.hasVoters(3);
    t.diagnostic(`three voters after ${seconds(began)}`);
    assert.equal(new Set(await Promise.all(all.map((number) => house.houseId(number)))).size, 1);
  });

  test("writes go on when any of them loses its power, the leader included, and it comes back as what it was", async (t) => {
    const ids = (await house.members()).map(({ id }) => id).sort();
    const leader = await house.leader(all);
    for (const lost of [leader, ...all.filter((number) => number !== leader)]) {
      const [left = 1, other = 1] = all.filter((number) => number !== lost);
      const store = await house.store([left, other]);
      const writes = new StoreWrites(store);
      await until("the writer writes", () => writes.done > 10);
      await house.lab.kill(`h${lost}`);
      const before = writes.done;
      await until("writes after the loss", () => writes.done > before + 50, LIMIT_MS);
      await house.lab.boot(`h${lost}`);
      await house.areOneHouse(all);
      const { longestGapMs, failures } = await writes.stop();
      await store.close();
      t.diagnostic(`h${lost}${lost === leader ? ", the leader," : ""} lost: longest gap ${longestGapMs} ms, ${failures.length} unanswered`);
      assert.ok(longestGapMs < 20_000, `no write for ${longestGapMs} ms`);
    }
    assert.deepEqual((await house.members()).map(({ id }) => id).sort(), ids);
  });

  test("all lose their power at once, and are the same house again, with its apps", async (t) => {
    const houseId = await house.houseId(1);
    await house.node(1).apply(whoami, "--wait", "--timeout", "2m");
    const began = performance.now();
    await house.lab.kill("h1", "h2", "h3");
    await house.lab.boot("h1", "h2", "h3");
    await house.areOneHouse(all);
    t.diagnostic(`one house after ${seconds(began)}`);
    assert.equal(await house.houseId(1), houseId);
    await house.node(1).isReady("whoami");
    const containers = await Promise.all(all.map((number) => house.node(number).containersOf("whoami")));
    assert.equal(containers.flat().length, 1, "it runs once");
  });
});

const whoami = `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: whoami }\nspec: { image: "lab/whoami:1", port: 80 }\n`;
