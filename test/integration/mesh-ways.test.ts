// What port 734 grants: to the ingresses of the house's nodes a way to this node's instances, to everybody else nothing. FOSSORA_MESH_ATTACKS:
// how many; FOSSORA_SEED: which.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { MeshTrust } from "../../src/adapters/mesh/identify.ts";
import { WayClient } from "../../src/adapters/mesh/way-client.ts";
import { WayServer, type WayServerOptions } from "../../src/adapters/mesh/way-server.ts";
import { encodeRequest, type WayTarget } from "../../src/adapters/mesh/way-messages.ts";
import { dialNode, keepSession } from "../../src/adapters/mesh/way-dial.ts";
import { SeededRandom } from "../fakes/clock.ts";
import { at, startHouse, type AcrossHouse, type AcrossNode } from "../support/across.ts";
import { get, startApp, tableOf } from "../support/ingress.ts";
import { attacks, hold, recordClientHello } from "../support/mesh-attacks.ts";
import { limitMs, TestNode } from "../support/mesh.ts";
import { silentLog } from "../support/real.ts";
import { startTcpApp } from "../support/streams.ts";
import { until } from "../support/until.ts";
import { trustFiles } from "../../src/agent/trust.ts";

const PROTOCOL = "fossora-ingress/1";
const attacksMax = Number(process.env["FOSSORA_MESH_ATTACKS"] ?? 400);
const seed = Number(process.env["FOSSORA_SEED"] ?? 1);

function ingressTrust(node: TestNode, removed: readonly string[] = []): MeshTrust {
  const files = trustFiles(node.dataDir);
  const [certificate, key, ca] = [files.ingress.certificate, files.ingress.key, files.ca].map((file) => readFileSync(file, "utf8"));
  return { certificate: certificate ?? "", key: key ?? "", ca: ca ?? "", removed };
}

