// What people do with the house's computers, as the agents carry it out: real etcd, real TLS, each node on a loopback address of its own.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, type ClientHttp2Session } from "node:http2";
import path from "node:path";
import tls from "node:tls";
import { after, before, describe, test } from "node:test";
import type { Credentials } from "../../src/adapters/etcd3/connect.ts";
import { findEtcdProgram, type EtcdProgram } from "../../src/agent/etcd-binary.ts";
import { readCredentials } from "../../src/agent/joining/inside.ts";
import { hasTrust, removedNodes } from "../../src/agent/trust.ts";
import { keys } from "../../src/api/keys.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { TestJoiningNode, type TestNodeOptions } from "../support/joining-node.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const soon = (): AbortSignal => AbortSignal.timeout(LIMIT_MS);
/** Ten times the aim of an admission; an alive-check takes ten seconds, and so does the quiet between two changes. */
const LIMIT_MS = 150_000;

describe("the computers of a house", { skip }, () => {
  const nodes: TestJoiningNode[] = [];
  let program: EtcdProgram;
  let nas: TestJoiningNode;
  let nuc: TestJoiningNode;
  let pi4: TestJoiningNode;
  const kept = new Map<string, Credentials>();
  const sessions: ClientHttp2Session[] = [];

  before(async () => {
    program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    [nas, nuc, pi4] = [newNode("nas", "127.0.1.2"), newNode("nuc", "127.0.1.3"), newNode("pi4", "127.0.1.4", { isEmpty: true })];
    await nas.start();
    await until("a house is founded", () => nas.phase === "member" && nas.house);
  });
  after(async () => {
    for (const session of sessions) session.destroy();
    for (const node of nodes.toReversed()) await node.close();
  });

  const newNode = (name: string, ip: string, more: Partial<TestNodeOptions> = {}): TestJoiningNode => {
    const node = new TestJoiningNode({ program, name, ip, ...more });
    nodes.push(node);
    return node;
  };
  /** To that one's store, as who does not let go of it: from an address that is nobody's, for on one computer all speak from the same. */
  const connectionTo = async ({ clientHost }: TestJoiningNode, { dataDir }: TestJoiningNode): Promise<ClientHttp2Session> => {
    const credentials = kept.get(dataDir) ?? readCredentials(dataDir);
    kept.set(dataDir, credentials);
    const [host = "", port] = clientHost.split(":");
    const from = { host, port: Number(port), servername: "localhost", localAddress: "127.0.1.77", ALPNProtocols: ["h2"] };
    const session = connect(`https://${clientHost}`, { createConnection: () => tls.connect({ ...from, ...credentials }) });
    sessions.push(session.on("error", () => {}));
    const grpc = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };
    const status = session.request({ ...grpc, ":path": "/etcdserverpb.Maintenance/Status" });
    status.end(Buffer.alloc(5)); // an empty message
    await once(status, "response", { signal: soon() });
    status.resume();
    return session;
  };
  const roles = async (asked: TestJoiningNode): Promise<string> => {
    const house = await asked.control.computers(soon());
    return (house?.computers ?? []).map(({ name, role }) => `${name} ${role}`).join(", ");
  };

  test("a token says where to ask, and the wish for its house outlives a restart of the agent", async () => {
    const { token } = await nas.control.invite(soon());
    nuc.wish = { addresses: ["127.0.1.99"] }; // until it is told, it founds nothing
    await nuc.start();
    nuc.wish = undefined;
    await nuc.control.join({ token, addresses: [] }, soon());
    assert.notEqual(nuc.control.joining().phase, "member");
    await nuc.kill();
    await nuc.start();
    await until("it is a member", () => nuc.control.joining().phase === "member", LIMIT_MS);
    await until("the wish has come true", () => nuc.control.joining().wish === undefined, LIMIT_MS);
    await until("any node tells who is there", async () => (await roles(nuc)) === "nas voter, nuc standby", LIMIT_MS);
    const house = await nuc.control.computers(soon());
    assert.equal(house?.survives, "nothing by itself: start a third computer");
    const other = house.computers.find(({ name }) => name === "nas");
    assert.ok(other?.roundTripMs !== undefined && other.stateAgeMs !== undefined && other.lastSeen !== undefined, JSON.stringify(other));
  });

  test("whoever nobody vouches for waits with the six words that its own screen shows, and any node lets it in", async () => {
    await pi4.start();
    await until("it has a house of its own", () => pi4.phase === "member" && pi4.house, LIMIT_MS);
    await assert.rejects(pi4.control.join({ addresses: ["127.0.1.98:1"] }, soon()), /This computer's own house stays as it is/);
    await pi4.control.join({ addresses: [nas.address] }, soon());
    await until("it waits", () => pi4.control.joining().phase === "waiting", LIMIT_MS);
    const waiting = await until("the other sees it", async () => (await nuc.control.waiting(soon()))[0]);
    assert.equal(waiting.words, pi4.control.joining().words);
    await assert.rejects(nuc.control.approve("tv", soon()), /no computer of that name waits/);
    await nuc.control.approve(waiting.words, soon());
    await until("it is a member", () => pi4.control.joining().phase === "member", LIMIT_MS);
    await until("all vote", async () => (await roles(pi4)) === "nas voter, nuc voter, pi4 voter", LIMIT_MS);
    await until("all vote", async () => (await nas.control.computers(soon()))?.survives === "any one of three", LIMIT_MS);
    await until("nobody waits any more", async () => (await nas.control.waiting(soon())).length === 0, LIMIT_MS);
  });

  test("two houses with something in them are never merged", async () => {
    await assert.rejects(pi4.control.join({ addresses: ["127.0.1.98"] }, soon()), /two houses are never merged/);
  });

  test("one that leaves keeps nothing of the house, rests also after a restart, and comes back when it is told", async () => {
    await assert.rejects(pi4.control.leave({ confirm: "nas" }, soon()), /has to be confirmed by its name/);
    await pi4.control.leave({ confirm: "pi4" }, soon());
    assert.equal(pi4.control.joining().phase, "resting");
    assert.deepEqual([hasTrust(pi4.dataDir), existsSync(path.join(pi4.dataDir, "etcd.old-1"))], [false, true]);
    await until("the others are two", async () => !(await roles(nas)).includes("pi4"), LIMIT_MS);
    await pi4.kill();
    await pi4.start();
    assert.equal(pi4.control.joining().phase, "resting");
    // It waits for a person first, and then comes in without one.
    await pi4.control.join({ addresses: [nuc.address] }, soon());
    await until("it waits", async () => (await nas.control.waiting(soon())).length === 1, LIMIT_MS);
    const { token } = await nuc.control.invite(soon());
    await pi4.control.join({ token, addresses: [] }, soon());
    await until("it is a member", () => pi4.control.joining().phase === "member", LIMIT_MS);
    await until("nobody waits any more", async () => (await nas.control.waiting(soon())).length === 0, LIMIT_MS);
    await until("all vote", async () => (await roles(nuc)) === "nas voter, nuc voter, pi4 voter", LIMIT_MS);
  });

  test("what would cost the quorum is refused, and says what to do", async () => {
    await nuc.kill();
    await until(
      "its silence is seen",
      async () => /nothing until nuc is back/.test((await nas.control.computers(soon()))?.survives ?? ""),
      LIMIT_MS,
    );
    await assert.rejects(
      nas.control.removal("pi4", soon()),
      /Cannot remove pi4: too few voters would answer without it\. First bring back nuc/,
    );
    await assert.rejects(pi4.control.leave({ confirm: "pi4" }, soon()), /Cannot leave: too few voters/);
    assert.equal(pi4.control.joining().phase, "member");
    await nuc.start();
    await until("it is back", async () => (await nas.control.computers(soon()))?.survives === "any one of three", LIMIT_MS);
  });

  test("one that a person removes is out of the store, struck off, and not let in again", async () => {
    const held = await Promise.all([nas, nuc].map((node) => connectionTo(node, pi4)));
    const { compare, writes } = await nuc.control.removal("pi4", soon());
    const traces = keys.observed("Service", "jellyfin", "pi4");
    const { committed } = await nuc.store.commit({ compare, writes: [...writes, { put: traces, value: "{}" }] }, soon());
    assert.ok(committed);
    const leaving = async (): Promise<string | undefined> => (await nas.control.computers(soon()))?.leaving?.join();
    assert.equal(await leaving(), "pi4");
    await until("the others know", () => [nas, nuc].every(({ dataDir }) => removedNodes(dataDir).includes(pi4.nodeId)), LIMIT_MS);
    await until("its traces are gone", async () => (await nas.store.get(traces, soon())) === undefined, LIMIT_MS);
    await until("nobody is waited for any more", async () => (await leaving()) === "", LIMIT_MS);
    assert.equal(
      await roles(nas),
      "nas voter, nuc standby".replace("standby", (await roles(nas)).includes("nuc voter") ? "voter" : "standby"),
    );
    await until("it sees that it is out", () => pi4.phase !== "member", LIMIT_MS);
    // etcd asks whose a connection is when it begins, and never again.
    await until("what it holds open to the stores is over", () => held.every((session) => session.destroyed), LIMIT_MS);
    await assert.rejects(connectionTo(nas, pi4));
  });
});

