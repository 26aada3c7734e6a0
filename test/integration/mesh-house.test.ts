// What members of a house do over 733 besides asking: keep connections, renew certificates, drop who was removed, judge who asks.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { MeshLinks } from "../../src/adapters/mesh/links.ts";
import { createKey, publicKeyOf } from "../../src/adapters/x509/read.ts";
import { judgeAsker, WAS_REMOVED, type AskerTrust } from "../../src/agent/asker-trust.ts";
import { Approvals } from "../../src/agent/approvals.ts";
import { issueLeaves } from "../../src/agent/authority.ts";
import { enterHouse, writeLetter } from "../../src/agent/entry.ts";
import { createInvite, joinWithToken, type Proven } from "../../src/agent/invites.ts";
import { removeNode, takeOverRemovals } from "../../src/agent/removals.ts";
import { answerRenewal, renewLeaves } from "../../src/agent/renewal.ts";
import { dueLeaves, hasTrust, holdAuthority, houseHash, leavesWanted, removedNodes, trustFiles } from "../../src/agent/trust.ts";
import { MeshRefusal, MeshUnreachable } from "../../src/api/errors.ts";
import { keys } from "../../src/api/keys.ts";
import type { MeshHandler } from "../../src/mesh-ports.ts";
import type { Store } from "../../src/ports.ts";
import type { TailnetState, TailnetWho } from "../../src/trust/tailnet.ts";
import { parseToken } from "../../src/trust/token.ts";
import { SeededRandom, VirtualClock } from "../fakes/clock.ts";
import { FakeEtcd } from "../fakes/store.ts";
import { limitMs, TestNode } from "../support/mesh.ts";
import { realClock } from "../support/real.ts";
import { until } from "../support/until.ts";

const yearMs = 365.25 * 24 * 3600 * 1000;
const signal = AbortSignal.timeout(60_000);
const refused = (code: string) => (error: unknown) => error instanceof MeshRefusal && error.code === code;
const echo: MeshHandler = { request: async (peer, _method, body) => ({ port: peer.port, body }) };

function newStore(): Store {
  const clock = new VirtualClock();
  return new FakeEtcd(clock).client("a", { clock, random: new SeededRandom(1) });
}

test("requests to a node share one connection, and a lost one is made anew by the next", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const second = await founder.admit(new TestNode(t));
  const links = new MeshLinks(await second.trust());
  t.after(() => links.close());
  const target = { address: "127.0.0.1", port: founder.port, nodeId: founder.nodeId };
  const ask = async (body: number) =>
    (await links.request(target, "api", body, { limitMs })) as { readonly port: number; readonly body: number }; // as echoed
  const answers = await Promise.all([1, 2, 3].map(ask));
  assert.deepEqual(
    answers.map(({ body }) => body),
    [1, 2, 3],
  );
  assert.equal(new Set(answers.map(({ port }) => port)).size, 1);
  for (const { nodeId } of founder.server?.peers ?? []) assert.equal(nodeId, second.nodeId);
  await founder.server?.close();
  await until("the end of the connection", () =>
    ask(4).then(
      () => false,
      (error) => error instanceof MeshUnreachable,
    ),
  );
  await founder.listen(echo);
  assert.equal(((await links.request({ ...target, port: founder.port }, "api", 5, { limitMs })) as { readonly body: number }).body, 5); // as echoed
});

test("only members are asked, and the one that was meant", async (t) => {
  const founder = await (await new TestNode(t).found()).listen(echo);
  const stranger = await (await new TestNode(t).found()).listen(echo);
  const links = new MeshLinks(await founder.trust());
  t.after(() => links.close());
  await assert.rejects(links.request({ address: "127.0.0.1", port: stranger.port }, "hello", 1, { limitMs }), /no member of this house/);
  const second = await founder.admit(new TestNode(t));
  await second.listen(echo);
  const wrong = { address: "127.0.0.1", port: second.port, nodeId: founder.nodeId };
  await assert.rejects(links.request(wrong, "api", 1, { limitMs }), /another node answered/);
});

