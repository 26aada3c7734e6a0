import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock } from "../../test/support/real.ts";
import { startTimeOf } from "./child.ts";
import { claim, endHolder, holder, unclaim } from "./pid-file.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-pid-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Puts others in the claim of this process. */
function forge(folder: string, others: object): void {
  const file = path.join(folder, "agent.pid.json");
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, "utf8")) as object), ...others }));
}

test("a role is held from claim to unclaim", (t) => {
  const folder = folderOf(t);
  assert.equal(holder(folder, "agent"), undefined);
  claim(folder, "agent");
  assert.equal(holder(folder, "agent"), process.pid);
  assert.equal(holder(folder, "supervise"), undefined);
  unclaim(folder, "agent");
  assert.equal(holder(folder, "agent"), undefined);
});

test("a pid that is another process' by now holds nothing, nor does one of an earlier boot", (t) => {
  const folder = folderOf(t);
  for (const others of [{ startTime: "1" }, { boot: "another" }, { pid: undefined }, { startTime: undefined }]) {
    claim(folder, "agent");
    forge(folder, others);
    assert.equal(holder(folder, "agent"), undefined, JSON.stringify(others));
  }
});

test("ending a holder ends its process", async (t) => {
  const folder = folderOf(t);
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  claim(folder, "agent");
  forge(folder, { pid: child.pid, startTime: startTimeOf(child.pid ?? 0) });
  await endHolder(folder, "agent", { graceMs: 10_000, clock: realClock });
  assert.equal(startTimeOf(child.pid ?? 0), undefined);
  assert.equal(holder(folder, "agent"), undefined);
});
