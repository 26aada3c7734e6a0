// Ways into a house over real TLS, and everybody who must stay outside. The store is the fake one: leases run on virtual time.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test, type TestContext } from "node:test";
import tls from "node:tls";
import { Approvals } from "../../src/agent/approvals.ts";
import { createInvite, INVITE_MS, joinWithToken, redeemInvite, type Proven } from "../../src/agent/invites.ts";
import { houseHash } from "../../src/agent/trust.ts";
import { MeshRefusal, UserError } from "../../src/api/errors.ts";
import { PREFIX } from "../../src/api/keys.ts";
import type { MeshPeer } from "../../src/mesh-ports.ts";
import type { Store } from "../../src/ports.ts";
import { parseToken } from "../../src/trust/token.ts";
import { wordsOf } from "../../src/trust/words.ts";
import { createKey, publicDerOf, publicKeyOf } from "../../src/adapters/x509/read.ts";
import { loadNodeKey } from "../../src/agent/identity.ts";
import { SeededRandom, VirtualClock } from "../fakes/clock.ts";
import { FakeEtcd } from "../fakes/store.ts";
import { limitMs, TestNode } from "../support/mesh.ts";

const message = { kind: "join", name: "nas" };
const signal = AbortSignal.timeout(60_000);
const refused = (code: string) => (error: unknown) => error instanceof MeshRefusal && error.code === code;

interface House {
  readonly founder: TestNode;
  readonly store: Store;
  readonly clock: VirtualClock;
  /** Proofs as they came over the wire. */
  readonly seen: Proven[];
  /** Newcomers that were let in. */
  readonly joined: string[];
}

async function newHouse(t: TestContext): Promise<House> {
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("a", { clock, random: new SeededRandom(1) });
  const founder = await new TestNode(t).found();
  const [seen, joined]: [Proven[], string[]] = [[], []];
  await founder.listen({
    request: async (peer, _method, body) => {
      const proven = body as Proven; // every test sends one
      seen.push(proven);
      const prove = await redeemInvite(store, peer, proven, signal);
      joined.push(peer.nodeId);
      return prove({ kind: "join-answer", verdict: "queued" });
    },
  });
  return { founder, store, clock, seen, joined };
}

async function invite({ founder, store }: House): Promise<string> {
  return createInvite(store, { hash: houseHash(founder.dataDir) ?? "", addresses: [] }, signal);
}

async function join(node: TestNode, to: { readonly port: number }, text: string): Promise<unknown> {
  const link = await node.dial(to);
  return joinWithToken(link, { nodeId: node.nodeId, token: parseToken(text), message }, { limitMs });
}

test("a newcomer with a token is let in, and may ask again with the same", async (t) => {
  const house = await newHouse(t);
  const [text, newcomer] = [await invite(house), new TestNode(t)];
  for (const _ of [1, 2]) assert.deepEqual(await join(newcomer, house.founder, text), { kind: "join-answer", verdict: "queued" });
  assert.deepEqual(house.joined, [newcomer.nodeId, newcomer.nodeId]);
});

test("what the store keeps of a token does not contain its secret", async (t) => {
  const house = await newHouse(t);
  const { secret, id } = parseToken(await invite(house));
  const { entries } = await house.store.list(PREFIX.house, signal);
  assert.deepEqual(
    entries.map(({ key }) => key),
    [`/fossora/house/invites/${id}`],
  );
  assert.ok(!JSON.stringify(entries).includes(secret));
});

test("a used token lets nobody else in, also when two come at the same moment", async (t) => {
  const house = await newHouse(t);
  const text = await invite(house);
  const nodes = Array.from({ length: 4 }, () => new TestNode(t));
  const results = await Promise.allSettled(nodes.map((node) => join(node, house.founder, text)));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(house.joined.length, 1);
  await assert.rejects(join(new TestNode(t), house.founder, text), refused("UsedToken"));
});

