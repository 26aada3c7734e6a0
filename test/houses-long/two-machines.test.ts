// Two computers, of which one keeps the house's state, as a person has them: each may be gone, the other goes on, and takes over when it must.
// The program as it is installed, on lab hosts with a real tailnet.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe } from "node:test";
import type { ObjectList } from "../../src/api/wire.ts";
import { programReason, supervise, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;

function app(name: string, node: string): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: ${name} }
spec:
  image: "lab/whoami:1"
  port: 80
  placement: { require: { nodes: [${node}] } }
`;
}

describe("a house of two", { skip }, () => {
  const { house, test } = labSuite(3);
  const answers = async (node: HouseNode, name: string): Promise<boolean> =>
    (await node.request(`${name}.home.internal`).catch(() => undefined))?.status === 200;
  const idsOf = async (node: HouseNode, name: string): Promise<readonly string[]> =>
    (await node.docker("ps", "-q", "--no-trunc", "--filter", `label=fossora.dev/name=${name}`)).split("\n").filter(Boolean);
  const names = async (node: HouseNode): Promise<readonly string[]> =>
    (JSON.parse(await node.run("get", "services", "-o", "json")) as ObjectList).items.map(({ metadata }) => metadata.name);
  const applied = async (node: HouseNode, name: string, on: string): Promise<number> => {
    const { root } = await node.host();
    writeFileSync(`${root}/tmp/${name}.yaml`, app(name, on));
    return (await node.try("apply", "-f", `/tmp/${name}.yaml`)).code;
  };

  test("the second is a standby, and an app runs on each", async () => {
    await house.start(1);
    await house.areOneHouse([1]);
    await house.start(2);
    await house.areOneHouse([1, 2]);
    assert.equal(await applied(house.node(1), "first", "h1"), 0);
    assert.equal(await applied(house.node(1), "second", "h2"), 0);
    await house.node(2).isReady("first", "second");
    await until("h2 serves its app", () => answers(house.node(2), "second"), LIMIT_MS);
  });

  test("the voter loses its power: the standby's app serves on, reads say how old they are, writes are refused with what to do", async () => {
    const standby = house.node(2);
    const [before] = await standby.containersOf("second");
    await house.lab.kill("h1");
    await until(
      "the age is told",
      async () => {
        const { code, stdout, stderr } = await standby.try("get", "services", "-o", "json");
        return code === 0 && /as of \d+[sm] ago: no quorum/.test(stderr) && (JSON.parse(stdout) as ObjectList).items.length === 2;
      },
      LIMIT_MS,
    );
    await until(
      "writes are refused at once",
      async () => {
        const { code, stderr } = await standby.try("delete", "service", "second");
        return code === 7 && /h1 alone keeps the house's state/.test(stderr) && /next: {2}start h1; .*fossora takeover/.test(stderr);
      },
      LIMIT_MS,
    );
    assert.match((await standby.try("status")).stdout, /no quorum: h1 alone keeps/);
    assert.equal(await answers(standby, "second"), true);
    assert.deepEqual(await standby.containersOf("second"), [before]);
  });

  test("a container that is removed by hand is made again, without quorum", async () => {
    const standby = house.node(2);
    await standby.docker("rm", "-f", ...(await standby.containersOf("second")));
    await until("the app serves again", () => answers(standby, "second"), LIMIT_MS);
  });

  test("the standby starts anew without quorum, and its app runs again", async (t) => {
    const standby = house.node(2);
    await house.lab.kill("h2");
    await house.lab.boot("h2");
    const began = performance.now();
    const known = (): Promise<string> => names(standby).then(String, String);
    await until("it knows its house", async () => (await known()) === "first,second", LIMIT_MS);
    // Whatever Docker brought up by itself goes.
    const [old] = await idsOf(standby, "second");
    await standby.docker("rm", "-f", ...(await standby.containersOf("second")));
    await until("another one was made", async () => (await idsOf(standby, "second")).some((id) => id !== old), LIMIT_MS);
    await until("it serves", () => answers(standby, "second"), LIMIT_MS);
    t.diagnostic(`after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  });

  test("the voter comes back, and all is well by itself", async () => {
    await house.lab.boot("h1");
    await house.areOneHouse([1, 2]);
    await house.node(2).isReady("first", "second");
    assert.doesNotMatch((await house.node(2).try("get", "services")).stderr, /no quorum/);
    assert.equal(await applied(house.node(2), "third", "h2"), 0);
  });

  test("nothing is taken over while the voter is there, nor without a word", async () => {
    const there = await house.node(2).try("takeover", "--yes");
    assert.equal(there.code, 5, there.stderr);
    assert.match(there.stderr, /next: {2}\S/);
  });

  test("the standby takes over, and writes go on", async (t) => {
    const standby = house.node(2);
    await house.lab.kill("h1");
    await until("no quorum", async () => /no quorum/.test((await standby.try("status")).stdout), LIMIT_MS);
    const unasked = await standby.try("takeover");
    assert.deepEqual(
      [unasked.code, /h1: its agent is silent, its store is silent, nothing answers/.test(unasked.stderr)],
      [2, true],
      unasked.stderr,
    );
    const began = performance.now();
    const taken = await standby.try("takeover", "--yes");
    assert.equal(taken.code, 0, taken.stderr);
    await until("writes go on", async () => (await applied(standby, "fourth", "h2")) === 0, LIMIT_MS);
    t.diagnostic(`writes after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await until("the new app serves", () => answers(standby, "fourth"), LIMIT_MS);
    await until("the old one serves", () => answers(standby, "second"), LIMIT_MS);
    assert.deepEqual(await names(standby), ["first", "fourth", "second", "third"]);
  });

  test("the old voter comes back as a standby, with its app, and nothing of what it would say counts", async () => {
    await house.lab.boot("h1");
    await house.areOneHouse([1, 2]);
    const old = house.node(1);
    await until("it shows what was written since", async () => (await names(old)).includes("fourth"), LIMIT_MS);
    await until("its app serves", () => answers(old, "first"), LIMIT_MS);
    const members = await house.members(2);
    assert.deepEqual([members.length, members.filter(({ learner }) => learner).length], [2, 1]);
    const archived = await house.lab.exec("h1", "ls", "/var/lib/fossora");
    assert.match(archived, /etcd\.old-1/);
  });

  test("a witness makes three votes and takes no app; now any one of them may be gone, and nobody need do anything", async () => {
    await house.lab.tailnet("join", "h3");
    await house.lab.start("h3", "fossora", [...supervise, "--witness"], { onBoot: true });
    await house.areOneHouse([1, 2, 3]);
    await house.hasVoters(3, 2);
    const everywhere = app("everywhere", "h1").replace("placement: { require: { nodes: [h1] } }", "replicas: all");
    await house.node(2).apply(everywhere, "--wait");
    const nodes = await house.node(3).list("nodes");
    const roles = nodes.map((node) =>
      node.kind === "Membership" && node.status !== undefined && "role" in node.status ? node.status.role : "",
    );
    assert.equal(roles[2], "witness");
    assert.deepEqual([(await house.node(1).containersOf("everywhere")).length, await house.node(3).containersOf("everywhere")], [1, []]);
    await house.lab.kill("h2");
    await until("writes go on", async () => (await applied(house.node(1), "fifth", "h1")) === 0, LIMIT_MS);
    await until("the new app serves", () => answers(house.node(1), "fifth"), LIMIT_MS);
  });
});