test("two voters that remove two nodes at once remove both, everywhere, and their connections end", async (t) => {
  const store = newStore();
  const founder = await (await new TestNode(t).found()).listen(echo);
  const [voter, third, fourth] = [
    await founder.admit(new TestNode(t)),
    await founder.admit(new TestNode(t)),
    await founder.admit(new TestNode(t)),
  ];
  holdAuthority(voter.dataDir, readFileSync(trustFiles(founder.dataDir).ca.replace(/crt$/, "key"), "utf8"));
  const link = await third.dial(founder);
  await fourth.listen(echo);
  const links = new MeshLinks(await founder.trust());
  t.after(() => links.close());
  const target = { address: "127.0.0.1", port: fourth.port, nodeId: fourth.nodeId };
  await links.request(target, "api", 1, { limitMs });

  await Promise.all([removeNode(founder.dataDir, store, third.nodeId, signal), removeNode(voter.dataDir, store, fourth.nodeId, signal)]);
  const value = (await store.get(keys.removed, signal))?.value ?? "";
  for (const node of [founder, voter]) {
    await takeOverRemovals(node.dataDir, value);
    assert.deepEqual([...removedNodes(node.dataDir)].sort(), [third.nodeId, fourth.nodeId].sort());
  }
  founder.server?.setTrust(await founder.trust());
  links.setTrust(await founder.trust());
  await until("the end of the removed node's connection", () => link.closed.aborted);
  await assert.rejects(links.request(target, "api", 1, { limitMs }), /no member of this house/);
});

test("a list of removed nodes that somebody wrote into the store without the CA's key is not taken over", async (t) => {
  const [founder, other] = [await new TestNode(t).found(), await new TestNode(t).found()];
  const store = newStore();
  await removeNode(other.dataDir, store, founder.nodeId, signal);
  const forged = (await store.get(keys.removed, signal))?.value ?? "";
  await assert.rejects(takeOverRemovals(founder.dataDir, forged), /not signed by the house/);
  assert.deepEqual(removedNodes(founder.dataDir), []);
});

test("a node without the CA's key whose leaves have expired renews them at a voter, and is a member again", async (t) => {
  const longAgoMs = Date.now() - 11 * yearMs;
  const founder = await new TestNode(t).found(longAgoMs);
  const second = await founder.admit(new TestNode(t), longAgoMs);
  await founder.found();
  await founder.listen(
    { request: (peer, method, body) => (method === "renew" ? answerRenewal(founder.dataDir, peer, body) : Promise.resolve(1)) },
    { isKnown: (nodeId) => nodeId === second.nodeId },
  );
  const addresses = ["192.168.1.9"];
  const renewed = await renewLeaves(second.dataDir, { addresses, limitMs }, () => second.dial(founder));
  assert.equal(renewed.length, 4);
  assert.deepEqual(dueLeaves(second.dataDir, { addresses }), []);
  assert.equal(await (await second.dial(founder)).request("api", 1, { limitMs }), 1);
  // Nothing is due: nobody is asked.
  assert.deepEqual(await renewLeaves(second.dataDir, { addresses, limitMs }, () => assert.fail("asked")), []);
  // Another address, while it is a member: etcd's leaves name it.
  assert.equal((await renewLeaves(second.dataDir, { addresses: ["10.0.0.1"], limitMs }, () => second.dial(founder))).length, 2);
});

test("a newcomer that is admitted gets the house's letter and leaves for its own keys, and is a member", async (t) => {
  const admitted = new Set<string>();
  const founder = await (
    await new TestNode(t).found()
  ).listen(
    { request: (peer, method, body) => (method === "renew" ? answerRenewal(founder.dataDir, peer, body) : Promise.resolve("heard")) },
    { isKnown: (nodeId) => admitted.has(nodeId) },
  );
  const newcomer = new TestNode(t);
  const first = await newcomer.dial(founder);
  const { hash = "", ca = "" } = first.peer.house ?? {};
  const entered = Promise.withResolvers<void>();
  await newcomer.listen({
    request: async (peer, _method, letter) => {
      assert.equal(peer.standing, "member"); // of the house that was asked
      await enterHouse(newcomer.dataDir, letter, { houseHash: hash, addresses: ["10.0.0.3"], limitMs }, await newcomer.dial(founder));
      entered.resolve();
    },
  });
  newcomer.server?.setTrust(await newcomer.trust({ ca }));
  const admit = async () => (await founder.dial(newcomer)).request("admitted", writeLetter(founder.dataDir), { limitMs });
  await assert.rejects(admit(), refused("NotAllowed")); // its key is not known yet, so nothing is signed for it
  assert.equal(hasTrust(newcomer.dataDir), false);
  admitted.add(newcomer.nodeId);
  await admit();
  await entered.promise;
  newcomer.server?.setTrust(await newcomer.trust());
  assert.equal(houseHash(newcomer.dataDir), houseHash(founder.dataDir));
  assert.equal(await (await newcomer.dial(founder, { expect: { standing: "member" } })).request("api", 1, { limitMs }), "heard");
  assert.equal(
    await (await founder.dial(newcomer, { expect: { standing: "member" } })).request("api", 1, { limitMs }).catch(() => "known"),
    "known",
  );
});

