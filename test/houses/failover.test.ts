// An app outlives its computer: three of them on lab hosts, one loses its power, and its app answers again under the same name.
import assert from "node:assert/strict";
import http from "node:http";
import { describe } from "node:test";
import { hasReason, programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
/** Ten times the aim. */
const FAILOVER_LIMIT_MS = 80_000;
const app = `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: whoami }\nspec: { image: "lab/whoami:1", port: 80 }\n`;

/** Status of the app's page at a node; undefined: nobody answers there. */
function ask(node: HouseNode): Promise<number | undefined> {
  return new Promise((done) => {
    const options = { host: node.address, port: 80, headers: { Host: "whoami.home.internal" }, timeout: 15_000, agent: false };
    const request = http.get(options, (response) => {
      response.resume().once("close", () => done(response.statusCode));
    });
    request.once("timeout", () => request.destroy()).once("error", () => done(undefined));
  });
}

describe("an app outlives its computer", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await house.node(1).apply(app, "--wait", "--timeout", "2m");
      for (const number of all) await until(`h${number} answers`, async () => (await ask(house.node(number))) === 200);
    },
  });

  const place = async (numbers: readonly number[] = all): Promise<number> => {
    const found: number[] = [];
    for (const number of numbers) if ((await house.node(number).containersOf("whoami")).length > 0) found.push(number);
    assert.equal(found.length, 1, `it runs on ${found.join()}`);
    return found[0] ?? 0;
  };
  const containers = async (): Promise<unknown> => Promise.all(all.map((number) => house.node(number).containers()));
  const verdicts = async (number: number): Promise<readonly string[]> => {
    const nodes = await house.node(number).list("nodes");
    return nodes.filter(hasReason("Down")).map(({ metadata }) => metadata.name);
  };

  test("a computer that stands still for less than 2 s, and an agent that does so for long, move nothing", async () => {
    const lost = await place();
    const before = await containers();
    const [other = 0] = all.filter((number) => number !== lost);
    const { lab, name } = house.node(lost);
    const pids = await Promise.all((["agent", "ingress", "etcd"] as const).map((program) => house.node(lost).pid(program)));
    // By one shell there: a pause of the whole host takes longer to end than it may last.
    for (let times = 0; times < 3; times++)
      await lab.exec(name, "sh", "-c", `kill -STOP ${pids.join(" ")}; sleep 1.5; kill -CONT ${pids.join(" ")}`);
    await until("it answers again", async () => (await ask(house.node(lost))) === 200);
    assert.deepEqual(await verdicts(other), []);

    const pid = String(pids[0]);
    await lab.exec(name, "kill", "-STOP", pid);
    try {
      // Its lease ends, and with it what it announced: that is the last thing that could move the app.
      await until(
        "its agent counts as silent",
        async () => (await house.node(other).list("nodes")).some(hasReason("AgentSilent")),
        FAILOVER_LIMIT_MS,
      );
      assert.equal(await ask(house.node(other)), 200);
    } finally {
      await lab.exec(name, "kill", "-CONT", pid);
    }
    await house.areOneHouse(all);
    assert.deepEqual(await verdicts(other), []);
    assert.deepEqual(await containers(), before);
  });

  test("when its computer loses its power, it answers elsewhere; nothing moves back when that returns", async (t) => {
    const lost = await place();
    const left = all.filter((number) => number !== lost);
    const began = performance.now();
    await house.lab.kill(`h${lost}`);
    for (const number of left) await until(`h${number} answers`, async () => (await ask(house.node(number))) === 200, FAILOVER_LIMIT_MS);
    t.diagnostic(`answered again by both after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    const [first = 0] = left;
    assert.deepEqual(await verdicts(first), [house.node(lost).name]);
    const there = await place(left);

    await house.lab.boot(`h${lost}`);
    await house.areOneHouse(all);
    await until("its own copy is gone", async () => (await house.node(lost).containersOf("whoami")).length === 0);
    assert.deepEqual(await verdicts(first), []);
    assert.equal(await place(), there);
    for (const number of all) await until(`h${number} answers`, async () => (await ask(house.node(number))) === 200);
  });

  test("the same when it is the one whose etcd leads", async (t) => {
    const lost = await house.leader(all);
    const left = all.filter((number) => number !== lost);
    const began = performance.now();
    await house.lab.kill(`h${lost}`);
    for (const number of left) await until(`h${number} answers`, async () => (await ask(house.node(number))) === 200, FAILOVER_LIMIT_MS);
    t.diagnostic(`answered by both after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    const [first = 0] = left;
    await until("its death is recorded", async () => (await verdicts(first)).join() === house.node(lost).name, FAILOVER_LIMIT_MS);
    await house.lab.boot(`h${lost}`);
    await house.areOneHouse(all);
    await until("it declared itself alive", async () => (await verdicts(first)).length === 0);
  });
});
