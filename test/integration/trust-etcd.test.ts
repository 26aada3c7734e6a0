import assert from "node:assert/strict";
import { readFileSync, rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import tls from "node:tls";
import { after, test } from "node:test";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { issueLeaves } from "../../src/agent/authority.ts";
import { loadNodeId, loadNodeKey } from "../../src/agent/identity.ts";
import { leavesWanted, loadTrust, renewOwnLeaves } from "../../src/agent/trust.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { EtcdCluster } from "../support/etcd.ts";
import { revokeNode } from "../support/removal.ts";

const program = findEtcd(() => {});
const skip = program === undefined && "there is no etcd on this machine";
const yearMs = 365.25 * 24 * 3600 * 1000;
const limit = (): AbortSignal => AbortSignal.timeout(20_000);
const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-trust-"));
  folders.push(folder);
  return folder;
}

test("a house that was off for eleven years, its leaves expired, starts its etcd again", { skip }, async (t) => {
  const cluster = await EtcdCluster.start(program ?? "", 1, {
    trust: async (folder) => {
      await loadTrust(folder, { nowMs: Date.now() - 11 * yearMs });
      return loadTrust(folder); // as at the cold start
    },
  });
  t.after(() => cluster.close());
  const [host = ""] = cluster.hosts;
  assert.equal((await memberStatus({ host, credentials: cluster.credentials, signal: limit() })).learner, false);
});

test("a house that was founded by a computer whose clock was two hours ahead starts its etcd", { skip }, async (t) => {
  const cluster = await EtcdCluster.start(program ?? "", 1, {
    trust: (folder) => loadTrust(folder, { nowMs: Date.now() + 2 * 3600 * 1000 }),
  });
  t.after(() => cluster.close());
  const [host = ""] = cluster.hosts;
  assert.equal((await memberStatus({ host, credentials: cluster.credentials, signal: limit() })).learner, false);
});

test("etcd hears a member of the house until it is removed, at once and without a restart, and strangers never", { skip }, async (t) => {
  let house = "";
  const cluster = await EtcdCluster.start(program ?? "", 1, { trust: (folder) => loadTrust((house = folder)) });
  t.after(() => cluster.close());
  const [host = ""] = cluster.hosts;
  const member = newFolder();
  const leaves = await issueLeaves(house, loadNodeId(member), leavesWanted(member, []));
  const credentials = { ca: cluster.credentials.ca, cert: Buffer.from(leaves.agent), key: Buffer.from(loadNodeKey(member)) };
  const asMember = () => memberStatus({ host, credentials, signal: limit() });
  assert.equal((await asMember()).learner, false);

  const foreign = await loadTrust(newFolder());
  const stranger = { ca: credentials.ca, cert: readFileSync(foreign.agent.certificate), key: readFileSync(foreign.agent.key) };
  await assert.rejects(memberStatus({ host, credentials: stranger, signal: limit() }));

  await revokeNode(house, loadNodeId(member));
  await assert.rejects(asMember());
  assert.equal((await memberStatus({ host, credentials: cluster.credentials, signal: limit() })).learner, false);
});

test("etcd shows a leaf that was made anew while it runs", { skip }, async (t) => {
  let house = "";
  const cluster = await EtcdCluster.start(program ?? "", 1, { trust: (folder) => loadTrust((house = folder)) });
  t.after(() => cluster.close());
  const namesShown = async (): Promise<string> => {
    const port = Number(cluster.hosts[0]?.split(":")[1]);
    const { ca, cert, key } = cluster.credentials;
    const socket = tls.connect({ host: "127.0.0.1", port, ca, cert, key, servername: "localhost" });
    await once(socket, "secureConnect");
    const names = socket.getPeerX509Certificate()?.subjectAltName ?? "";
    socket.destroy();
    return names;
  };
  assert.doesNotMatch(await namesShown(), /10\.1\.2\.3/);
  await renewOwnLeaves(house, { addresses: ["10.1.2.3"] });
  assert.match(await namesShown(), /10\.1\.2\.3/);
});
