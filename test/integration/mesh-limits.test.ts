// What port 733 grants a stranger: little, and not for long. The limits are short here, so that the tests are.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import tls from "node:tls";
import type { GateLimits } from "../../src/adapters/mesh/gate.ts";
import { encodeFrame } from "../../src/adapters/mesh/frames.ts";
import { STRANGER_LIMITS } from "../../src/adapters/mesh/server-connection.ts";
import { MeshRefusal, MeshUnreachable } from "../../src/api/errors.ts";
import type { MeshHandler } from "../../src/mesh-ports.ts";
import { hold } from "../support/mesh-attacks.ts";
import { limitMs, TestNode } from "../support/mesh.ts";
import { until } from "../support/until.ts";

const echo: MeshHandler = { request: async (_peer, _method, body) => body };
const limitsOf = (placesMax: number): GateLimits => ({
  strangersMax: placesMax,
  strangersPerSourceMax: placesMax,
  membersMax: placesMax,
  unproven: { perAddressMax: 4, rate: { burst: 1_000, perSecond: 1_000 } },
});

async function connect(node: TestNode, to: TestNode): Promise<tls.TLSSocket> {
  const { certificate: cert, key } = await node.trust();
  const socket = tls.connect({ host: "127.0.0.1", port: to.port, cert, key, rejectUnauthorized: false, ALPNProtocols: ["fossora/1"] });
  socket.on("error", () => {}).resume();
  await once(socket, "secureConnect");
  return socket;
}

const closed = (socket: net.Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

test("a frame whose bytes drip, a silent connection and one without end are closed, a busy one is not", async (t) => {
  // So far from each other that a machine which stands still for seconds does not change their order.
  const limits = { ...STRANGER_LIMITS, frameMs: 500, idleMs: 5_000, lifeMs: 10_000 };
  const server = await new TestNode(t).listen(echo, { limits: { stranger: limits } });
  const node = new TestNode(t);
  const hello = encodeFrame({ id: 1, method: "hello", body: 1, limitMs: 1_000 }, 1_000);
  const ended: string[] = [];
  const open = async (name: string, bytes?: Buffer, everyMs?: number): Promise<void> => {
    const socket = await connect(node, server);
    const over = closed(socket).then(() => ended.push(name));
    const timer = bytes && setInterval(() => socket.write(bytes), everyMs);
    t.after(() => clearInterval(timer));
    await over;
  };
  await Promise.all([open("dripping", hello.subarray(0, 1), 20), open("silent"), open("endless", hello, 100)]);
  assert.deepEqual(ended, ["dripping", "silent", "endless"]);
  await until("that nobody is left", () => server.server?.peers.length === 0);
});

test("a connection whose frames never end where its packets do is as good as any other", async (t) => {
  // All of them take twice what one may, each a tenth of it.
  const [frameMs, frames] = [2_000, 22];
  const server = await new TestNode(t).listen(echo, { limits: { stranger: { ...STRANGER_LIMITS, frameMs, requestsMax: 32 } } });
  const socket = await connect(new TestNode(t), server);
  const hello = encodeFrame({ id: 1, method: "hello", body: 1, limitMs: 1_000 }, 1_000);
  const bytes = Buffer.concat(Array.from({ length: frames }, () => hello));
  for (let offset = 0; offset < bytes.length - hello.length && !socket.destroyed; offset += hello.length + 1) {
    socket.write(bytes.subarray(offset, offset + hello.length + 1));
    await wait(frameMs / 10);
  }
  assert.equal(socket.destroyed, false);
  socket.destroy();
});

test("who opens a connection and says nothing loses it, and its place", async (t) => {
  const gate = limitsOf(2);
  const server = await new TestNode(t).listen(echo, { limits: { gate, handshakeMs: 300 } });
  const silent = [1, 2].map(() =>
    net
      .connect(server.port, "127.0.0.1")
      .on("error", () => {})
      .resume(),
  );
  await Promise.all(silent.map((socket) => once(socket, "connect")));
  const node = new TestNode(t);
  await assert.rejects(node.dial(server), MeshUnreachable);
  await Promise.all(silent.map(closed));
  await until("a free place", async () => (await node.dial(server)).request("hello", 1, { limitMs }));
});

test("members have places of their own, and strangers that fill theirs do not shut them out", async (t) => {
  const gate = limitsOf(2);
  const founder = await (
    await new TestNode(t).found()
  ).listen(echo, { limits: { gate }, isFavoured: (address) => address === "127.0.0.7" });
  const member = await founder.admit(new TestNode(t));
  const stranger = new TestNode(t);
  const links = [await stranger.dial(founder), await stranger.dial(founder)];
  await assert.rejects(member.dial(founder), MeshUnreachable); // from an address that nobody knows
  const link = await member.dial(founder, { localAddress: "127.0.0.7" });
  assert.equal(await link.request("api", 7, { limitMs }), 7);
  links.forEach((each) => each.close());
  await until("a place for the member without a known address", async () => (await member.dial(founder)).request("api", 1, { limitMs }));
});

test("what comes from a member's address and only holds its places shuts no member out, not even the one from there", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo, { limits: { gate: limitsOf(2) }, isFavoured: () => true });
  const members = await Promise.all([founder.admit(new TestNode(t)), founder.admit(new TestNode(t))]);
  const letGo = await hold(50, founder.port, () => "127.0.0.7");
  t.after(letGo);
  for (const [index, localAddress] of ["127.0.0.7", "127.0.0.8"].entries()) {
    const link = await members[index]?.dial(founder, { localAddress });
    assert.equal(await link?.request("api", 7, { limitMs }), 7);
  }
});

test("who asks to join again and again is told to wait, and hello goes on", async (t) => {
  const server = await new TestNode(t).listen(echo);
  const link = await new TestNode(t).dial(server);
  const tooOften = (error: unknown): boolean => error instanceof MeshRefusal && error.code === "TooOften";
  await until("the first refusal", async () => link.request("join", 1, { limitMs }).then(() => false, tooOften));
  assert.equal(await link.request("hello", 7, { limitMs }), 7);
});

test("a message that is too long never leaves, and an answer that is becomes an error of its asker alone", async (t) => {
  const founder = await (await new TestNode(t).found()).listen({ request: async (_peer, _method, body) => "x".repeat(Number(body)) });
  const member = await founder.admit(new TestNode(t));
  const link = await member.dial(founder);
  await assert.rejects(link.request("api", "x".repeat(2_000_000), { limitMs }), /2000\d+ bytes/);
  assert.equal(await link.request("api", 3, { limitMs }), "xxx");
  await assert.rejects(link.request("api", 2_000_000, { limitMs }), (error) => error instanceof MeshRefusal && error.code === "Internal");
  assert.equal(await link.request("api", 3, { limitMs }), "xxx");
});
