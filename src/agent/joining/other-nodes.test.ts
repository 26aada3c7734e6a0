import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { silentLog } from "../../../test/support/real.ts";
import { writeAdmitted } from "../etcd.ts";
import { loadNodeId } from "../identity.ts";
import { forgetHouse, houseHash, loadTrust } from "../trust.ts";
import { keep } from "./member-disk.ts";
import { otherNodes } from "./other-nodes.ts";
import { nobody, SeenKeeper } from "./seen.ts";
import { JoinWish } from "./wish.ts";

async function founder(t: TestContext): Promise<string> {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-others-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  await loadTrust(dataDir);
  return dataDir;
}

/** When it last looked there were itself and these. */
function see(dataDir: string, others: readonly string[], { houseId = houseHash(dataDir) ?? "", nodes = others.length + 1 } = {}): void {
  const node = (nodeId: string, name: string) => ({ nodeId, name, addresses: [], peerUrl: "" });
  const known = [node(loadNodeId(dataDir), "own"), ...others.map((name) => node(name.padEnd(16, "a"), name))];
  const house = { id: houseId, epoch: 1, nodes, hasObjects: true, joining: "auto" } as const;
  new SeenKeeper(dataDir, silentLog).keep({ house, members: [], voters: [], hosts: [], ...nobody, known });
}

test("a house has the others that were there when it was last seen, whether this computer is let in again just now or not", async (t) => {
  const dataDir = await founder(t);
  assert.equal(otherNodes(dataDir), undefined);
  see(dataDir, []);
  assert.equal(otherNodes(dataDir), undefined);
  see(dataDir, ["pi4", "nas"]);
  assert.deepEqual(otherNodes(dataDir), ["nas", "pi4"]);
  keep(dataDir, { houseId: houseHash(dataDir) ?? "", epoch: 1, clusterId: "7", memberId: "9" });
  assert.deepEqual(otherNodes(dataDir), ["nas", "pi4"]);
  see(dataDir, [], { nodes: 2 });
  assert.deepEqual(otherNodes(dataDir), [], "one that is being admitted");
});

test("who was admitted to a house that it has not seen yet has others, without names", async (t) => {
  const [worker, standby] = [await founder(t), await founder(t)];
  keep(worker, { houseId: "house", epoch: 1, clusterId: "7" });
  assert.deepEqual(otherNodes(worker), []);
  see(standby, ["nas"], { houseId: "the house before" });
  assert.equal(otherNodes(standby), undefined);
  writeAdmitted(standby, { memberName: "b-1", clusterToken: "t", admittedTo: [] });
  assert.deepEqual(otherNodes(standby), []);
});

test("a house that was left counts until nothing of it runs here", async (t) => {
  const dataDir = await founder(t);
  see(dataDir, ["nas"]);
  forgetHouse(dataDir);
  assert.equal(otherNodes(dataDir), undefined);
  new JoinWish(dataDir).rest();
  assert.deepEqual(otherNodes(dataDir), []);
  new JoinWish(dataDir).settle();
  assert.equal(otherNodes(dataDir), undefined);
});
