// Computers become one house: real etcd, real TLS and the real protocol, each node on a loopback address of its own.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Cluster, type ClusterMember } from "../../src/adapters/etcd3/cluster.ts";
import { findEtcdProgram, type EtcdProgram } from "../../src/agent/etcd-binary.ts";
import { createInvite } from "../../src/agent/invites.ts";
import { readCredentials } from "../../src/agent/joining/inside.ts";
import { removeNode } from "../../src/agent/removals.ts";
import { holdsAuthority, houseHash, removedNodes } from "../../src/agent/trust.ts";
import { parseToken } from "../../src/trust/token.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { StoreWrites } from "../support/store-writes.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
/** Ten times the aim of an admission; an alive-check takes ten seconds, and so does the quiet between two changes. */
const LIMIT_MS = 120_000;

describe("three computers become one house", { skip }, () => {
  const nodes: TestJoiningNode[] = [];
  let program: EtcdProgram;
  let founder: TestJoiningNode;
  let writes: StoreWrites;
  let usedToken = "";

  before(async () => {
    program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    founder = newNode("first", "127.0.0.2");
    await founder.start();
    await until("the first founds a house", () => founder.phase === "member");
    writes = new StoreWrites(founder.store);
  });
  after(async () => {
    await writes.stop();
    for (const node of nodes.toReversed()) await node.close();
  });

  const newNode = (name: string, ip: string): TestJoiningNode => {
    const node = new TestJoiningNode({ program, name, ip });
    nodes.push(node);
    return node;
  };
  const invite = (): Promise<string> =>
    createInvite(founder.store, { hash: houseHash(founder.dataDir) ?? "", addresses: [founder.address] }, soon());
  const changeMembers = <T>(call: (cluster: Cluster) => Promise<T>): Promise<T> => {
    const cluster = new Cluster({ host: founder.clientHost, credentials: readCredentials(founder.dataDir) });
    return call(cluster).finally(() => cluster.close());
  };
  const members = (): Promise<readonly ClusterMember[]> => changeMembers((cluster) => cluster.members(soon()));
  const voters = async (): Promise<number> => (await members()).filter(({ learner, name }) => !learner && name !== "").length;
  const wishFor = (token: string) => ({ addresses: [founder.address], token: parseToken(token) });

  test("the second joins with a token and is a standby", async () => {
    usedToken = await invite();
    const second = newNode("second", "127.0.0.3");
    second.wish = wishFor(usedToken);
    await second.start();
    await until("the second is a member", () => second.phase === "member", LIMIT_MS);
    const all = await members();
    const standbys = all.filter(({ learner }) => learner).map(({ id }) => id);
    assert.deepEqual([all.length, standbys], [2, [second.memberId]], "two voters would be worse than one");
  });

  test("a computer without a token and one with a used one stay outside", async () => {
    const [stranger, thief] = [newNode("stranger", "127.0.0.5"), newNode("thief", "127.0.0.6")];
    stranger.wish = { addresses: [founder.address] };
    thief.wish = wishFor(usedToken);
    await Promise.all([stranger.start(), thief.start()]);
    await until("the stranger is told to wait", () => stranger.words.some((text) => /node approve stranger/.test(text)), LIMIT_MS);
    await until("the thief is told why", () => thief.words.some((text) => /used by another computer/.test(text)), LIMIT_MS);
    assert.equal((await members()).length, 2);
    assert.deepEqual([stranger.phase, thief.phase], ["asking", "asking"]);
    await Promise.all([stranger.close(), thief.close()]);
  });

  test("the third is killed in the middle of its admission and comes in at its next start, and then all three vote", async () => {
    const third = newNode("third", "127.0.0.4");
    third.wish = wishFor(await invite());
    await third.start();
    await until("its store was started", () => third.phase === "starting" && third.etcdPid !== undefined, LIMIT_MS);
    await third.kill();
    await third.start();
    await until("the third is a member", () => third.phase === "member", LIMIT_MS);
    await until("three voters", async () => (await voters()) === 3, LIMIT_MS);
    const { entries } = await third.store.list("/fossora/house/nodes/", soon());
    assert.equal(entries.length, 3);
  });

  test("a voter that loses its power is one of the house at its next start, without asking anybody", async () => {
    const [, second] = nodes;
    assert(second);
    const before = second.memberId;
    await second.kill();
    second.wish = undefined;
    await second.start();
    assert.equal(second.phase, "member");
    assert.equal(second.memberId, before);
    await until("it reads the store", async () => (await second.store.get("/fossora/queue/active", soon())) === undefined);
  });

  test("each voter holds the key that signs for the house, and all take over who was removed", async () => {
    const house = nodes.filter(({ phase }) => phase === "member");
    await until("three can sign", () => house.filter(({ dataDir }) => holdsAuthority(dataDir)).length === 3);
    const removed = "a".repeat(16);
    await removeNode(founder.dataDir, founder.store, removed, soon());
    await until("all know it", () => house.every(({ dataDir }) => removedNodes(dataDir).includes(removed)));
  });

  test("a voter that was taken out while it was away sets its data aside and comes in again by itself", async () => {
    const [, second] = nodes;
    assert(second);
    const before = second.memberId;
    await second.kill();
    await until("its member is gone", async () => {
      await changeMembers((cluster) => cluster.remove(before ?? "", soon()));
      return (await members()).length === 2;
    });
    await second.start();
    await until("it is another member", () => second.phase === "member" && second.memberId !== before, LIMIT_MS);
    assert.ok(existsSync(path.join(second.dataDir, "etcd.old-1")));
  });

  test("whoever wrote all the while wrote without a failure", async () => {
    const { done, failures } = await writes.stop();
    assert.deepEqual(failures, []);
    assert.ok(done > 100, `${done} writes`);
  });

  test("a newcomer is let in by whoever leads, also when that is not the founder", async () => {
    const [, second] = nodes;
    assert(second);
    await until("three voters again", async () => (await voters()) === 3, LIMIT_MS);
    await changeMembers((cluster) => cluster.moveLeader(second.memberId ?? "", soon()));
    const fourth = newNode("fourth", "127.0.0.8");
    fourth.wish = { addresses: [second.address], token: parseToken(await invite()) };
    await fourth.start();
    await until("it belongs to the house", () => fourth.phase === "member", LIMIT_MS);
    const all = await members();
    assert.deepEqual([all.length, all.find(({ id }) => id === fourth.memberId)?.learner], [4, true]);
  });
});

test("a house of one from before goes on as the first node of a house that others reach", { skip }, async (t) => {
  const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
  const node = new TestJoiningNode({ program, name: "nas", ip: "127.0.0.7" });
  t.after(() => node.close());
  const ids = await node.foundAsBefore();
  await node.start();
  await until("it is a member", () => node.phase === "member");
  assert.equal(node.memberId, ids.memberId);
  assert.deepEqual((await node.store.get("/test/kept", soon()))?.value, "kept");
  const cluster = new Cluster({ host: node.clientHost, credentials: readCredentials(node.dataDir) });
  t.after(() => cluster.close());
  const isReachedAt = (address: string) => async (): Promise<boolean> =>
    (await cluster.members(soon()))[0]?.peerUrl.includes(address) === true;
  await until("its member has the address", isReachedAt("127.0.0.7:"), LIMIT_MS);
  node.addresses = ["127.0.0.17"];
  await until("its member has another address", isReachedAt("127.0.0.17:"), LIMIT_MS);
});
