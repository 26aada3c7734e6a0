import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { crashesIn } from "./lab-crashes.ts";

test("an exception that nobody caught is found in the log of its host, and nothing else is", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-crashes-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const put = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  };
  const said = spawnSync(process.execPath, ["-e", "setTimeout(() => AbortSignal.timeout(0.5), 1)"], { encoding: "utf8" }).stderr;
  put(
    "h1/log/fossora.log",
    `2026-11-28T05:49:01.573Z info  Agent started node=h1\n${said}2026-11-28T05:49:03.809Z info  Agent started node=h1\n`,
  );
  put("h2/disk/root/var/lib/fossora/log/ingress.log", execFileSync(process.execPath, ["-p", "process.version"], { encoding: "utf8" }));
  const crashes = crashesIn(folder);
  assert.equal(crashes.length, 1);
  assert.match(crashes[0] ?? "", /^h1\/log\/fossora\.log:\n[^]*ERR_OUT_OF_RANGE[^]*\nNode\.js v[\d.]+$/);
});

test("a lab that is not there has none", () => {
  assert.deepEqual(crashesIn("/nowhere/at/all"), []);
});
