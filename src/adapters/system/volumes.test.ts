import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Refusal } from "../../api/errors.ts";
import { VolumeFolders } from "./volumes.ts";

const root = mkdtempSync(path.join(tmpdir(), "fossora-volumes-"));
after(() => rmSync(root, { recursive: true }));
const folder = path.join(root, "volumes");
const volumes = new VolumeFolders(folder);

const isLost = (error: unknown): boolean => error instanceof Refusal && error.reason === "VolumeLost";

test("a volume is made once, and its files stay when it is asked for again", async () => {
  const data = await volumes.ensure("jellyfin-config", "uid-1", false);
  writeFileSync(path.join(data, "photos"), "kept");
  assert.equal(await volumes.ensure("jellyfin-config", "uid-1", true), data);
  assert.equal(await volumes.ensure("jellyfin-config", "uid-1", false), data);
  assert.equal(readFileSync(path.join(data, "photos"), "utf8"), "kept");
  assert.deepEqual(readdirSync(folder), ["jellyfin-config"], "nothing half made is left");
});

test("Services that share a volume may ask for it at the same moment", async () => {
  const asked = Array.from({ length: 8 }, () => volumes.ensure("media", "uid-1", false));
  assert.equal(new Set(await Promise.all(asked)).size, 1);
});

test("another uid under the same name is a lost volume, and nothing is written", async () => {
  const data = await volumes.ensure("pg", "uid-1", false);
  await assert.rejects(volumes.ensure("pg", "uid-2", false), isLost);
  assert.deepEqual(readdirSync(data), []);
});

test("the files of an earlier house become this one's as the refusal says", async () => {
  const home = path.join(folder, "photos-album");
  const before = await volumes.ensure("photos-album", "uid-of-before", false);
  writeFileSync(path.join(before, "photo"), "kept");
  await assert.rejects(volumes.ensure("photos-album", "uid-now", false), /Move this folder aside.*stop it then \(replicas: 0\).*"data"/);
  renameSync(home, `${home}.aside`);
  const data = await volumes.ensure("photos-album", "uid-now", false);
  rmSync(data, { recursive: true });
  renameSync(`${home}.aside/data`, data);
  assert.equal(await volumes.ensure("photos-album", "uid-now", true), data);
  assert.equal(readFileSync(path.join(data, "photo"), "utf8"), "kept");
});

test("a folder without its marker, or a marker without its folder, is a lost volume", async () => {
  mkdirSync(path.join(folder, "unmarked/data"), { recursive: true });
  await assert.rejects(volumes.ensure("unmarked", "uid-1", false), isLost);
  const data = await volumes.ensure("emptied", "uid-1", false);
  rmSync(data, { recursive: true });
  await assert.rejects(volumes.ensure("emptied", "uid-1", false), isLost);
});

test("a volume that was made before and is gone is a lost volume: a reinstalled machine gets no empty folder", async () => {
  await assert.rejects(volumes.ensure("reinstalled", "uid-1", true), isLost);
  assert.equal(await volumes.exists(path.join(folder, "reinstalled")), false);
});

test("what a power cut left half made is made anew", async () => {
  mkdirSync(path.join(folder, ".cut.making/data"), { recursive: true });
  assert.equal(await volumes.ensure("cut", "uid-1", false), path.join(folder, "cut/data"));
  assert.equal(await volumes.exists(path.join(folder, ".cut.making")), false);
});

test("a path exists or not", async () => {
  assert.equal(await volumes.exists(root), true);
  assert.equal(await volumes.exists(path.join(root, "typo")), false);
  const programs = process.env["PATH"];
  process.env["PATH"] = path.join(root, "nothing");
  try {
    assert.deepEqual(await Promise.all([root, path.join(root, "typo")].map((each) => volumes.exists(each))), [true, false]);
  } finally {
    process.env["PATH"] = programs;
  }
});