test("a letter of another house, or half a one, lets nobody enter", async (t) => {
  const [founder, other] = [await new TestNode(t).found(), await new TestNode(t).found()];
  await founder.listen({ request: (peer, _method, body) => answerRenewal(founder.dataDir, peer, body) }, { isKnown: () => true });
  const newcomer = new TestNode(t);
  const enter = async (letter: unknown, hash = houseHash(founder.dataDir) ?? "") =>
    enterHouse(newcomer.dataDir, letter, { houseHash: hash, addresses: [], limitMs }, await newcomer.dial(founder));
  const letter = writeLetter(founder.dataDir);
  await assert.rejects(enter(writeLetter(other.dataDir)), /another one/);
  await assert.rejects(enter(writeLetter(other.dataDir), houseHash(other.dataDir)), /another one/);
  for (const junk of [null, {}, { ...letter, removed: "x" }, { ...letter, removed: ["../x"] }, { ...letter, crl: 7 }])
    await assert.rejects(enter(junk), /not whole/);
  assert.equal(hasTrust(newcomer.dataDir), false);
  await enter(letter);
  assert.equal(hasTrust(newcomer.dataDir), true);
});

test("certificates are renewed for the key that asks, for whole requests, and never for a removed node", async (t) => {
  const founder = await new TestNode(t).found();
  const [second, third] = [await founder.admit(new TestNode(t)), await founder.admit(new TestNode(t))];
  const wanted = leavesWanted(second.dataDir, []);
  const answer = (body: unknown, node = second) => answerRenewal(founder.dataDir, node, body);
  assert.ok((await answer(wanted)).agent.includes("BEGIN CERTIFICATE"));
  await assert.rejects(answer(wanted, third), refused("CannotSign"));
  await assert.rejects(answer({ ...wanted, names: ["nas.example"] }), refused("CannotSign"));
  await assert.rejects(answer({ ...wanted, keys: { ...wanted.keys, ingress: "no key" } }), refused("CannotSign"));
  for (const junk of [
    null,
    7,
    {},
    { keys: {}, names: [] },
    { ...wanted, names: "x" },
    { ...wanted, names: [7] },
    { ...wanted, names: new Array(65).fill("::1") },
  ])
    await assert.rejects(answer(junk), refused("Invalid"));
  await removeNode(founder.dataDir, newStore(), second.nodeId, signal);
  await assert.rejects(answer(wanted), refused("CannotSign"));
});

test("who signs for another house, or for other keys, is not believed", async (t) => {
  const [founder, other] = [await new TestNode(t).found(), await new TestNode(t).found()];
  const second = await founder.admit(new TestNode(t));
  const addresses = ["10.0.0.1"];
  await other.listen({ request: (peer, _method, body) => answerRenewal(other.dataDir, peer, body) }, { isKnown: () => true });
  await assert.rejects(
    renewLeaves(second.dataDir, { addresses, limitMs }, () => second.dial(other)),
    /not of this house/,
  );
  await founder.listen({
    request: async (_peer, _method, body) => {
      const { names } = body as ReturnType<typeof leavesWanted>; // as renewLeaves asks
      const own = leavesWanted(second.dataDir, names);
      return issueLeaves(founder.dataDir, second.nodeId, { names, keys: { ...own.keys, "etcd-peer": publicKeyOf(createKey()) } });
    },
  });
  await assert.rejects(
    renewLeaves(second.dataDir, { addresses, limitMs }, () => second.dial(founder)),
    /for etcd-peer/,
  );
  assert.equal(dueLeaves(second.dataDir, { addresses }).length, 2);
});

