// The admission queue beside a real etcd leader: computers that ask become members, one after the other, and voters when they have proven alive.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster } from "../../src/adapters/etcd3/cluster.ts";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { openStore, type EtcdStore } from "../../src/adapters/etcd3/store.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { RecordsReader } from "../../src/agent/joining/house-records.ts";
import { Steward } from "../../src/agent/joining/steward.ts";
import { Pulse } from "../../src/agent/joining/pulse.ts";
import { keys } from "../../src/api/keys.ts";
import { nodeOfMember, type HouseNode, type QueueEntry } from "../../src/joining/house-view.ts";
import { PROTOCOL, type HouseState, type JoinRequest, type Message, type Sender } from "../../src/joining/messages.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { EtcdCluster } from "../support/etcd.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const program = findEtcd();
const skip = program === undefined ? "no etcd on this machine, and no Go to build it" : false;
const versions = { fossora: "0.1.0", etcd: "3.7.3" };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
/** An alive-check of ten seconds, and the quiet between two changes. */
const LIMIT_MS = 120_000;

describe("the steward of the queue", { skip }, () => {
  let etcd: EtcdCluster;
  let store: EtcdStore;
  let cluster: Cluster;
  let steward: Steward;
  const stopping = new AbortController();
  const broadcasts: string[] = [];
  let running: Promise<void>;
  const starts = new Map<string, Promise<void>>();
  const house: HouseState = { id: "house", epoch: 1, nodes: 1, hasObjects: true, joining: "auto" };
  const senderOf = (nodeId: string): Sender => ({ nodeId, name: nodeId, addresses: [nodeId], versions });
  const requestOf = (nodeId: string, peerUrl: string): JoinRequest => ({
    peerUrl,
    memberName: nodeId,
    machine: { macs: [nodeId], productUuid: "" },
    fitness: { link: "wired", battery: false, fsyncP99Ms: 1 },
  });

  /** What a computer that wants in answers; its etcd starts once it was admitted. */
  const newcomer = (nodeId: string, message: Message): void => {
    const peerUrl = asking.get(nodeId);
    if (peerUrl === undefined) return; // nobody is there
    const from = senderOf(nodeId);
    if (message.kind === "request-admission") {
      broadcasts.push(`${nodeId} ${message.head}`);
      if (message.head === nodeId && !starts.has(nodeId))
        steward.heard({ protocol: PROTOCOL, kind: "present", from, request: requestOf(nodeId, peerUrl), dataDirEmpty: true, wall: "" });
    } else if (message.kind === "admitted" && !starts.has(nodeId)) {
      const { initialCluster, memberId = "", clusterId } = message.admission;
      assert.equal(message.credentials, `for ${nodeId}`);
      assert.ok(initialCluster.some((member) => member.name === nodeId && member.peerUrl === peerUrl));
      const started = etcd.startPrepared().then(() => steward.heard({ protocol: PROTOCOL, kind: "started", from, memberId, clusterId }));
      starts.set(nodeId, started);
    }
  };
  const asking = new Map<string, string>();
  const roles = new Map<string, HouseNode["role"]>();

  before(async () => {
    assert(program);
    etcd = await EtcdCluster.start(program, 1);
    const [host = ""] = etcd.hosts;
    const { credentials } = etcd;
    store = openStore({ hosts: [host], credentials, clock: systemClock, log: silentLog });
    cluster = new Cluster({ host, credentials });
    const [founder] = await cluster.members(soon());
    assert(founder);
    const node: HouseNode = { ...senderOf("m0"), request: requestOf("m0", founder.peerUrl), role: "auto" };
    await store.commit({ compare: [], writes: [{ put: keys.houseNode("m0"), value: JSON.stringify(node) }] }, soon());
    steward = new Steward({
      store,
      reads: store,
      cluster,
      status: (at, signal) => memberStatus({ host: at, credentials, signal }),
      localHost: host,
      self: () => senderOf("m0"),
      peerUrl: () => founder.peerUrl,
      house: () => house,
      replaceAfterMs: () => 600_000,
      leaving: () => new Set(),
      roles: () => roles,
      credentials: (admission) => Promise.resolve(`for ${admission.nodeId}`),
      send: ([to = ""], message) => setImmediate(() => newcomer(to, message)),
      isAlone: () => false,
      pulse: new Pulse(systemClock),
      onStep: () => undefined,
      clock: systemClock,
      log: silentLog,
    });
    running = steward.run(stopping.signal);
  });
  after(async () => {
    stopping.abort();
    await running;
    cluster.close();
    await store.close();
    await etcd.close();
  });

  const ask = async (nodeId: string, order: number): Promise<void> => {
    const peerUrl = await etcd.prepare();
    asking.set(nodeId, peerUrl);
    const entry: QueueEntry = {
      ...senderOf(nodeId),
      request: requestOf(nodeId, peerUrl),
      order,
      missed: 0,
      byItself: true,
    };
    await store.commit({ compare: [], writes: [{ put: keys.queued(nodeId), value: JSON.stringify(entry) }] }, soon());
  };
  const read = () => new RecordsReader(store, systemClock).read(soon());

  test("a computer in the queue becomes a standby and one of the roster", async () => {
    await ask("m1", 1);
    await until("m1 belongs to the house", async () => (await read()).roster.has("m1"), LIMIT_MS);
    const { entries, active } = await read();
    assert.deepEqual([entries, active], [[], undefined]);
    const members = await cluster.members(soon());
    assert.deepEqual(
      new Map(members.map(({ name, learner }) => [name, learner])),
      new Map([
        ["m0", false],
        ["m1", true],
      ]),
      "two voters would be worse than one",
    );
    await starts.get("m1");
    assert.equal(broadcasts[0], "m1 m1");
  });

  test("with the third there are three voters", async () => {
    await ask("m2", 1);
    await until("three voters", async () => (await cluster.members(soon())).filter(({ learner }) => !learner).length === 3, LIMIT_MS);
    assert.deepEqual([...(await read()).roster.keys()].sort(), ["m0", "m1", "m2"]);
  });

  test("one that never answers is passed over and forgotten, and holds up nobody", async () => {
    const entry: QueueEntry = {
      ...senderOf("silent"),
      request: requestOf("silent", "https://127.0.0.1:1"),
      order: 1,
      missed: 0,
      byItself: true,
    };
    await store.commit({ compare: [], writes: [{ put: keys.queued("silent"), value: JSON.stringify(entry) }] }, soon());
    await until("it is forgotten", async () => (await read()).entries.length === 0, LIMIT_MS);
    assert.equal((await cluster.members(soon())).length, 3);
  });

  test("who is to be a worker gives its vote back", async () => {
    roles.set("m2", "worker");
    const isOut = async (): Promise<boolean> => (await cluster.members(soon())).every((member) => nodeOfMember(member) !== "m2");
    await until("m2 has no member", isOut, LIMIT_MS);
  });
});
