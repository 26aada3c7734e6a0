import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { KeptFile } from "./kept-file.ts";

test("the newest value is on disk when a write resolves, and nothing else is left", async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "fossora-kept-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = new KeptFile(path.join(folder, "deep", "table.json"));
  assert.equal(await file.read(), undefined);
  await Promise.all(Array.from({ length: 50 }, (_, revision) => file.write({ revision })));
  assert.deepEqual(await file.read(), { revision: 49 });
  void file.write({ revision: 50 });
  await file.flush();
  assert.deepEqual(await file.read(), { revision: 50 });
  assert.deepEqual(await readdir(path.join(folder, "deep")), ["table.json"]);
});

test("what is no JSON is said to be none", async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "fossora-kept-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, "table.json"), "{");
  await assert.rejects(new KeptFile(path.join(folder, "table.json")).read(), SyntaxError);
});

test("what cannot be written is told to who wrote it, and not to who only waits", async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "fossora-kept-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, "no-folder"), "");
  const file = new KeptFile(path.join(folder, "no-folder", "table.json"));
  const written = assert.rejects(file.write({}));
  await file.flush();
  await written;
});
