import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { systemClock } from "../adapters/system/clock.ts";
import { bootSeenAtMs, loadIdentity, takeName } from "./identity.ts";

test("a node is the same after a restart, and another boot after its run folder was emptied", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-identity-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const dataDir = mkdtempSync(path.join(folder, "data-"));
  const load = (runDir: string) => loadIdentity({ dataDir, runDir, hostName: "nas" });
  const runDir = mkdtempSync(path.join(folder, "run-"));
  const first = load(runDir);
  assert.match(first.nodeId, /^[a-z2-7]{16}$/);
  assert.deepEqual(load(runDir), first);
  assert.ok(systemClock.now() - bootSeenAtMs(runDir) < 60_000);
  const rebooted = load(mkdtempSync(path.join(folder, "run-")));
  assert.equal(rebooted.nodeId, first.nodeId);
  assert.notEqual(rebooted.bootId, first.bootId);
  assert.equal(statSync(path.join(dataDir, "node.key")).mode & 0o777, 0o600);
});

test("a node keeps its first name when the machine is renamed", (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-identity-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const load = (names: { readonly nodeName?: string; readonly hostName: string }) =>
    loadIdentity({ dataDir, runDir: dataDir, ...names }).node;
  assert.equal(load({ nodeName: "nas", hostName: "box" }), "nas");
  assert.equal(load({ hostName: "attic" }), "nas");
  assert.equal(load({ nodeName: "nas", hostName: "attic" }), "nas");
  assert.throws(() => load({ nodeName: "attic", hostName: "attic" }), /Cannot call this node "attic".*the node "nas"/);
});

test("a node has the name that its house gave it, and may still be asked for by its own", (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-identity-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const load = (nodeName?: string) =>
    loadIdentity({ dataDir, runDir: dataDir, hostName: "box", ...(nodeName !== undefined && { nodeName }) }).node;
  assert.equal(load("nas"), "nas");
  takeName(dataDir, "nas-2");
  assert.deepEqual([load(), load("nas"), load("nas-2")], ["nas-2", "nas-2", "nas-2"]);
  assert.throws(() => load("attic"), /Cannot call this node "attic"/);
});
