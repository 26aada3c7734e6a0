import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock, silentLog } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import { startTimeOf } from "./child.ts";
import { claim, holder } from "./pid-file.ts";
import { supervise } from "./supervise.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-supervise-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a supervisor takes the place of the one before, also of one with another run folder", async (t) => {
  const [runDir, before, dataDir] = [folderOf(t), folderOf(t), folderOf(t)];
  const old = spawn("sleep", ["600"], { stdio: "ignore" });
  t.after(() => old.kill("SIGKILL"));
  for (const folder of [before, dataDir]) {
    claim(folder, "supervise");
    const file = path.join(folder, "supervise.pid.json");
    const mine = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...mine, pid: old.pid, startTime: startTimeOf(old.pid ?? 0) }));
  }
  const stopping = new AbortController();
  const done = supervise({
    program: { file: "/bin/sh", args: ["-c", "exec sleep 600"] },
    agentArgs: [],
    folders: { runDir, dataDir },
    logFile: path.join(dataDir, "agent.log"),
    clock: realClock,
    log: silentLog,
    signal: stopping.signal,
  });
  await until("the new one", () => holder(dataDir, "supervise") === process.pid && holder(runDir, "supervise") === process.pid);
  assert.equal(startTimeOf(old.pid ?? 0), undefined);
  stopping.abort();
  await done;
  for (const folder of [runDir, dataDir]) assert.equal(holder(folder, "supervise"), undefined);
});
