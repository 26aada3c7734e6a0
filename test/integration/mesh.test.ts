import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import tls from "node:tls";
import { dial } from "../../src/adapters/mesh/client.ts";
import { MeshServer } from "../../src/adapters/mesh/server.ts";
import { houseHash, trustFiles } from "../../src/agent/trust.ts";
import { MeshRefusal, MeshUnreachable } from "../../src/api/errors.ts";
import type { MeshHandler, MeshPeer } from "../../src/mesh-ports.ts";
import { limitMs, TestNode } from "../support/mesh.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";
import { revokeNode } from "../support/removal.ts";

const yearMs = 365.25 * 24 * 3600 * 1000;
const echo: MeshHandler = { request: async (peer, method, body) => ({ nodeId: peer.nodeId, standing: peer.standing, method, body }) };
const refused = (code: string) => (error: unknown) => error instanceof MeshRefusal && error.code === code;

test("two members know each other by their keys, and ask side by side on one connection", async (t) => {
  const founder = await new TestNode(t).found();
  const second = await founder.admit(new TestNode(t));
  let waiting: (() => void) | undefined;
  const handler: MeshHandler = {
    request: async (peer, method, body, signal) => {
      if (method === "slow") await new Promise<void>((resolve) => (waiting = resolve));
      return echo.request(peer, method, body, signal);
    },
  };
  await founder.listen(handler);
  const link = await second.dial(founder, { expect: { nodeId: founder.nodeId, standing: "member" } });
  assert.deepEqual(link.peer.house, { hash: houseHash(founder.dataDir), ca: readFileSync(trustFiles(founder.dataDir).ca, "utf8") });
  const slow = link.request("slow", 1, { limitMs });
  await until("the slow request", () => waiting !== undefined);
  const quick = await link.request("api.get", { path: "/" }, { limitMs });
  assert.deepEqual(quick, { nodeId: second.nodeId, standing: "member", method: "api.get", body: { path: "/" } });
  waiting?.();
  assert.deepEqual(await slow, { nodeId: second.nodeId, standing: "member", method: "slow", body: 1 });
});

test("both ends of a connection compute the same exporter, another connection another one", async (t) => {
  const seen: string[] = [];
  const server = await new TestNode(t).listen({
    request: async (peer) => void seen.push(Buffer.from(peer.exporter("EXPORTER-test", 32)).toString("hex")),
  });
  const client = new TestNode(t);
  for (const _ of [1, 2]) {
    const link = await client.dial(server);
    await link.request("hello", null, { limitMs });
    assert.equal(Buffer.from(link.peer.exporter("EXPORTER-test", 32)).toString("hex"), seen.at(-1));
  }
  assert.equal(new Set(seen).size, 2);
});

test("a stranger's key is proven, and it may say hello and ask to join, nothing else", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const stranger = new TestNode(t);
  const other = await new TestNode(t).found(); // a member, of another house
  for (const node of [stranger, other]) {
    const link = await node.dial(founder);
    assert.equal(link.peer.standing, "stranger");
    for (const method of ["hello", "join"])
      assert.deepEqual(await link.request(method, 1, { limitMs }), { nodeId: node.nodeId, standing: "stranger", method, body: 1 });
    for (const method of ["renew", "api", "request-admission"])
      await assert.rejects(link.request(method, 1, { limitMs }), refused("NotAllowed"));
    await assert.rejects(link.stream("logs", 1, { limitMs }), refused("NotAllowed"));
  }
  await assert.rejects(stranger.dial(founder, { expect: { standing: "member" } }), /no member of this house/);
  await assert.rejects(stranger.dial(founder, { expect: { nodeId: other.nodeId } }), /another node answered/);
});

test("who shows no certificate, another protocol, or TLS 1.2 is not spoken to", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const trust = await new TestNode(t).trust();
  const attempts: readonly tls.ConnectionOptions[] = [
    { ALPNProtocols: ["fossora/1"] },
    { cert: trust.certificate, key: trust.key },
    { cert: trust.certificate, key: trust.key, ALPNProtocols: ["h2", "http/1.1"] },
    { cert: trust.certificate, key: trust.key, ALPNProtocols: ["fossora/1"], maxVersion: "TLSv1.2" },
  ];
  for (const options of attempts) {
    const socket = tls.connect({ host: "127.0.0.1", port: founder.port, rejectUnauthorized: false, ...options });
    socket.on("error", () => {});
    socket.on("secureConnect", () => socket.write("\0\0\0\u0002{}"));
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    assert.deepEqual(founder.server?.peers, []);
  }
});

test("a resumed session proves nothing: its exporter and its key are another connection's", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const trust = await (await founder.admit(new TestNode(t))).trust();
  const options = { host: "127.0.0.1", port: founder.port, rejectUnauthorized: false, ALPNProtocols: ["fossora/1"] };
  const first = tls.connect({ ...options, cert: trust.certificate, key: trust.key });
  first.resume();
  const [session] = (await once(first, "session")) as Buffer[]; // as tls has it
  const second = tls.connect({ ...options, session: session ?? Buffer.alloc(0) });
  second.on("error", () => {}).resume();
  const resumed = new Promise<boolean>((resolve) => second.once("secureConnect", () => resolve(second.isSessionReused())));
  const closed = new Promise<void>((resolve) => second.once("close", () => resolve()));
  assert.equal(await resumed, true);
  await closed;
  assert.equal(first.destroyed, false);
  first.destroy();
});