describe("port 734", () => {
  async function serve(trust: MeshTrust, more: Partial<WayServerOptions> = {}) {
    const app = await startTcpApp((socket) => socket.end("of the app"));
    const to: WayTarget = { instance: "app-aaaa", host: "127.0.0.1", port: app.port, protocol: "tcp" };
    const server = new WayServer({
      trust: () => trust,
      isOwn: (asked) => asked.instance === to.instance && asked.host === to.host && asked.port === to.port,
      isFavoured: () => false,
      now: () => performance.now(),
      onContact: () => {},
      log: silentLog,
      ...more,
    });
    const listening = await server.listen("127.0.0.1", { port: 0 });
    return {
      port: listening.port,
      to,
      server,
      app,
      [Symbol.asyncDispose]: async () => {
        await app[Symbol.asyncDispose]();
        await listening.drain();
      },
    };
  }

  /** All that who shows this hears, asking for the app. */
  function heardBy(port: number, trust: Partial<MeshTrust>, to: WayTarget, options: tls.ConnectionOptions = {}): Promise<string> {
    return new Promise((done) => {
      const socket = tls.connect({
        host: "127.0.0.1",
        port,
        ...(trust.certificate !== undefined && { cert: trust.certificate, key: trust.key }),
        rejectUnauthorized: false,
        ALPNProtocols: [PROTOCOL],
        ...options,
      });
      let heard = "";
      socket.on("secureConnect", () => socket.write(encodeRequest({ kind: "open", to, limitMs })));
      socket.on("data", (chunk) => (heard += String(chunk)));
      socket.on("error", () => undefined);
      socket.on("close", () => done(heard));
    });
  }

  test("leads an ingress of the house to an instance, and nobody else anywhere", async (t) => {
    const founder = await new TestNode(t).found();
    const [member, removed, stranger] = [
      await founder.admit(new TestNode(t)),
      await founder.admit(new TestNode(t)),
      await new TestNode(t).found(),
    ];
    await using house = await serve(ingressTrust(founder, [removed.nodeId]));
    const { port, to } = house;
    assert.match(await heardBy(port, ingressTrust(member), to), /opened.*of the app$/s);
    assert.match(await heardBy(port, ingressTrust(member), { ...to, port: 22 }), /"refused":"Unknown"/);
    assert.match(await heardBy(port, ingressTrust(member), { ...to, protocol: "tcp", instance: "other" }), /"refused":"Unknown"/);
    const served = house.app.served;
    for (const [who, trust, options] of [
      ["nobody", {}, {}],
      ["one who made his own certificate", await new TestNode(t).trust(), {}],
      ["an ingress of another house", ingressTrust(stranger), {}],
      ["an agent of this house", await member.trust(), {}],
      ["a node that was removed", ingressTrust(removed), {}],
      ["one with an old TLS", ingressTrust(member), { maxVersion: "TLSv1.2" }],
      ["one who speaks something else", ingressTrust(member), { ALPNProtocols: ["http/1.1"] }],
    ] as const)
      assert.equal(await heardBy(port, trust, to, options), "", who);
    assert.equal(house.app.served, served);
  });

  test("is not spoken to where another node answers, or one that was removed", async (t) => {
    const founder = await new TestNode(t).found();
    const member = await founder.admit(new TestNode(t));
    await using house = await serve(ingressTrust(founder));
    const address = { host: "127.0.0.1", port: house.port };
    const dialled = (nodeId: string, trust: MeshTrust) => dialNode({ addresses: [address], nodeId, trust }, limitMs);
    (await dialled(founder.nodeId, ingressTrust(member))).socket.destroy();
    await assert.rejects(dialled(member.nodeId, ingressTrust(member)), /another node answered/);
    await assert.rejects(dialled(founder.nodeId, ingressTrust(member, [founder.nodeId])), /no ingress of this house/);
  });

  test("goes on with what was proven before, and not with a node that was removed since", async (t) => {
    const founder = await new TestNode(t).found();
    const member = await founder.admit(new TestNode(t));
    let trust = ingressTrust(founder);
    await using house = await serve(trust, { trust: () => trust });
    const [own, nodeId] = [ingressTrust(member), founder.nodeId];
    const kept = keepSession(own, nodeId);
    const dialled = () => dialNode({ addresses: [{ host: "127.0.0.1", port: house.port }], nodeId, trust: own, kept }, limitMs);
    const first = await dialled();
    first.socket.resume();
    await until("it has a session", () => kept.session !== undefined);
    const second = await dialled();
    assert.equal(second.socket.isSessionReused(), true);
    await until("both are let in", () => house.server.connections === 2);
    const closed = [first, second].map(({ socket }) => new Promise((done) => socket.resume().once("end", done).once("close", done)));
    trust = { ...trust, removed: [member.nodeId] };
    house.server.trustChanged();
    await Promise.all(closed);
    assert.equal(await heardBy(house.port, own, house.to, { session: kept.session }), "");
  });

  test("is reached at whichever of its addresses answers first", async (t) => {
    const founder = await new TestNode(t).found();
    const member = await founder.admit(new TestNode(t));
    await using house = await serve(ingressTrust(founder));
    const silent = net.createServer();
    silent.listen(0, "127.0.0.1");
    t.after(() => silent.close());
    await until("it listens", () => silent.listening);
    const { port } = silent.address() as net.AddressInfo;
    const addresses = [port, 1, house.port].map((each) => ({ host: "127.0.0.1", port: each }));
    const { socket, address } = await dialNode({ addresses, nodeId: founder.nodeId, trust: ingressTrust(member) }, limitMs);
    assert.equal(address.port, house.port);
    socket.destroy();
  });

  test("answers a ping though nobody was pinged for so long that the connection was closed", async (t) => {
    const founder = await new TestNode(t).found();
    const member = await founder.admit(new TestNode(t));
    await using house = await serve(ingressTrust(founder), { limits: { idleMs: 300 } });
    const trust = ingressTrust(member);
    const client = new WayClient({
      trust: () => trust,
      node: () => "near",
      nodeOf: () => ({ nodeId: founder.nodeId, addresses: [{ host: "127.0.0.1", port: house.port }] }),
      now: () => performance.now(),
      log: silentLog,
    });
    await client.ping("far", limitMs);
    await until("the connection is closed", () => house.server.connections === 0);
    await client.ping("far", limitMs);
    await until("nothing is left of either", () => client.connections + house.server.connections === 0);
  });

  test("gives nobody's silence or dripping bytes a place for long", async (t) => {
    const founder = await new TestNode(t).found();
    const member = await founder.admit(new TestNode(t));
    const unproven = { perAddressMax: 4, rate: { burst: 1_000, perSecond: 1_000 } };
    const gate = { strangersMax: 4, strangersPerSourceMax: 4, membersMax: 4, unproven };
    await using house = await serve(ingressTrust(founder), { limits: { gate, handshakeMs: 300, frameMs: 300, idleMs: 2_000 } });
    const { socket } = await dialNode(
      { addresses: [{ host: "127.0.0.1", port: house.port }], nodeId: founder.nodeId, trust: ingressTrust(member) },
      limitMs,
    );
    const closed = new Promise((done) => socket.once("close", done));
    socket.resume();
    const bytes = encodeRequest({ kind: "open", to: house.to, limitMs });
    let sent = 0;
    const drip = setInterval(() => void socket.write(bytes.subarray(sent, ++sent)), 20);
    await closed;
    clearInterval(drip);
    const letGo = await hold(20, house.port, () => "127.0.0.77");
    await until("a member finds a place again", async () =>
      (await heardBy(house.port, ingressTrust(member), house.to)).endsWith("of the app"),
    );
    letGo();
    await until("nobody is left", () => house.server.connections === 0);
  });
});

