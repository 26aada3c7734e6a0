import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { writeAdmitted } from "../etcd.ts";
import { forgetHouse, loadTrust } from "../trust.ts";
import { archive, follow, forget, hasHouse, keep, readMembership, rememberLeft, resume, type UnderWay } from "./member-disk.ts";

const membership = { houseId: "house", epoch: 1, clusterId: "7", memberId: "9" };
const underWay: UnderWay = {
  house: { id: "house", epoch: 1, contacts: [], term: 2 },
  admission: { nodeId: "b", role: "learner", name: "b", memberName: "b-1", memberId: "9", clusterId: "7", initialCluster: [] },
  leader: ["10.0.0.1"],
};

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), "fossora-disk-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

function withData(dataDir: string, name: string): void {
  mkdirSync(path.join(dataDir, "etcd/member"), { recursive: true });
  writeFileSync(path.join(dataDir, "etcd/ports.json"), "{}");
  writeFileSync(path.join(dataDir, "etcd/member/name"), name);
}

const admit = (dataDir: string): void => writeAdmitted(dataDir, { memberName: "b-1", clusterToken: "t", admittedTo: [] });

test("a node goes on as what it was: fresh, founding, being admitted, a member", async (t) => {
  const dataDir = folder(t);
  assert.equal(resume(dataDir, 0).phase.kind, "looking");
  await loadTrust(dataDir);
  mkdirSync(path.join(dataDir, "etcd"));
  const founding = path.join(dataDir, "etcd/founding.json");
  writeFileSync(founding, JSON.stringify({ memberName: "b-1", clusterToken: "t" }));
  assert.equal(resume(dataDir, 0).phase.kind, "laying the ground");
  follow(dataDir, underWay);
  admit(dataDir);
  assert.deepEqual(resume(dataDir, 5).phase, { kind: "starting", ...underWay, sinceMs: 5 });
  keep(dataDir, membership);
  assert.deepEqual(resume(dataDir, 5).phase, { kind: "member", membership });
  rmSync(path.join(dataDir, "admission.json"), { force: true });
  rmSync(founding);
  assert.equal(resume(dataDir, 0).phase.kind, "looking", "it was leaving when it was cut off");
  assert.equal(readMembership(dataDir), undefined);
});

test("for which epoch it left its house a node knows until it is a member again, whatever becomes of its agent", async (t) => {
  const dataDir = folder(t);
  await loadTrust(dataDir);
  keep(dataDir, membership);
  const left = { id: "house", epoch: 2 };
  rememberLeft(dataDir, left);
  archive(dataDir);
  forget(dataDir);
  assert.deepEqual(resume(dataDir, 0).left, left);
  forget(dataDir);
  assert.deepEqual(resume(dataDir, 0).left, left);
  rememberLeft(dataDir, undefined);
  assert.equal(resume(dataDir, 0).left, undefined);
  rememberLeft(dataDir, left);
  keep(dataDir, { ...membership, epoch: 2 });
  forget(dataDir);
  assert.equal(resume(dataDir, 0).left, undefined);
});

test("data is renamed and the last three are kept; the ports stay, and nothing of the admission", (t) => {
  const dataDir = folder(t);
  for (const name of ["a", "b", "c", "d", "e"]) {
    withData(dataDir, name);
    admit(dataDir);
    follow(dataDir, underWay);
    archive(dataDir);
    archive(dataDir);
  }
  assert.deepEqual(readdirSync(dataDir).sort(), ["etcd", "etcd.old-3", "etcd.old-4", "etcd.old-5"]);
  assert.deepEqual(readdirSync(path.join(dataDir, "etcd")), ["ports.json"]);
  assert.equal(readFileSync(path.join(dataDir, "etcd.old-5/member/name"), "utf8"), "e");
  forget(dataDir);
  assert.equal(resume(dataDir, 0).phase.kind, "looking");
});

test("a node that was taken out, or left for a take-over, has its house all the same: it begins none", async (t) => {
  const dataDir = folder(t);
  assert.equal(hasHouse(dataDir), false);
  await loadTrust(dataDir);
  keep(dataDir, membership);
  assert.equal(hasHouse(dataDir), true);
  withData(dataDir, "a");
  archive(dataDir);
  forget(dataDir);
  assert.equal(hasHouse(dataDir), true, "its certificates let it in again");
  forgetHouse(dataDir);
  assert.equal(hasHouse(dataDir), false);
  rememberLeft(dataDir, { id: "house", epoch: 2 });
  assert.equal(hasHouse(dataDir), true);
});