test("a certificate of the house for etcd or the ingress makes no agent", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const second = await founder.admit(new TestNode(t));
  const { ingress, ca } = trustFiles(second.dataDir);
  const [certificate, key] = [readFileSync(ingress.certificate, "utf8"), readFileSync(ingress.key, "utf8")];
  const link = await second.dial(founder, { trust: { certificate, key, ca: readFileSync(ca, "utf8"), removed: [] } });
  const answer = await link.request("hello", 1, { limitMs });
  assert.equal((answer as { readonly standing: string }).standing, "stranger"); // as echoed above
});

test("a removed node's connections end at once, and it is a stranger from then on", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const [second, third] = [await founder.admit(new TestNode(t)), await founder.admit(new TestNode(t))];
  const [link, other] = [await second.dial(founder), await third.dial(founder)];
  await link.request("api", 1, { limitMs });
  await other.request("api", 1, { limitMs });
  await revokeNode(founder.dataDir, second.nodeId);
  founder.server?.setTrust(await founder.trust());
  await until("the end of the connection", () => link.closed.aborted);
  assert.equal(other.closed.aborted, false);
  await assert.rejects(async () => (await second.dial(founder)).request("api", 1, { limitMs }), refused("NotAllowed"));
  await other.request("api", 1, { limitMs });
});

test("a node whose leaf has expired is known by its key, and may ask for a new one alone", async (t) => {
  const longAgoMs = Date.now() - 11 * yearMs;
  const founder = await new TestNode(t).found(longAgoMs);
  const second = await founder.admit(new TestNode(t), longAgoMs);
  await founder.found(); // a cold start: it makes its own leaves anew
  await founder.listen(echo, { isKnown: (nodeId) => nodeId === second.nodeId });
  const [own, files] = [await second.trust(), trustFiles(second.dataDir)];
  const expired = { ...own, certificate: readFileSync(files.agent.certificate, "utf8") };
  assert.notEqual(own.certificate, expired.certificate);
  for (const trust of [own, expired]) {
    const link = await second.dial(founder, { trust, expect: { standing: "member" } }); // the founder's own leaf is good
    assert.deepEqual(await link.request("renew", 1, { limitMs }), {
      nodeId: second.nodeId,
      standing: "stranger",
      method: "renew",
      body: 1,
    });
    await assert.rejects(link.request("api", 1, { limitMs }), refused("NotAllowed"));
  }
  await founder.admit(second);
  const link = await second.dial(founder);
  await link.request("api", 1, { limitMs });
});

test("a computer whose clock is years behind knows the members of its house, and nobody else", async (t) => {
  const inFiveYearsMs = Date.now() + 5 * yearMs; // seen from that computer
  const founder = await (await new TestNode(t).found(inFiveYearsMs)).listen(echo);
  const second = await founder.admit(new TestNode(t), inFiveYearsMs);
  const link = await second.dial(founder, { expect: { standing: "member" } });
  assert.equal(((await link.request("api", 1, { limitMs })) as { readonly standing: string }).standing, "member"); // as echoed
  const other = await new TestNode(t).found(inFiveYearsMs);
  const stranger = await other.dial(founder);
  assert.equal(stranger.peer.standing, "stranger");
  await assert.rejects(stranger.request("api", 1, { limitMs }), refused("NotAllowed"));
});

test("a newcomer that waits to be admitted knows the members of the house that it chose", async (t) => {
  const founder = await new TestNode(t).found();
  const ca = readFileSync(trustFiles(founder.dataDir).ca, "utf8");
  const newcomer = await new TestNode(t).listen(echo);
  newcomer.server?.setTrust(await newcomer.trust({ ca }));
  const link = await founder.dial(newcomer);
  assert.equal(((await link.request("request-admission", 1, { limitMs })) as { readonly standing: string }).standing, "member"); // as echoed
  const stranger = await (await new TestNode(t).found()).dial(newcomer);
  await assert.rejects(stranger.request("request-admission", 1, { limitMs }), refused("NotAllowed"));
});

test("a leaf made anew is shown to whoever comes next, and nobody's connection ends", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const second = await founder.admit(new TestNode(t));
  const link = await second.dial(founder);
  await founder.found(Date.now() + 9.5 * yearMs);
  founder.server?.setTrust(await founder.trust());
  await link.request("api", 1, { limitMs });
  await (await second.dial(founder, { expect: { standing: "member" } })).request("api", 1, { limitMs });
});

test("what a handler refuses comes back in its words, what broke does not", async (t) => {
  const founder = await new TestNode(t).listen({
    request: async (_peer, method) => {
      if (method === "hello") throw new MeshRefusal("OtherHouse", "This is another house");
      throw new Error("secret detail");
    },
  });
  const link = await new TestNode(t).dial(founder);
  await assert.rejects(link.request("hello", 1, { limitMs }), { code: "OtherHouse", message: "This is another house" });
  await assert.rejects(
    link.request("join", 1, { limitMs }),
    (error: Error) => refused("Internal")(error) && !error.message.includes("secret"),
  );
});

