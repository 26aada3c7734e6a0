import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { houseState } from "../../../test/fakes/joining.ts";
import { SeenKeeper, lastMembers, nobody, type Seen } from "./seen.ts";

const seenWith = (...members: readonly string[]): Seen => ({ house: houseState(), members, voters: [], hosts: [], ...nobody });

test("what a full disk did not take is said once, and written down as soon as it takes it", (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-seen-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const said: string[] = [];
  const keeper = new SeenKeeper(dataDir, { warn: (text) => said.push(text) });
  keeper.keep(seenWith("a"));
  const breakDisk = (): void => {
    rmSync(dataDir, { recursive: true });
    writeFileSync(dataDir, "no folder");
  };
  const mendDisk = (): void => {
    rmSync(dataDir);
    mkdirSync(dataDir);
  };
  breakDisk();
  keeper.keep(seenWith("a", "b"));
  keeper.keep(seenWith("a", "b", "c"));
  assert.equal(said.length, 1);
  mendDisk();
  keeper.keep(seenWith("a", "b", "c"));
  assert.deepEqual(lastMembers(dataDir), ["a", "b", "c"]);
  breakDisk();
  keeper.keep(seenWith("a", "b", "c"));
  keeper.keep(seenWith("a"));
  assert.equal(said.length, 2, "another trouble is news");
  mendDisk();
});

test("what the disk has already is not written again", (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-seen-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const keeper = new SeenKeeper(dataDir, { warn: () => assert.fail("nothing fails") }, seenWith("a"));
  keeper.keep(seenWith("a"));
  assert.deepEqual(lastMembers(dataDir), []);
  keeper.keep(seenWith("b"));
  assert.deepEqual(lastMembers(dataDir), ["b"]);
});
