import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { readInstallation, withKept, withRunDir, writeInstallation } from "./installation.ts";

test("flags are kept until they are given otherwise", () => {
  const first = withKept({ httpListen: "8080", nodeName: "nas" }, {});
  assert.deepEqual(withKept({ httpListen: "8081", dnsPort: 5354 }, first), { httpListen: "8081", nodeName: "nas", dnsPort: 5354 });
  assert.deepEqual(withKept({}, first), first);
  const witness = withKept({ witness: true }, {});
  assert.deepEqual([withKept({}, witness).witness, withKept({ witness: false }, witness).witness], [true, false]);
});

test("paths hold from every folder", () => {
  assert.deepEqual(withKept({ etcd: "etcd", runDir: "/run/x" }, {}), { etcd: path.resolve("etcd"), runDir: "/run/x" });
});

test("a machine on which `up` never ran has nothing kept, and what is kept is read again", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-installation-"));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.deepEqual(readInstallation(folder), { options: {} });
  const installation = { options: { httpListen: "8080" }, madeGroup: true };
  writeInstallation(folder, installation);
  assert.deepEqual(readInstallation(folder), installation);
});

test("the run folder from before is taken as long as it is there and no other was asked for", (t) => {
  const runDir = mkdtempSync(path.join(tmpdir(), "fossora-installation-"));
  t.after(() => rmSync(runDir, { recursive: true, force: true }));
  const installation = { options: {}, runDir };
  assert.deepEqual(withRunDir({}, installation), { runDir });
  assert.deepEqual(withRunDir({ runDir: "/run/x" }, installation), { runDir: "/run/x" });
  assert.deepEqual(withRunDir({}, { options: {} }), {});
  rmSync(runDir, { recursive: true });
  assert.deepEqual(withRunDir({}, installation), {}, "a boot has emptied it");
});
