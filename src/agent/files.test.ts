import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { copyWhole, explainDisk, makePrivateFolder, makeRunFolder, NODE_KEY, refuseOthersFolder, saveWhole, writeWhole } from "./files.ts";

const failure = (code: string, file?: string): Error => Object.assign(new Error(code), { code, ...(file !== undefined && { path: file }) });

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-files-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a full disk and a folder that cannot be written are told with what to do", () => {
  assert.match(String(explainDisk(failure("ENOSPC"), "keep it", "/data")), /Cannot keep it: \/data is on a disk that is full.*--data-dir/);
  assert.match(
    String(explainDisk(failure("EROFS", "/data/bin/etcd"), "keep it", "/data")),
    /\/data cannot be written \(EROFS\).*--data-dir/,
  );
});

test("what happened elsewhere is not blamed on the folder", () => {
  for (const file of ["/run/docker.sock", "/database", undefined]) {
    const error = failure("EACCES", file);
    assert.equal(explainDisk(error, "keep it", "/data"), error);
  }
});

test("a node that is there already is sent to no other folder, where it would be another one", (t) => {
  const dataDir = folderOf(t);
  mkdirSync(path.join(dataDir, "bin"));
  writeFileSync(path.join(dataDir, NODE_KEY), "");
  for (const folder of [dataDir, path.join(dataDir, "bin")])
    for (const code of ["ENOSPC", "EROFS"]) {
      const said = String(explainDisk(failure(code, path.join(folder, "file")), "keep it", folder));
      assert.match(said, /Cannot keep it/);
      assert.doesNotMatch(said, /--data-dir/);
    }
});

test("a copy is whole, has the mode that was asked for, and nothing remains beside it", (t) => {
  const folder = folderOf(t);
  const [from, to] = [path.join(folder, "from"), path.join(folder, "to")];
  const content = Buffer.alloc(2_500_000, "fossora");
  writeFileSync(from, content);
  chmodSync(from, 0o777);
  writeFileSync(to, "older");
  copyWhole(from, to, 0o755);
  assert.ok(readFileSync(to).equals(content));
  assert.equal(statSync(to).mode & 0o7777, 0o755);
  copyWhole(from, to);
  assert.equal(statSync(to).mode & 0o7777, 0o600);
  assert.deepEqual(readdirSync(folder).sort(), ["from", "to"]);
});

test("what killed processes left of a file goes with its next writing, and what another one writes stays", async (t) => {
  const folder = folderOf(t);
  const { pid: dead } = spawnSync("true");
  const writing = [".key.1.tmp", `.other.${dead}.tmp`, `.key.${dead}.old`, "key.tmp"];
  for (const write of [writeWhole, saveWhole]) {
    for (const name of [...writing, `.key.${dead}.tmp`, `.key.${dead}.0badcafe.tmp`]) writeFileSync(path.join(folder, name), "half");
    await write(path.join(folder, "key"), "whole");
    assert.deepEqual(readdirSync(folder).sort(), [...writing, "key"].sort());
  }
});

test("a run folder is made for its owner, and refused where others can write to it", (t) => {
  const folder = path.join(folderOf(t), "run");
  makeRunFolder(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o755);
  for (const mode of [0o775, 0o757]) {
    chmodSync(folder, mode);
    assert.throws(() => makeRunFolder(folder), /others can write to it.*--run-dir/);
  }
});

test("a data folder is made for its owner, and refused where others can write to it or own it", (t) => {
  const parent = mkdtempSync(path.join(tmpdir(), "fossora-files-"));
  t.after(() => rmSync(parent, { recursive: true }));
  const folder = path.join(parent, "data");
  refuseOthersFolder(folder); // there is none
  makePrivateFolder(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const mode of [0o770, 0o702, 0o1777]) {
    chmodSync(folder, mode);
    assert.throws(() => makePrivateFolder(folder), /another user owns it or can write to it.*--data-dir/);
  }
  chmodSync(folder, 0o755); // they may look
  makePrivateFolder(folder);
  if (process.getuid?.() !== 0) return;
  chownSync(folder, 1000, 1000);
  assert.throws(() => refuseOthersFolder(folder), /another user owns it/);
});
