import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { personsNode, systemNode } from "./other-user.ts";
import { claim, unclaim } from "./pid-file.ts";
import { systemdUnit } from "./unit.ts";

const usual = "/var/run/docker.sock";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-user-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("root's node is seen by its unit or its socket, on the engine that it uses", (t) => {
  const folder = folderOf(t);
  const places = { unitFile: path.join(folder, "unit"), socket: path.join(folder, "socket") };
  assert.equal(systemNode(usual, places), undefined);
  writeFileSync(places.socket, "");
  assert.equal(systemNode(usual, places), places.socket);
  assert.equal(systemNode("/run/user/1000/docker.sock", places), undefined, "one's own engine");
  writeFileSync(places.unitFile, systemdUnit({ command: ["/usr/local/bin/fossora", "agent"] }));
  assert.equal(systemNode(usual, places), places.unitFile);
  writeFileSync(places.unitFile, systemdUnit({ command: ["/usr/local/bin/fossora", "agent", "--docker-socket", "/run/other.sock"] }));
  assert.equal(systemNode(usual, places), undefined);
  assert.equal(systemNode("/run/other.sock", places), places.unitFile);
});

test("a person's node is seen while its agent runs, on the engine that it uses", (t) => {
  const folder = folderOf(t);
  const runDir = path.join(folder, "1000/fossora");
  mkdirSync(runDir, { recursive: true });
  const pattern = path.join(folder, "*/fossora");
  assert.equal(personsNode(usual, [pattern]), undefined);
  claim(runDir, "agent");
  assert.equal(personsNode(usual, [pattern]), process.getuid?.());
  assert.equal(personsNode("/run/other.sock", [pattern]), undefined);
  unclaim(runDir, "agent");
  assert.equal(personsNode(usual, [pattern]), undefined);
});
