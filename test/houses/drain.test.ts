// A computer is taken out for a while: what runs on it moves to the others while people ask for it through all of them.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { DrillAnswer, MovesAnswer, RebalanceAnswer } from "../../src/api/moves.ts";
import { ask, askAllTheTime } from "../support/asking.ts";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const apps = ["whoami", "diary", "here"];
/** One that may run twice, one that must not, and one that is bound to its computer. */
const manifest = (home: string): string => `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: diary }
spec:
  containers: [{ name: diary, image: "lab/whoami:1", volumes: ["host:/srv:/srv"], stopGrace: 2s }]
  port: 80
  routes: [{ host: diary, port: 80, hold: 60s }]
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: here }
spec: { containers: [{ name: here, image: "lab/whoami:1", volumes: ["${home}:/srv:/srv:ro"] }], port: 80 }
`;

describe("a computer is taken out for a while", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      for (const node of house.nodes) await node.lab.exec(node.name, "mkdir", "-p", "/srv");
      // All begin on the one that is drained first.
      for (const number of [2, 3]) await house.node(1).run("node", "cordon", house.node(number).name);
      await house.node(1).apply(manifest(house.node(1).name), "--wait", "--timeout", "3m");
      for (const number of [2, 3]) await house.node(1).run("node", "uncordon", house.node(number).name);
      for (const node of house.nodes)
        for (const app of apps) await until(`${node.name} answers`, async () => (await ask(node, app)) === 200);
    },
  });
  const place = async (app: string): Promise<number> => {
    const found: number[] = [];
    for (const number of all) if ((await house.node(number).containersOf(app)).length > 0) found.push(number);
    assert.equal(found.length, 1, `${app} runs on ${found.join()}`);
    return found[0] ?? 0;
  };

  test("drill says what would wait for it, and that the store would keep its quorum", async (t) => {
    const [first, second] = [house.node(1), house.node(2)];
    const of = async (name: string): Promise<DrillAnswer> => {
      const { code, stdout } = await second.try("drill", name, "-o", "json");
      const answer = JSON.parse(stdout) as DrillAnswer; // its documented form
      assert.equal(code, answer.survives ? 0 : 1, answer.answer);
      return answer;
    };
    const answer = await of(first.name);
    t.diagnostic((await second.try("drill", first.name)).stdout);
    assert.deepEqual(
      [answer.store.keepsQuorum, answer.moves.map(({ service }) => service), answer.waits.map(({ service }) => service)],
      [true, ["diary", "whoami"], ["here"]],
    );
    assert.equal((await of(house.node(3).name)).survives, true, "nothing runs there");
  });

  test("drain moves what can move without a failed request, and says what cannot", async (t) => {
    const [first, second] = [house.node(1), house.node(2)];
    const shown = JSON.parse(await second.run("node", "drain", first.name, "--dry-run", "-o", "json")) as MovesAnswer; // its documented form
    assert.deepEqual(
      [shown.moves.map(({ service, stopsFirst }) => [service, stopsFirst]), shown.stays.map(({ service, why }) => [service, why])],
      [
        [
          ["diary", true],
          ["whoami", false],
        ],
        [["here", `a folder of ${first.name} is mounted`]],
      ],
    );
    const stops = ["whoami", "diary"].map((app) => askAllTheTime(house.nodes, app));
    const began = performance.now();
    const said = await second.try("node", "drain", first.name, "--yes", "--timeout", "3m");
    const took = performance.now() - began;
    const [whoami, diary] = await Promise.all(stops.map((stop) => stop()));
    t.diagnostic(`drained in ${(took / 1000).toFixed(1)} s\n${said.stderr}`);
    t.diagnostic(JSON.stringify({ whoami, diary }));
    assert.equal(said.code, 0, said.stderr);
    for (const asked of [whoami, diary]) {
      assert.ok(asked !== undefined && asked.answers > 10, "it was asked");
      assert.deepEqual(asked.failures, []);
    }
    assert.notEqual(await place("whoami"), 1);
    assert.notEqual(await place("diary"), 1);
    assert.equal(await place("here"), 1, "its folder is there");
  });

  test("it does not lead the store, takes nothing new, and is drained again without a question", async () => {
    const [first, second] = [house.node(1), house.node(2)];
    await until("another one leads", async () => (await house.leader(all)) !== 1);
    assert.match(await second.run("node", "drain", first.name), /unchanged: it is drained/);
    assert.match(await second.run("get", "nodes"), new RegExp(`^${first.name} .*Drained`, "m"));
    assert.deepEqual(await first.containersOf("whoami"), []);
  });

  test("uncordoned it is as before, and nothing moves back", async () => {
    const before = await Promise.all(apps.map(place));
    assert.match(await house.node(3).run("node", "uncordon", house.node(1).name), /uncordoned/);
    await until("it is ready", async () => !(await house.node(1).run("get", "nodes")).includes("Drained"));
    assert.deepEqual(await Promise.all(apps.map(place)), before);
  });

  test("rebalance evens out a house in which one has all, without a failed request", async (t) => {
    const [first, second] = [house.node(1), house.node(2)];
    const many = ["a", "b", "c", "d"];
    const others = [1, 3].map((number) => house.node(number).name);
    for (const name of others) await first.run("node", "cordon", name);
    const one = (name: string): string =>
      `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "lab/whoami:1", port: 80, resources: { memory: 1Gi }, update: { monitor: 1s } }\n`;
    await first.apply(many.map(one).join("---\n"), "--wait", "--timeout", "3m");
    for (const name of others) await first.run("node", "uncordon", name);
    const placed = async (): Promise<readonly number[]> => Promise.all(many.map(place));
    assert.deepEqual(await placed(), [2, 2, 2, 2]);
    await until("they have proven themselves", async () => {
      const { moves } = JSON.parse(await second.run("rebalance", "--dry-run", "-o", "json")) as RebalanceAnswer; // its documented form
      return moves.length > 1;
    });
    const stops = many.map((app) => askAllTheTime([second], app));
    const said = await second.try("rebalance", "--yes", "--timeout", "3m");
    const asked = await Promise.all(stops.map((stop) => stop()));
    t.diagnostic(`${said.stderr}${said.stdout}`);
    assert.equal(said.code, 0, said.stderr);
    assert.deepEqual(
      asked.flatMap(({ failures }) => failures),
      [],
    );
    assert.ok(new Set(await placed()).size > 1);
    assert.match(await second.run("rebalance"), /nothing to move/);
  });

  test("a computer that is removed hands over first what can move, without a failed request", async (t) => {
    const [first, second] = [house.node(1), house.node(2)];
    const from = await place("whoami");
    const [asker, removed] = from === 1 ? [second, first] : [first, house.node(from)];
    const stop = askAllTheTime(
      house.nodes.filter(({ name }) => name !== removed.name),
      "whoami",
    );
    const said = await asker.try("node", "remove", removed.name, `--confirm=${removed.name}`, "--timeout", "3m");
    const asked = await stop();
    t.diagnostic(`${said.stderr}${said.stdout}${JSON.stringify(asked)}`);
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stderr, /whoami-\S+ moved to /);
    assert.deepEqual(asked.failures, []);
    assert.ok(asked.answers > 10, "it was asked");
    assert.doesNotMatch(await asker.run("get", "nodes"), new RegExp(`^${removed.name} `, "m"));
  });
});