test("a token ends an hour after it was made", async (t) => {
  const house = await newHouse(t);
  const text = await invite(house);
  await house.clock.advance(INVITE_MS + 1_000);
  await assert.rejects(join(new TestNode(t), house.founder, text), refused("UnknownToken"));
  assert.deepEqual(house.joined, []);
});

test("a proof that was overheard is worth nothing on another connection, nor for another node", async (t) => {
  const house = await newHouse(t);
  const [text, newcomer] = [await invite(house), new TestNode(t)];
  await join(newcomer, house.founder, text);
  const [overheard] = house.seen;
  for (const node of [newcomer, new TestNode(t)]) {
    const link = await node.dial(house.founder);
    await assert.rejects(link.request("join", overheard, { limitMs }), refused("WrongProof"));
  }
  const link = await newcomer.dial(house.founder);
  for (const junk of [{}, { proof: "" }, { proof: "../../x.y" }, { proof: 7 }, { ...overheard, message: { kind: "join", name: "other" } }])
    await assert.rejects(link.request("join", junk, { limitMs }), MeshRefusal);
  assert.equal(house.joined.length, 1);
});

test("a token is never shown to another house, nor to a node without one", async (t) => {
  const [house, other] = [await newHouse(t), await newHouse(t)];
  const text = await invite(house);
  await assert.rejects(
    join(new TestNode(t), other.founder, text),
    (error) => error instanceof UserError && /another house/.test(error.message),
  );
  const fresh = await new TestNode(t).listen({ request: async (_peer, _method, body) => void other.seen.push(body as Proven) });
  await assert.rejects(join(new TestNode(t), fresh, text), /belongs to no house yet/);
  assert.deepEqual(other.seen, []);
});

test("a man in the middle who shows the house's certificates cannot prove their keys", async (t) => {
  const house = await newHouse(t);
  const text = await invite(house);
  const stolen = await house.founder.trust(); // what the house shows to everybody; its key stays at home
  const own = await new TestNode(t).trust();
  assert.throws(() => tls.createServer({ cert: stolen.certificate, key: own.key }), /key values mismatch/);
  // The nearest that he can do: his own leaf, with the house's certificate behind it.
  const liar = tls.createServer(
    { cert: own.certificate + (stolen.ca ?? ""), key: own.key, minVersion: "TLSv1.3", ALPNProtocols: ["fossora/1"] },
    (socket) => {
      socket.on("error", () => {});
      socket.on("data", (data) => heard.push(data));
    },
  );
  const heard: unknown[] = [];
  liar.listen(0, "127.0.0.1");
  await once(liar, "listening");
  t.after(() => liar.close());
  await assert.rejects(join(new TestNode(t), { port: (liar.address() as net.AddressInfo).port }, text), /belongs to no house yet/); // TCP
  assert.deepEqual(heard, []);
});

test("a man in the middle who is a node of the house that was removed does not know the invitation", async (t) => {
  const house = await newHouse(t);
  const removed = await (
    await house.founder.admit(new TestNode(t))
  ).listen({
    // He passes on what he hears, and answers what he likes.
    request: async (_peer, _method, body) => {
      const link = await removed.dial(house.founder);
      await assert.rejects(link.request("join", body, { limitMs }), refused("WrongProof"));
      return { message: { kind: "join-answer", verdict: "queued" }, proof: "bm8=" };
    },
  });
  await assert.rejects(join(new TestNode(t), removed, await invite(house)), /without knowing the invitation/);
  assert.deepEqual(house.joined, []);
});

test("who passes bytes on unread, as a router does, harms nobody", async (t) => {
  const house = await newHouse(t);
  const router = net.createServer((client) => {
    const onward = net.connect(house.founder.port, "127.0.0.1");
    client.pipe(onward).pipe(client);
    for (const socket of [client, onward]) socket.on("error", () => [client, onward].forEach((each) => each.destroy()));
  });
  router.listen(0, "127.0.0.1");
  await once(router, "listening");
  t.after(() => router.close());
  const newcomer = new TestNode(t);
  await join(newcomer, { port: (router.address() as net.AddressInfo).port }, await invite(house)); // TCP
  assert.deepEqual(house.joined, [newcomer.nodeId]);
});

