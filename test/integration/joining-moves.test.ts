// Nodes of a house whose addresses change: real etcd, real TLS and the real protocol, each node on loopback addresses of its own.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { Cluster } from "../../src/adapters/etcd3/cluster.ts";
import { Child } from "../../src/agent/child.ts";
import { findEtcdProgram } from "../../src/agent/etcd-binary.ts";
import { clusterToken, keepEtcd, peerUrlOf, writeAdmitted } from "../../src/agent/etcd.ts";
import { readCredentials } from "../../src/agent/joining/inside.ts";
import { loadTrust } from "../../src/agent/trust.ts";
import { keys } from "../../src/api/keys.ts";
import type { HouseNode } from "../../src/joining/house-view.ts";
import { splitUrls } from "../../src/joining/peer-urls.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { realClock, silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const LIMIT_MS = 120_000;

/** The first of them founds the house. */
async function house(t: TestContext, ips: readonly string[]): Promise<readonly TestJoiningNode[]> {
  const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
  const nodes: TestJoiningNode[] = [];
  t.after(() => Promise.all(nodes.map((node) => node.close())));
  for (const ip of ips) {
    const candidates = (): readonly string[] => nodes.filter((other) => other !== node).map(({ address }) => address);
    const node: TestJoiningNode = new TestJoiningNode({ program, name: `n${nodes.length}`, ip, trusts: true, candidates });
    // Not where its agent is, so that its store can move there.
    node.addresses = [ip.replace(/^127\.0/, "127.1")];
    await node.chooseAddress();
    nodes.push(node);
    await node.start();
    await until("it belongs to the house", () => node.joining.inside?.sight.isFresh === true, LIMIT_MS);
  }
  return nodes;
}

async function rosterEntry({ store, nodeId }: TestJoiningNode): Promise<HouseNode | undefined> {
  const entry = await store.get(keys.houseNode(nodeId), AbortSignal.timeout(5_000));
  return entry && (JSON.parse(entry.value) as HouseNode); // written by agents
}

test("a standby finds the only voter's store where the voter's agent is heard", { skip }, async (t) => {
  const [voter, standby] = await house(t, ["127.0.0.41", "127.0.0.42"]);
  assert(voter !== undefined && standby !== undefined);
  const sees = (): boolean => standby.joining.inside?.sight.isFresh === true;
  const hostsOf = (): string => standby.joining.seen?.hosts.join() ?? "";
  await until("it sees the voter", () => hostsOf().includes("127.1.0.41:"), LIMIT_MS);

  voter.addresses = ["127.0.0.41"];
  await until("it sees it at the other address", () => sees() && hostsOf().includes("127.0.0.41:"), LIMIT_MS);
  assert.equal((await rosterEntry(standby))?.nodeId, standby.nodeId);
});

test("two of three voters that move at once find the one that stayed", { skip }, async (t) => {
  const nodes = await house(t, ["127.0.0.44", "127.0.0.45", "127.0.0.46"]);
  await until("three vote", () => nodes.every(({ joining }) => joining.seen?.voters.length === 3), LIMIT_MS);
  const [one, other, stays] = nodes;
  assert(one !== undefined && other !== undefined && stays !== undefined);
  one.addresses = ["127.0.0.44"];
  other.addresses = ["127.0.0.45"];
  const isKnown = (address: string): boolean =>
    stays.joining.inside?.sight.members.some(({ peerUrl }) => peerUrl.includes(address)) === true;
  await until("both are members where they are", () => isKnown("127.0.0.44:") && isKnown("127.0.0.45:"), LIMIT_MS);
  await until("all see their house", () => nodes.every(({ joining }) => joining.inside?.sight.isFresh === true), LIMIT_MS);
});

test("a node whose agent is at another port is known there", { skip }, async (t) => {
  const [node] = await house(t, ["127.0.0.48"]);
  assert(node !== undefined);
  const isKnownAt = (address: string) => async (): Promise<boolean> => (await rosterEntry(node))?.addresses.join() === address;
  await until("it is known where it began", isKnownAt(node.address), LIMIT_MS);
  node.meshAddresses = ["127.0.0.48:7330"];
  await until("it is known at the other port", isKnownAt("127.0.0.48:7330"), 40_000);
});

test("a store starts as it was admitted, at one of its computer's addresses", { skip }, async (t) => {
  const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
  const [founder] = await house(t, ["127.0.0.51"]);
  assert(founder !== undefined);
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-admitted-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  // With the key that signs, it makes itself certificates of the house.
  cpSync(founder.dataDir, dataDir, { recursive: true, filter: (file) => !/(etcd|run|\.pid\.json)$/.test(file) });
  const addresses = ["127.0.0.52", "127.1.0.52"];
  const child = newChild(dataDir);
  t.after(() => child.end(1_000));
  const both = await peerUrlOf(dataDir, { addresses, child });
  const [peerUrl = ""] = splitUrls(both);
  const cluster = new Cluster({ host: founder.clientHost, credentials: readCredentials(founder.dataDir) });
  t.after(() => cluster.close());
  const soon = AbortSignal.timeout(LIMIT_MS);
  assert.deepEqual((await cluster.addLearner(peerUrl, soon)).kind, "done");
  const members = (await cluster.members(soon)).map(({ name, ...member }) => ({ peerUrl: member.peerUrl, name: name || "second-i1" }));
  writeAdmitted(dataDir, { memberName: "second-i1", clusterToken: clusterToken(founder.dataDir) ?? "", admittedTo: members });
  await keepEtcd({ dataDir, nodeId: "second", program, trust: await loadTrust(dataDir, { addresses }), child, addresses });
  await until(
    "it runs as the member that it is",
    async () => (await cluster.members(soon)).some(({ name }) => name === "second-i1"),
    20_000,
  );
});

function newChild(dataDir: string): Child {
  const runDir = path.join(dataDir, "run");
  mkdirSync(runDir, { recursive: true });
  return new Child({ name: "etcd", runDir, dataDir, logFile: path.join(dataDir, "etcd.log"), clock: realClock, log: silentLog });
}
