// Two agents with one key on loopback, each with an address of its own.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { TestNode } from "../../../test/support/mesh.ts";
import { silentLog } from "../../../test/support/real.ts";
import { MeshRefusal } from "../../api/errors.ts";
import { Copies } from "./copies.ts";

const inner = { request: () => Promise.reject(new MeshRefusal("UnknownMethod", "There is no such thing")) };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

/** An agent on 127.0.85.N. Its name is heard from wherever `hears` says. */
async function agentOn(number: number, node: TestNode, hears: string[] = []) {
  const clock = new VirtualClock();
  const [ip, trust] = [`127.0.85.${number}`, await node.trust()];
  const joining = (): { readonly trust: typeof trust; readonly seen: undefined } => ({ trust, seen: undefined });
  const { nodeId, dataDir } = node;
  const copies = new Copies({ nodeId, dataDir, namesakes: () => hears, joining, ownAddresses: () => [ip], clock, log: silentLog });
  await node.listen(copies.before(inner), { isKnown: () => true }, ip);
  return { copies, clock, ip, at: `${ip}:${node.port}` };
}

/** Of a disk with a house on it. */
function copyOf(t: TestContext, node: TestNode): TestNode {
  const copy = new TestNode(t);
  cpSync(node.dataDir, copy.dataDir, { recursive: true });
  return Object.assign(copy, { nodeId: node.nodeId });
}

test("two with one key meet where their name is heard from, both say so with the remedy, and it is over when one is gone", async (t) => {
  const node = await new TestNode(t).found();
  const hears: string[] = [];
  const one = await agentOn(1, node, hears);
  const other = await agentOn(2, copyOf(t, node));
  await one.copies.look(soon());
  assert.deepEqual([one.copies.problems, other.copies.problems], [[], []]);
  hears.push(other.at);
  await one.copies.look(soon());
  const [problem] = one.copies.problems;
  assert.match(problem?.message ?? "", /^another computer, at 127\.0\.85\.2, has this one's identity: one is a copy of the other's disk/);
  assert.match(problem?.next ?? "", /on the copy: sudo fossora down, move .+ away, then: sudo fossora join TOKEN/);
  assert.equal(other.copies.problems.length, 1);
  await other.clock.advance(150_000);
  assert.deepEqual(other.copies.problems, []);
});

test("an agent that meets itself, by whatever way round, is no copy", async (t) => {
  const hears: string[] = [];
  const node = await new TestNode(t).found();
  const { copies, ip } = await agentOn(3, node, hears);
  hears.push(`127.0.0.1:${node.port}`, `${ip}:${node.port}`);
  const round = await new TestNode(t).listen({ request: () => Promise.reject(new Error("nobody asks")) }, {}, "127.0.85.4");
  hears.push(`127.0.85.4:${round.port}`, "127.0.85.99:1");
  await node.listen(copies.before(inner), { isKnown: () => true }, "127.0.85.5"); // a second address of the same agent
  hears.push(`127.0.85.5:${node.port}`);
  await copies.look(soon());
  assert.deepEqual(copies.problems, []);
});

test("another node of the house is told nothing, and its questions go on to who answers them", async (t) => {
  const node = await new TestNode(t).found();
  const { copies } = await agentOn(6, node);
  const other = await node.admit(new TestNode(t));
  const link = await other.dial(node, { address: "127.0.85.6" });
  for (const method of ["which-start", "seen"])
    await assert.rejects(link.request(method, { start: "x" }, { limitMs: 10_000 }), /There is no such thing/);
  assert.deepEqual(copies.problems, []);
});
