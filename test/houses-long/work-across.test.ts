// Logs, commands in containers, events and load of apps on any computer, asked on any of them: the program as it is installed, on lab hosts.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
/** Ten times the aim. */
const FAILOVER_LIMIT_MS = 80_000;
const talking = 'entrypoint: [sh, -c, "i=0; while true; do i=$((i+1)); echo line $i of $HOSTNAME; sleep 0.5; done"], stopGrace: 1s';
const app = (name: string, replicas: number): string =>
  `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "lab/whoami:1", replicas: ${replicas}, ${talking} }\n`;

describe("what apps on three computers say and do, from any of them", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await house.node(1).apply(`${app("choir", 3)}---\n${app("solo", 1)}`, "--wait", "--timeout", "2m");
    },
  });
  const placeOf = async (service: string, among = all): Promise<{ readonly here: HouseNode; readonly elsewhere: readonly HouseNode[] }> => {
    const nodes = among.map((number) => house.node(number));
    const has = await Promise.all(nodes.map(async (node) => (await node.containersOf(service)).length > 0));
    const here = nodes.find((_, index) => has[index]);
    assert(here, `${service} runs nowhere`);
    return { here, elsewhere: nodes.filter((node) => node !== here) };
  };

  test("logs of all instances are in order of time, and each line says whose it is", async () => {
    for (const node of house.nodes) {
      const text = await node.run("logs", "choir", "-n", "6", "--timestamps");
      const lines = text.trimEnd().split("\n");
      assert.ok(
        lines.every((line) => /^choir-[a-z0-9]{4}@h[123] │ \d{4}-[^ ]+Z line \d+ of /.test(line)),
        text,
      );
      assert.deepEqual(new Set(lines.map((line) => /@(h\d)/.exec(line)?.[1])), new Set(["h1", "h2", "h3"]));
      const times = lines.map((line) => line.split(" ")[2] ?? "");
      assert.deepEqual(times, times.toSorted());
      const only = await node.run("logs", "choir", "--node", "h2", "-n", "2", "-o", "json");
      for (const line of only.trimEnd().split("\n")) assert.equal((JSON.parse(line) as { readonly node: string }).node, "h2");
    }
  });

  test("a command runs where an instance is, with its input, its output and its exit code", async () => {
    const { here, elsewhere } = await placeOf("solo");
    for (const node of [here, ...elsewhere]) {
      const { code, stdout } = await house.lab.tryExec(
        node.name,
        "sh",
        "-c",
        "echo hello | fossora exec -i svc/solo -- sh -c 'cat; hostname; exit 42'",
      );
      assert.equal(code, 42);
      assert.match(stdout, /^hello\n[0-9a-f]{12}\n$/);
    }
  });

  test("events and load are of the whole house", async () => {
    const [first = "", ...others] = await Promise.all(house.nodes.map((node) => node.run("events", "--for", "svc/choir", "-o", "name")));
    assert.ok(first.split("\n").length > 3, first);
    for (const other of others) assert.equal(other, first);
    for (const node of house.nodes) {
      const nodes = await node.run("top", "nodes");
      for (const name of ["h1", "h2", "h3"])
        assert.match(nodes, new RegExp(`^${name} +\\d+% +[\\d.]+/\\d+ +\\d+[GM]i/\\d+[GM]i +\\d`, "m"));
      assert.match(
        await node.run("top", "services"),
        /^choir +3 instances +[\d.]+ +\d+Mi\n( {2}choir-\w{4} +h[123] .*\n){3}solo +h[123] /m,
      );
    }
  });

  test("whoever follows hears of an instance that its computer took along, and then its successor", async (t) => {
    const { here, elsewhere } = await placeOf("solo");
    const [asked, other] = elsewhere;
    assert(asked && other);
    const following = house.lab.spawn(asked.name, "fossora", "logs", "-f", "solo", "--prefix", "-n", "1");
    const said = { stdout: "", stderr: "" };
    following.stdout.on("data", (chunk: Buffer) => (said.stdout += String(chunk)));
    following.stderr.on("data", (chunk: Buffer) => (said.stderr += String(chunk)));
    try {
      await until("its lines", () => said.stdout.includes(`@${here.name} │`));
      const began = performance.now();
      await house.lab.kill(here.name);
      await until(
        "the lines of its successor",
        () => new RegExp(`@(${asked.name}|${other.name}) │ line 1 of`).test(said.stdout),
        FAILOVER_LIMIT_MS,
      );
      t.diagnostic(`after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      await until("it is said", () => said.stderr !== "");
      assert.match(said.stderr, new RegExp(`^! ${here.name} (is down|does not answer): its lines are missing until it is back\n$`));
    } finally {
      following.kill("SIGTERM");
    }
    const logs = await other.try("logs", "solo", "-n", "1");
    assert.equal(logs.code, 0, logs.stderr);
    const top = await other.try("top", "nodes");
    assert.equal(top.code, 0);
    assert.match(top.stderr, new RegExp(`! ${here.name} is missing here: it is down`));
    const alone = await other.try("logs", "choir", "--node", here.name);
    assert.equal(alone.code, 7);
    await house.lab.boot(here.name);
    await house.areOneHouse(all);
    // Nothing moved back: it answers that there is nothing.
    await until("it is asked again", async () => (await other.try("logs", "choir", "--node", here.name, "-n", "1")).code === 4);
  });
});
