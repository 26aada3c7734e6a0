// A house whose links are slower than those that it was founded with becomes patient: real etcd, real TLS, the real protocol, and a writer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Cluster } from "../../src/adapters/etcd3/cluster.ts";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { findEtcdProgram, type EtcdProgram } from "../../src/agent/etcd-binary.ts";
import { createInvite } from "../../src/agent/invites.ts";
import { readCredentials } from "../../src/agent/joining/inside.ts";
import { houseHash } from "../../src/agent/trust.ts";
import { parseToken } from "../../src/trust/token.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { StoreWrites } from "../support/store-writes.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
/** Ten times the aim: twenty round trips, ten seconds for each of three restarts, and as long for each leader. */
const LIMIT_MS = 300_000;

describe("a house with a wireless member", { skip }, () => {
  const nodes: TestJoiningNode[] = [];
  let program: EtcdProgram;
  let writes: StoreWrites;
  const pids: string[] = [];
  let watching: NodeJS.Timeout;

  const newNode = async (name: string, ip: string, link: "wired" | "wireless"): Promise<TestJoiningNode> => {
    const node = new TestJoiningNode({ program, name, ip, link });
    nodes.push(node);
    const [founder] = nodes;
    if (founder !== undefined && founder !== node) {
      const token = await createInvite(founder.store, { hash: houseHash(founder.dataDir) ?? "", addresses: [] }, soon());
      node.wish = { addresses: [founder.address], token: parseToken(token) };
    }
    await node.start();
    await until(`${name} is a member`, () => node.phase === "member", LIMIT_MS);
    return node;
  };
  const founderOf = (): TestJoiningNode => nodes[0] ?? assert.fail();
  const statusOf = (node: TestJoiningNode) =>
    memberStatus({ host: node.clientHost, credentials: readCredentials(node.dataDir), signal: AbortSignal.timeout(2_000) });
  const electionOf = (node: TestJoiningNode): string | undefined =>
    /--election-timeout=(\d+)/.exec(readFileSync(`/proc/${node.etcdPid}/cmdline`, "utf8"))?.[1];
  const voters = async (): Promise<number> => {
    const cluster = new Cluster({ host: founderOf().clientHost, credentials: readCredentials(founderOf().dataDir) });
    const members = await cluster.members(soon()).finally(() => cluster.close());
    return members.filter(({ learner }) => !learner).length;
  };

  before(async () => {
    program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    await newNode("first", "127.0.4.1", "wired");
    await newNode("second", "127.0.4.2", "wired");
    await newNode("third", "127.0.4.3", "wireless");
    await until("three voters", async () => (await voters()) === 3, LIMIT_MS);
    writes = new StoreWrites(founderOf().store);
    watching = setInterval(() => {
      for (const { name, etcdPid } of nodes)
        if (etcdPid !== undefined && !pids.includes(`${name} ${etcdPid}`)) pids.push(`${name} ${etcdPid}`);
    }, 100);
  });
  after(async () => {
    clearInterval(watching);
    for (const node of nodes.toReversed()) await node.close();
  });

  test("its members start anew one after the other with more patience, the leader last, and no write fails", async () => {
    const leading = async (): Promise<string | undefined> => {
      for (const node of nodes) {
        const status = await statusOf(node).catch(() => undefined);
        if (status?.leaderId !== undefined && status.leaderId === status.memberId) return node.name;
      }
      return undefined;
    };
    const leader = await until("somebody leads", leading);
    await until("all are patient", () => nodes.every((node) => electionOf(node) === "2000"), LIMIT_MS);
    await until("all serve", async () => (await Promise.all(nodes.map(statusOf))).every(({ leaderId }) => leaderId !== undefined));
    const { done, failures } = await writes.stop();
    assert.deepEqual(failures, []);
    assert.ok(done > 100, `${done} writes`);
    const anew = pids.slice(nodes.length).map((each) => each.split(" ")[0]);
    assert.equal(anew.length, 3, `each once: ${pids.join(", ")}`);
    assert.equal(anew.at(-1), leader);
  });

  test("a newcomer begins as patient as the others", async () => {
    const fourth = await newNode("fourth", "127.0.4.4", "wired");
    assert.equal(electionOf(fourth), "2000");
    assert.equal(
      JSON.stringify(JSON.parse((await fourth.store.get("/fossora/house/timing", soon()))?.value ?? "")),
      '{"heartbeatMs":200,"electionMs":2000}',
    );
  });
});