describe("port 734 under attack", () => {
  let house: AcrossHouse;
  let near: AcrossNode;
  let far: AcrossNode;
  before(async () => {
    house = await startHouse(["near", "far"]);
    [near, far] = house.nodes as [AcrossNode, AcrossNode];
  });
  after(() => house.stop());

  test("it goes on for the house, whatever strangers and members send", async (t) => {
    const app = await startApp();
    const { http } = tableOf([], { backends: [at(far, app.port)], holdMs: 0 });
    await Promise.all([near.serve({ http }), far.serve({ http })]);
    const stranger = await new TestNode(t).trust();
    const member: MeshTrust = { ...near.mesh, key: readFileSync(near.mesh.keyFile, "utf8") };
    const clientHello = await recordClientHello(stranger);
    const random = new SeededRandom(seed);
    const names = Object.keys(attacks);
    const memory = async (): Promise<number> => Number(/resident_memory_bytes (\d+)/.exec(await far.metrics())?.[1]);
    const before = await memory();
    let begun = 0;
    const attack = async (): Promise<void> => {
      while (begun < attacksMax) {
        const name = names[begun++ % names.length] ?? "";
        // A member's address has places enough for every attack to get through.
        const trust = begun % 2 === 0 ? member : stranger;
        await attacks[name]?.({ port: far.meshPort, source: "127.0.0.1", trust, random, clientHello, protocol: PROTOCOL });
      }
    };
    let over = false;
    const attacking = Promise.all(Array.from({ length: 20 }, attack)).finally(() => (over = true));
    while (!over) {
      assert.equal((await get(near.httpPort)).status, 200);
      await wait(200);
    }
    await attacking;
    await until(
      "only the house's own connections are left",
      async () => {
        const open = Number(/fossora_mesh_connections\{direction="in"\} (\d+)/.exec(await far.metrics())?.[1]);
        return open <= 4;
      },
      180_000,
    );
    const grown = (await memory()) - before;
    t.diagnostic(`${begun} attacks, seed ${seed}: ${Math.round(grown / 1024 / 1024)} MiB more`);
    assert.ok(grown < 150 * 1024 * 1024, `it grew by ${grown} bytes`);
    assert.doesNotMatch(await far.log(), / error /i);
    app.stop();
  });
});
