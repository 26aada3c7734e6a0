// Port 733 under attack, as a process of its own: it neither ends nor grows, and a node of the house is answered all the while.
// FOSSORA_MESH_ATTACKS: how many; FOSSORA_SEED: which.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { after, before, describe, test, type TestContext } from "node:test";
import { descriptorOf } from "../../src/adapters/sockets/descriptor.ts";
import { SeededRandom } from "../fakes/clock.ts";
import { attacks, hold, recordClientHello } from "../support/mesh-attacks.ts";
import { limitMs, TestNode } from "../support/mesh.ts";
import { until } from "../support/until.ts";

const program = path.join(import.meta.dirname, "../support/mesh-node.ts");
const attacksMax = Number(process.env["FOSSORA_MESH_ATTACKS"] ?? 400);
const seed = Number(process.env["FOSSORA_SEED"] ?? 1);
const atOnce = 40;
const helloEveryMs = 400;
const favoured = "127.0.0.200";
/** Attackers that no limit on connections stops: else few attacks would get through. */
const unlimited = "127.0.1.";
const memoryGrowthMax = 150 * 1024 * 1024;

interface Report {
  readonly memory: number;
  readonly peers: number;
}

describe("port 733 under attack", () => {
  let [child, port, folder]: [ChildProcess | undefined, number, string] = [undefined, 0, ""];
  let ended: string | undefined;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "fossora-mesh-"));
    const listening = net.createServer().listen(0, "127.0.0.1");
    await once(listening, "listening");
    port = (listening.address() as net.AddressInfo).port; // TCP
    // The socket is handed down, as at an upgrade: 0 to 2 are the usual ones, 3 is for messages.
    child = spawn(process.execPath, [program, "serve", folder, "--house", "--fd", "4", "--favour", favoured, "--favour", unlimited], {
      stdio: ["ignore", "pipe", "inherit", "ipc", descriptorOf(listening)],
    });
    child.once("exit", (code, signal) => (ended = `exit ${code} ${signal}`));
    const stdout = child.stdout ?? assert.fail("it has no output");
    await once(createInterface({ input: stdout }), "line");
    listening.close();
  });
  after(async () => {
    if (child && ended === undefined) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  const report = async (): Promise<Report> => {
    assert.equal(ended, undefined);
    const answer = once(child ?? assert.fail("it does not run"), "message");
    child?.send("report");
    const [found] = (await answer) as readonly unknown[];
    return found as Report; // what mesh-node.ts sends
  };
  const helloOf = async (node: TestNode): Promise<void> => {
    const link = await node.dial({ port }, { localAddress: favoured });
    assert.deepEqual(await link.request("hello", null, { limitMs }), { you: node.nodeId });
    link.close();
  };

  test("attacks of every kind leave it as it was, and a node of the house is answered meanwhile", async (t: TestContext) => {
    const [node, attacker] = [new TestNode(t), new TestNode(t)];
    const trust = await attacker.trust();
    const clientHello = await recordClientHello(trust);
    await helloOf(node);
    const first = await report();
    const random = new SeededRandom(seed);
    const names = Object.keys(attacks);
    let begun = 0;
    const attack = async (): Promise<void> => {
      while (begun < attacksMax) {
        const name = names[begun++ % names.length] ?? "";
        const options = { port, source: `${unlimited}${random.int(1, 250)}`, trust, random, clientHello };
        await attacks[name]?.(options);
      }
    };
    const attacking = Promise.all(Array.from({ length: atOnce }, attack));
    let over = false;
    void attacking.finally(() => (over = true));
    while (!over) {
      await helloOf(node);
      await wait(helloEveryMs);
    }
    await attacking;
    await until("the last attacker has left", async () => (await report()).peers === 0, 60_000);
    await helloOf(node);
    const grown = (await report()).memory - first.memory;
    t.diagnostic(`${begun} attacks, seed ${seed}: ${Math.round(grown / 1024 / 1024)} MiB more`);
    assert.ok(grown < memoryGrowthMax, `it grew by ${grown} bytes`);
  });

  test("of 1,000 connections at once it takes a few, and answers a node of the house beside them", async (t: TestContext) => {
    const node = new TestNode(t);
    const first = await report();
    const letGo = await hold(1_000, port, (index) => `127.0.2.${1 + (index % 200)}`);
    try {
      for (let asked = 0; asked < 5; asked++) await helloOf(node);
      const during = await report();
      assert.ok(during.memory - first.memory < memoryGrowthMax, `it grew by ${during.memory - first.memory} bytes`);
    } finally {
      letGo();
    }
    await helloOf(node);
  });
});