test("an asker that waits no longer gets its error, and the handler's signal ends", async (t) => {
  let [asked, ended] = [0, 0];
  const founder = await (
    await new TestNode(t).found()
  ).listen({
    request: (_peer, _method, _body, signal) =>
      new Promise((_, reject) => {
        asked++;
        signal.addEventListener("abort", () => reject(new Error(`${ended++}`)));
      }),
  });
  const second = await founder.admit(new TestNode(t));
  const link = await second.dial(founder);
  await assert.rejects(link.request("api", 1, { limitMs: 50 }), MeshUnreachable);
  await until("the end of the handler's signal", () => ended === 1);
  const abort = new AbortController();
  const unwanted = link.request("api", 1, { limitMs, signal: abort.signal });
  abort.abort(new Error("no longer wanted"));
  await assert.rejects(unwanted, /no longer wanted/);
  const last = link.request("api", 1, { limitMs });
  await until("all requests", () => asked === 3);
  link.close();
  await assert.rejects(last, MeshUnreachable);
  await until("the end of all of the handler's signals", () => ended === 3);
});

test("a stream carries bytes both ways after its answer, also those that came with it", async (t) => {
  const founder = await (
    await new TestNode(t).found()
  ).listen({
    ...echo,
    stream: async (_peer, method, body) => {
      if (method === "none") throw new MeshRefusal("NotFound", "There is no such stream");
      return { answer: { length: body }, run: (bytes) => void bytes.end("x".repeat(body as number)) }; // as asked below
    },
  });
  const second = await founder.admit(new TestNode(t));
  const link = await second.dial(founder);
  await assert.rejects(link.stream("none", 0, { limitMs }), refused("NotFound"));
  await link.request("api", 1, { limitMs });
  const { answer, bytes } = await link.stream("logs", 5_000_000, { limitMs });
  assert.deepEqual(answer, { length: 5_000_000 });
  assert.equal((await text(bytes)).length, 5_000_000);

  const both = await (await second.dial(await listenEcho(t, founder, second))).stream("exec", null, { limitMs });
  both.bytes.write("ping");
  both.bytes.resume();
  assert.equal(String((await once(both.bytes, "data"))[0]), "ping");
  both.bytes.destroy();
});

test("what a node has open ends when it belongs to the house no more, streams too, and nobody else's does", async (t) => {
  const founder = await (
    await new TestNode(t).found()
  ).listen({ ...echo, stream: async () => ({ answer: null, run: (bytes) => void bytes.resume() }) });
  const [second, third] = [await founder.admit(new TestNode(t)), await founder.admit(new TestNode(t))];
  const exec = async (node: TestNode): Promise<Duplex> => {
    const { bytes } = await (await node.dial(founder)).stream("exec", null, { limitMs });
    return bytes.on("error", () => undefined).resume();
  };
  const link = await second.dial(founder);
  await link.request("api", 1, { limitMs });
  const [bytes, other] = [await exec(second), await exec(third)];
  founder.server?.end([second.nodeId]);
  await until("the end of its connection", () => link.closed.aborted);
  await until("the end of its stream", () => bytes.destroyed);
  assert.equal(other.destroyed, false);
  await until("its places are free", () => founder.server?.peers.map(({ nodeId }) => nodeId).join() === third.nodeId);
});

test("nobody there, silence and another kind of server are unreachable within the limit", async (t) => {
  const silent = net.createServer(() => {}).listen(0, "127.0.0.1");
  const talkative = net
    .createServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n"))
    .listen(0, "127.0.0.1");
  await Promise.all([once(silent, "listening"), once(talkative, "listening")]);
  t.after(() => [silent, talkative].forEach((server) => server.close()));
  const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port; // TCP
  const trust = await new TestNode(t).trust();
  const to = (port: number) => dial({ address: "127.0.0.1", port, trust, limitMs: 300 });
  await assert.rejects(
    to(portOf(silent)),
    (error) => error instanceof MeshUnreachable && error.message.includes("no answer within 300 ms"),
  );
  await assert.rejects(to(portOf(talkative)), MeshUnreachable);
  await assert.rejects(to(1), /Cannot reach 127.0.0.1 on port 1: .*ECONNREFUSED/);
  const signal = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(dial({ address: "127.0.0.1", port: 1, trust, limitMs, signal }), /stopped/);
});

/** A second port of the founder that gives back whatever comes. */
async function listenEcho(t: TestContext, founder: TestNode, member: TestNode): Promise<{ readonly port: number }> {
  const server = new MeshServer({
    trust: await founder.trust(),
    handler: {
      ...echo,
      stream: async (peer: MeshPeer) => ({ answer: peer.nodeId === member.nodeId, run: (bytes) => void bytes.pipe(bytes) }),
    },
    log: silentLog,
  });
  t.after(() => server.close());
  return { port: await server.listen({ address: "127.0.0.1", port: 0 }) };
}
