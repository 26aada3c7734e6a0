import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { explainDisk, makeRunFolder } from "./files.ts";

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
