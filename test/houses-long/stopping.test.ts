// A computer is about to stop, or leaves the house: its apps are elsewhere before it is gone, and nobody who asks notices.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { ask, askAllTheTime } from "../support/asking.ts";
import { hasReason, programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const GONE_MS = 60_000;
const app = `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: whoami }\nspec: { image: "lab/whoami:1", port: 80 }\n`;

describe("a computer that is about to be gone", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
    },
  });
  const place = async (): Promise<number> => {
    const found: number[] = [];
    for (const number of all) if ((await house.node(number).containersOf("whoami")).length > 0) found.push(number);
    assert.equal(found.length, 1, `it runs on ${found.join()}`);
    return found[0] ?? 0;
  };

  test("told that its machine stops, it hands over its app and the store's lead; then its power goes, and nobody notices", async (t) => {
    const lost = await house.leader(all);
    const left = all.filter((number) => number !== lost);
    const [first = 0] = left;
    for (const number of left) await house.node(first).run("node", "cordon", house.node(number).name);
    await house.node(first).apply(app, "--wait", "--timeout", "3m");
    for (const number of left) await house.node(first).run("node", "uncordon", house.node(number).name);
    assert.equal(await place(), lost);
    await until("it has proven itself", async () => (await house.node(first).service("whoami")).status.rollout === undefined);
    for (const number of left) await until(`h${number} answers`, async () => (await ask(house.node(number), "whoami")) === 200);

    const stop = askAllTheTime(
      left.map((number) => house.node(number)),
      "whoami",
    );
    const began = performance.now();
    const said = await house.node(lost).try("stopping", "--within", "1m");
    t.diagnostic(`handed over in ${((performance.now() - began) / 1000).toFixed(1)} s: ${said.stdout}${said.stderr}`);
    assert.equal(said.code, 0, said.stderr);
    assert.match(await house.node(first).run("get", "nodes"), new RegExp(`^${house.node(lost).name} .*Stopping`, "m"));
    assert.notEqual(await house.leader(all), lost);
    await house.lab.kill(`h${lost}`);
    await until("it counts as dead", async () => (await house.node(first).list("nodes")).some(hasReason("Down")), GONE_MS);
    const asked = await stop();
    t.diagnostic(JSON.stringify(asked));
    assert.ok(asked.answers > 10, "it was asked");
    assert.deepEqual(asked.failures, []);

    await house.lab.boot(`h${lost}`);
    await house.areOneHouse(all);
    await until("it is as before", async () => !/Stopping|Down/.test(await house.node(first).run("get", "nodes")), GONE_MS);
    assert.notEqual(await place(), lost, "nothing moves back");
  });

  test("one that leaves the house hands its app over first", async (t) => {
    const leaving = await place();
    const left = all.filter((number) => number !== leaving);
    const stop = askAllTheTime(
      left.map((number) => house.node(number)),
      "whoami",
    );
    const { name } = house.node(leaving);
    const said = await house.node(leaving).run("leave", `--confirm=${name}`);
    const [first = 0] = left;
    await until("it is gone", async () => !(await house.node(first).run("get", "nodes", "-o", "name")).includes(name), GONE_MS);
    const asked = await stop();
    t.diagnostic(`${said}${JSON.stringify(asked)}`);
    assert.ok(asked.answers > 10, "it was asked");
    assert.deepEqual(asked.failures, []);
    assert.ok(left.includes(await place()));
  });
});
