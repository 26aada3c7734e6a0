import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { placeProgram } from "./installed-program.ts";

const script = "#!/bin/sh\n";

function downloaded(t: TestContext): { readonly from: string; readonly file: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-program-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const from = path.join(folder, "fossora");
  writeFileSync(from, script);
  return { from, file: path.join(folder, "bin", "fossora") };
}

const modeOf = (file: string): number => statSync(file).mode & 0o7777;

test("the program is everybody's to run and nobody's to change, whatever the download's rights are", (t) => {
  for (const mode of [0o777, 0o700, 0o755]) {
    const { from, file } = downloaded(t);
    chmodSync(from, mode);
    placeProgram(from, file);
    assert.equal(readFileSync(file, "utf8"), script);
    assert.equal(modeOf(file), 0o755);
  }
});

test("one that is in its place with other rights has the right ones after another `up`", (t) => {
  const { from, file } = downloaded(t);
  placeProgram(from, file);
  const { ino } = statSync(file);
  for (const mode of [0o777, 0o700]) {
    chmodSync(file, mode);
    placeProgram(from, file);
    assert.equal(modeOf(file), 0o755);
    chmodSync(file, mode);
    placeProgram(file, file); // typed as it is installed
    assert.equal(modeOf(file), 0o755);
  }
  assert.equal(statSync(file).ino, ino, "what runs is not replaced");
});

test("one that belongs to somebody else is replaced", { skip: process.getuid?.() !== 0 && "only root can give files away" }, (t) => {
  const { from, file } = downloaded(t);
  placeProgram(from, file);
  chownSync(file, 1000, 1000);
  placeProgram(file, file);
  assert.equal(statSync(file).uid, 0);
  assert.equal(readFileSync(file, "utf8"), script);
});
