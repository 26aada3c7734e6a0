import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { explainDisk, makePrivateFolder, makeRunFolder, refuseOthersFolder } from "./files.ts";

const failure = (code: string, file?: string): Error => Object.assign(new Error(code), { code, ...(file !== undefined && { path: file }) });

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

test("a run folder is made for its owner, and refused where others can write to it", (t) => {
  const parent = mkdtempSync(path.join(tmpdir(), "fossora-files-"));
  t.after(() => rmSync(parent, { recursive: true }));
  const folder = path.join(parent, "run");
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
