// Agents find each other on a LAN by multicast DNS, beside Avahi, which finds them as well. On lab hosts.
import assert from "node:assert/strict";
import type { ChildProcessByStdio } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { Avahi, avahiReason } from "../support/avahi.ts";
import { Lab, labReason, type LabHost } from "../support/lab.ts";
import { sendFuzz } from "../support/mdns-listener.ts";
import { until } from "../support/until.ts";

const lab = new Lab();
const skip = labReason() ?? avahiReason() ?? false;
const program = path.join(import.meta.dirname, "../support/mesh-node.ts");
const fuzzPackets = 5_000;

interface Agent {
  readonly host: LabHost;
  readonly nodeId: string;
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  found: readonly string[];
}

describe("agents on a LAN", { skip }, () => {
  const agents: Agent[] = [];

  const start = async (name: string, letter: string, ...more: readonly string[]): Promise<Agent> => {
    const host = await lab.client(name);
    const nodeId = letter.repeat(16);
    const agent: Agent = { host, nodeId, child: lab.spawn(name, process.execPath, program, "lan", nodeId, ...more), found: [] };
    createInterface({ input: agent.child.stdout }).on("line", (line) => {
      agent.found = (JSON.parse(line) as { readonly found: readonly string[] }).found; // what the program prints
    });
    agents.push(agent);
    return agent;
  };
  const seesExactly = (agent: Agent, others: readonly string[]): Promise<boolean> =>
    until(`${agent.host.name} sees ${others.join(" and ")}`, () => [...others].sort().join() === [...agent.found].sort().join());

  before(async () => {
    await lab.down();
    await lab.up(1);
  });
  after(async () => {
    for (const { child } of agents) child.kill();
    await lab.down();
  });

  test("three find each other, each at its address and port, and Avahi on the same computer finds them too", async () => {
    const first = await start("one", "a");
    await Avahi.start(lab, first.host);
    const [second, third] = [await start("two", "b"), await start("three", "c", "--port", "7330")];
    await seesExactly(first, [second.host.ip, `${third.host.ip}:7330`]);
    await seesExactly(second, [first.host.ip, `${third.host.ip}:7330`]);
    await seesExactly(third, [first.host.ip, second.host.ip]);
    const browsed = await until("Avahi has all", async () => {
      const { stdout } = await lab.tryExec("one", "avahi-browse", "-rpt", "_fossora._tcp");
      const lines = stdout.split("\n").filter((line) => line.startsWith("="));
      return lines.length >= 3 && lines;
    });
    const resolved = browsed.map((line) => line.split(";")).map(([, , , name, , , , address, port]) => `${name} ${address}:${port}`);
    assert.deepEqual(resolved.sort(), [
      `${first.nodeId} ${first.host.ip}:733`,
      `${second.nodeId} ${second.host.ip}:733`,
      `${third.nodeId} ${third.host.ip}:7330`,
    ]);
  });

  test("bytes by chance on the group end none of them, and one that comes after them is found", async () => {
    await lab.client("noise");
    await sendFuzz(lab, "noise", "_fossora._tcp.local", { count: fuzzPackets, seed: 2026 });
    const late = await start("four", "d");
    const [first, second] = agents;
    assert(first && second);
    await until("it is found", () => first.found.includes(late.host.ip) && second.found.includes(late.host.ip));
    assert.ok(agents.every(({ child }) => child.exitCode === null));
  });
});