test("a newcomer without a token waits, both sides show the same six words, and a person lets it in", async (t) => {
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("a", { clock, random: new SeededRandom(1) });
  const approvals = new Approvals({ store, clock });
  const founder = await (
    await new TestNode(t).found()
  ).listen({ request: (peer, _method, body) => approvals.ask(peer, String(body), signal) });
  const ask = async (node: TestNode, name = "nas", localAddress = "127.0.0.1") =>
    (await node.dial(founder, { localAddress })).request("join", name, { limitMs }) as Promise<{ approved: boolean }>; // as answered above
  const newcomer = new TestNode(t);
  const words = wordsOf(publicDerOf(loadNodeKey(newcomer.dataDir)));
  const waiting = { nodeId: newcomer.nodeId, name: "nas", address: "127.0.0.1", words, approved: false };
  assert.deepEqual(await ask(newcomer, "na\u001b[31ms"), { ...waiting, name: "na31ms" });
  assert.equal((await ask(newcomer)).approved, false);
  await assert.rejects(ask(new TestNode(t)), refused("CannotWait")); // within the minute
  await assert.rejects(approvals.approve("attic", signal), /no computer of that name waits. These do:\n {2}na31ms {2}127.0.0.1/);
  await approvals.approve(words, signal);
  assert.equal((await ask(newcomer)).approved, true);

  for (let index = 1; index < 5; index++) await ask(new TestNode(t), "nas", `127.0.0.${index + 1}`);
  await assert.rejects(ask(new TestNode(t), "nas", "127.0.0.9"), refused("CannotWait")); // five wait
  await assert.rejects(approvals.approve("nas", signal), /several computers call themselves so/);
  await clock.advance(11 * 60_000);
  assert.deepEqual(await approvals.list(signal), []);
  await assert.rejects(approvals.approve("nas", signal), /no computer waits to be let in/);
});

test("one source has two of the five places, whatever its keys and addresses, and a person's no does not give them back to it", async () => {
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("a", { clock, random: new SeededRandom(1) });
  const approvals = new Approvals({ store, clock });
  const ask = (number: number, address: string): Promise<unknown> => approvals.ask(newcomerAt(address, number), `n${number}`, signal);
  const waiting = async (): Promise<readonly string[]> => (await approvals.list(signal)).map(({ name }) => name);
  for (const number of [1, 2, 3, 4]) {
    await ask(number, `fd00:0:0:1::${number}`).catch((error: unknown) => assert.ok(refused("CannotWait")(error), String(error)));
    await clock.advance(61_000);
  }
  assert.deepEqual(await waiting(), ["n1", "n2"]);
  await ask(5, "192.168.1.9");
  await approvals.reject("n1", signal);
  assert.deepEqual(await waiting(), ["n2", "n5"]);
  await assert.rejects(ask(6, "fd00:0:0:1::6"), refused("CannotWait"));
  await assert.rejects(ask(1, "fd00:0:0:1::1"), refused("CannotWait"));
  await assert.rejects(approvals.reject("n1", signal), /Cannot reject "n1": no computer of that name waits/);
  assert.equal(await approvals.wordOn(idOf(1), signal), "no");
  // A person may think better of it.
  await approvals.approve("n1", signal);
  assert.equal(await approvals.wordOn(idOf(1), signal), "yes");
});

function idOf(number: number): string {
  return String(number).repeat(16);
}

function newcomerAt(address: string, number: number): MeshPeer {
  const publicKey = publicKeyOf(createKey());
  return { nodeId: idOf(number), standing: "stranger", publicKey, address, port: 40_000, exporter: () => new Uint8Array(32) };
}
