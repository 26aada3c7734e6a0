// Three processes a node: each can be killed, restarted or replaced while people use the apps. On a lab host, under load.
import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe, test, type TestContext } from "node:test";
import { HouseNode, programReason, supervise, type ProcessName } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { failuresBesides, startLoad, type Load, type LoadResult } from "../support/load.ts";
import type { WriterReport } from "../support/store-writer.ts";
import { until } from "../support/until.ts";

const host = "whoami.home.internal";
const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: data }
spec: { image: "lab/data:1", port: 80, volumes: ["data:/data"] }
`;
/** Before and after what is done, so that the load is steady on both sides. */
const steadyAnswers = 200;
const limitMs = 30_000;
const requestsPerSecond = 200;
/** The lease of a node is 20 s. */
const awaySeconds = 25;

const projectRoot = path.join(import.meta.dirname, "../..");
const storeWriter = path.join(projectRoot, "test/support/store-writer.ts");

function collect(stream: Readable): { text: string } {
  const output = { text: "" };
  stream.on("data", (data: Buffer) => (output.text += data.toString()));
  return output;
}

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("a node under load", { skip }, () => {
  let node: HouseNode;
  let address = "";

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1, { share: [projectRoot] });
    assert.ok(first);
    node = new HouseNode(lab, first);
    address = first.ip;
    await node.install();
    await node.start();
    await node.apply(manifest, "--wait", "--timeout", "2m");
  });
  after(() => lab.down());

  /** Runs `disturb` in the middle of the load and answers what the load met. */
  async function underLoad(t: TestContext, disturb: (load: Load) => Promise<void>): Promise<LoadResult> {
    const load = startLoad({ address, httpPort: 80, dnsPort: 53, host, requestsPerSecond, queriesPerSecond: 50 });
    try {
      await load.answers(steadyAnswers);
      await disturb(load);
      await load.answers(steadyAnswers);
    } catch (error) {
      await load.stop();
      throw error;
    }
    const result = await load.stop();
    t.diagnostic(
      `${result.requests} requests, ${result.queries} queries, ${result.failures.length} failed, slowest ${result.slowestMs} ms, longest gap ${result.longestGapMs} ms`,
    );
    return result;
  }

  async function pids(): Promise<Record<ProcessName, number>> {
    return { agent: await node.pid("agent"), ingress: await node.pid("ingress"), etcd: await node.pid("etcd") };
  }

  async function anotherAgent(before: number): Promise<void> {
    await until("another agent", async () => (await node.pid("agent")) !== before, limitMs);
    await node.ready();
  }

  for (const signal of ["KILL", "TERM"] as const) {
    test(`SIG${signal} to the agent loses no request and no query, and restarts nothing else`, async (t) => {
      const [processes, containers] = [await pids(), await node.containers()];
      const result = await underLoad(t, async () => {
        await node.signal("agent", signal);
        await anotherAgent(processes.agent);
      });
      assert.deepEqual(result.failures, []);
      assert.deepEqual(await node.containers(), containers);
      const now = await pids();
      assert.deepEqual([now.ingress, now.etcd], [processes.ingress, processes.etcd]);
    });
  }

  test("an agent that was away for longer than its lease finds everything serving, and takes nothing away", async (t) => {
    const [processes, containers] = [await pids(), await node.containers()];
    const result = await underLoad(t, async (load) => {
      await lab.stop(node.name, "fossora");
      await load.answers(requestsPerSecond * awaySeconds);
      await lab.restart(node.name, "fossora");
      await anotherAgent(processes.agent);
    });
    assert.deepEqual(result.failures, []);
    assert.deepEqual(await node.containers(), containers);
    const now = await pids();
    assert.deepEqual([now.ingress, now.etcd], [processes.ingress, processes.etcd]);
  });

  test("an upgrade to another build loses no request and no query; etcd keeps its pid", async (t) => {
    const [processes, containers] = [await pids(), await node.containers()];
    const result = await underLoad(t, async () => {
      await node.installAnotherBuild();
      await node.signal("agent", "TERM");
      await anotherAgent(processes.agent);
      await until("another ingress", async () => (await node.pid("ingress")) !== processes.ingress, limitMs);
    });
    assert.deepEqual(result.failures, []);
    assert.deepEqual(await node.containers(), containers);
    assert.equal(await node.pid("etcd"), processes.etcd);
  });

  test("another etcd takes over from the old one within moments; no acknowledged write is lost, no request fails", async (t) => {
    const [processes, containers] = [await pids(), await node.containers()];
    const writer = lab.spawn(node.name, process.execPath, storeWriter, "/var/lib/fossora/trust", "127.0.0.1:2379");
    const output = collect(writer.stdout);
    await until("the writer writes", () => output.text.includes("writing"), limitMs);
    const result = await underLoad(t, async () => {
      await node.installAnotherEtcd("/opt/another-etcd");
      await lab.stop(node.name, "fossora");
      await lab.start(node.name, "fossora", [...supervise, "--etcd", "/opt/another-etcd"], { onBoot: true });
      await until("another etcd", async () => (await node.pid("etcd")) !== processes.etcd, limitMs);
      await node.ready();
    });
    writer.stdin.end();
    await once(writer, "exit");
    const report = JSON.parse(output.text.split("\n").find((line) => line.startsWith("{")) ?? "{}") as WriterReport; // its last line
    t.diagnostic(`${report.acknowledged} writes, longest gap ${report.longestGapMs} ms`);
    assert.deepEqual(result.failures, []);
    assert.ok(report.kept, "an acknowledged write was lost");
    assert.ok(report.longestGapMs < 10_000, `no write for ${report.longestGapMs} ms`);
    assert.deepEqual(await node.containers(), containers);
    assert.equal(await node.pid("ingress"), processes.ingress);
  });

  test("a killed ingress serves again from the table on disk", async (t) => {
    const processes = await pids();
    const containers = await node.containers();
    let killedMs = 0;
    const result = await underLoad(t, async (load) => {
      killedMs = load.passedMs();
      await node.signal("ingress", "KILL");
      await until("another ingress answers", async () => (await node.pid("ingress")) !== processes.ingress, limitMs);
    });
    assert.deepEqual(failuresBesides(killedMs, result.failures), []);
    assert.ok(result.longestGapMs < 10_000, `people waited ${result.longestGapMs} ms`);
    assert.deepEqual(await node.containers(), containers);
  });

  test("a killed etcd comes back with every acknowledged write, and no request fails meanwhile", async (t) => {
    const [processes, containers] = [await pids(), await node.containers()];
    const acknowledged: string[] = [];
    const record = (name: string): string =>
      `apiVersion: fossora.dev/v1\nkind: DnsRecord\nmetadata: { name: ${name} }\nspec: { name: ${name}, type: A, values: [192.168.1.40] }\n`;
    const result = await underLoad(t, async () => {
      for (let index = 0; index < 20; index++) {
        if (index === 8) await node.signal("etcd", "KILL");
        const applied = await node.apply(record(`written-${index}`)).then(
          () => true,
          () => false,
        );
        if (applied) acknowledged.push(`written-${index}`);
      }
      await until("another etcd", async () => (await node.pid("etcd")) !== processes.etcd, limitMs);
      await node.ready();
    });
    assert.deepEqual(result.failures, []);
    assert.ok(acknowledged.length > 8, `only ${acknowledged.length} of 20 writes were acknowledged`);
    const listed = await node.run("get", "dnsrecords", "-o", "name");
    assert.deepEqual(
      acknowledged.filter((name) => !listed.includes(`dnsrecord/${name}\n`)),
      [],
    );
    assert.deepEqual(await node.containers(), containers);
  });

  test("after a restart of dockerd every app is back, once", async () => {
    await lab.stop(node.name, "dockerd");
    await lab.restart(node.name, "dockerd");
    await backAgain();
  });

  test("after a power loss everything is back without a hand, with its data", async () => {
    const { root } = await node.host();
    assert.ok(root);
    await lab.exec(
      node.name,
      "curl",
      "-sf",
      "-X",
      "PUT",
      "--data",
      "kept",
      "-H",
      "Host: data.home.internal",
      "http://127.0.0.1/data/photo",
    );
    await lab.kill(node.name);
    await lab.boot(node.name);
    await node.ready();
    await backAgain();
    const photo = await lab.exec(node.name, "curl", "-sf", "-H", "Host: data.home.internal", "http://127.0.0.1/data/photo");
    assert.equal(photo, "kept");
  });

  async function backAgain(): Promise<void> {
    await node.run("wait", "service", "whoami", "data", "--for=condition=Ready", "--timeout", "2m");
    const running = await until(
      "both apps run",
      async () => {
        const found = await node.containers();
        return found.length >= 2 ? found : undefined;
      },
      limitMs,
    );
    assert.equal(running.length, 2, running.join("\n"));
    for (const name of ["whoami", "data"]) assert.equal(running.filter((line) => line.includes(` /${name}-`)).length, 1);
    await lab.exec(node.name, "curl", "-sf", "-H", `Host: ${host}`, "http://127.0.0.1/");
  }
});