const self = { id: "n1", name: "nas", os: "linux", userId: "41", tags: [], addresses: [], online: true, expired: false, shared: false };
const device = {
  id: "n2",
  name: "attic",
  os: "linux",
  login: "alice",
  tags: [],
  addresses: ["127.0.0.1"],
  expired: false,
  capabilities: {},
};

/** A house whose tailnet knows who is at 127.0.0.1, or does not. */
async function judging(
  t: TestContext,
  who: TailnetWho | undefined,
): Promise<{
  readonly house: TestNode;
  readonly store: Store;
  readonly approvals: Approvals;
  readonly verdicts: AskerTrust[];
  calledBack: string;
}> {
  const house = await new TestNode(t).found();
  const store = newStore();
  const found = { house, store, approvals: new Approvals({ store, clock: realClock }), verdicts: [] as AskerTrust[], calledBack: "" };
  const state: TailnetState = { kind: "running", self, peers: [], userspace: false };
  const ports = {
    store: found.store,
    tailnet: { status: async () => state, whois: async () => who },
    callBack: async () => found.calledBack,
    approvals: found.approvals,
    removed: () => removedNodes(house.dataDir),
  };
  await house.listen({
    request: async (peer, _method, body) => {
      const verdict = await judgeAsker(peer, body as Proven, ports, { settings: { tags: [] }, signal }); // as the tests ask
      found.verdicts.push(verdict);
      if (verdict.trust === "needs approval") await found.approvals.ask(peer, "nas", signal);
      return verdict.answer({ kind: "join-answer" });
    },
  });
  return found;
}

test("who asks is let in by token, person or tailnet, waits on the LAN, and is refused when it is somebody else's", async (t) => {
  const lan = await judging(t, undefined);
  const newcomer = new TestNode(t);
  const ask = async (to: TestNode, body: object = { message: {} }) => (await newcomer.dial(to)).request("join", body, { limitMs });
  await ask(lan.house);
  assert.equal(lan.verdicts.at(-1)?.trust, "needs approval");
  await ask(lan.house, { message: {}, proof: "abcdefgh.x" });
  assert.equal(lan.verdicts.at(-1)?.trust, "refused");
  const token = parseToken(await createInvite(lan.store, { hash: houseHash(lan.house.dataDir) ?? "", addresses: [] }, signal));
  const answer = await joinWithToken(
    await newcomer.dial(lan.house),
    { nodeId: newcomer.nodeId, token, message: { name: "nas" } },
    { limitMs },
  );
  assert.deepEqual([answer, lan.verdicts.at(-1)?.trust], [{ kind: "join-answer" }, "approved"]);
  const other = new TestNode(t);
  const otherAsks = async () => (await other.dial(lan.house, { localAddress: "127.0.0.2" })).request("join", { message: {} }, { limitMs });
  await otherAsks();
  assert.equal(lan.verdicts.at(-1)?.trust, "needs approval");
  await lan.approvals.approve(other.nodeId, signal);
  await otherAsks();
  assert.deepEqual([lan.verdicts.at(-1)?.trust, lan.verdicts.at(-1)?.because], ["approved", "a person has approved it"]);
  await removeNode(lan.house.dataDir, lan.store, newcomer.nodeId, signal);
  await ask(lan.house);
  assert.deepEqual(lan.verdicts.at(-1)?.because, WAS_REMOVED);

  const same = await judging(t, { ...device, userId: "41" });
  same.calledBack = newcomer.nodeId;
  await ask(same.house);
  assert.equal(same.verdicts.at(-1)?.trust, "trusted");
  same.calledBack = "somebodyelsesome";
  await ask(same.house);
  assert.equal(same.verdicts.at(-1)?.trust, "refused");
  const mac = await judging(t, { ...device, os: "macOS", userId: "41" });
  mac.calledBack = newcomer.nodeId;
  await ask(mac.house);
  assert.equal(mac.verdicts.at(-1)?.trust, "needs approval");
  const foreign = await judging(t, { ...device, userId: "42" });
  await ask(foreign.house);
  assert.equal(foreign.verdicts.at(-1)?.trust, "refused");
});