describe("a machine that was set up anew", { skip }, () => {
  const nodes: TestJoiningNode[] = [];
  after(async () => {
    for (const node of nodes.toReversed()) await node.close();
  });

  test("takes its former name and place by a person's word, also when it is in already", async () => {
    const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    const machine = { macs: ["02:11:22:33:44:55"], productUuid: "" };
    const nas = new TestJoiningNode({ program, name: "nas", ip: "127.0.1.12" });
    const old = new TestJoiningNode({ program, name: "pi4", ip: "127.0.1.13", hints: machine });
    const anew = new TestJoiningNode({ program, name: "pi4", ip: "127.0.1.14", hints: machine });
    nodes.push(nas, old, anew);
    const knowsRemoved = ({ dataDir }: TestJoiningNode): boolean => removedNodes(dataDir).join() === old.nodeId;
    await nas.start();
    await until("a house", () => nas.house);
    const look = async (): Promise<readonly string[]> =>
      (await nas.control.computers(soon()))?.computers.map(({ name, nodeId }) => `${name} ${nodeId}`) ?? [];
    const come = async (node: TestJoiningNode): Promise<void> => {
      node.wish = { addresses: ["127.0.1.99"] };
      await node.start();
      node.wish = undefined;
      await node.control.join({ token: (await nas.control.invite(soon())).token, addresses: [] }, soon());
      await until("it is a member", () => node.control.joining().phase === "member", LIMIT_MS);
      await until("the house knows", async () => (await look()).some((each) => each.endsWith(node.nodeId)), LIMIT_MS);
    };
    await come(old);
    await assert.rejects(nas.control.replace({ former: "pi4" }, soon()), /it answers/);
    await old.kill();
    await come(anew);
    assert.ok((await look()).includes(`pi4-2 ${anew.nodeId}`), "there may be another pi4");
    const answer = await until(
      "its former self is silent",
      () => nas.control.replace({ former: "pi4", newcomer: "pi4-2" }, soon()).catch(() => undefined),
      LIMIT_MS,
    );
    assert.deepEqual(answer, { kind: "Replaced", former: "pi4", newcomer: "pi4-2" });
    await until("it is pi4 again", async () => (await look()).join() === `nas ${nas.nodeId},pi4 ${anew.nodeId}`, LIMIT_MS);
    assert.equal(anew.control.joining().phase, "member");
    // Its former disk may be in another computer by now.
    await until("all know that the former key is struck off", () => [nas, anew].every(knowsRemoved), LIMIT_MS);
    assert.equal((await look()).join(), `nas ${nas.nodeId},pi4 ${anew.nodeId}`);
  });
});
