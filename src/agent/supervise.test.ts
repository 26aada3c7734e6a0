import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
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

/** As if that process had claimed it. */
function claimFor({ pid = 0 }: ChildProcess, folder: string): void {
  claim(folder, "supervise");
  const file = path.join(folder, "supervise.pid.json");
  const mine = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...mine, pid, startTime: startTimeOf(pid) }));
}

test("a supervisor takes the place of the one before, also of one with another run folder", async (t) => {
  const [runDir, before, dataDir] = [folderOf(t), folderOf(t), folderOf(t)];
  const old = spawn("sleep", ["600"], { stdio: "ignore" });
  t.after(() => old.kill("SIGKILL"));
  for (const folder of [before, dataDir]) claimFor(old, folder);
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

for (const [when, script] of [
  ["as soon as its agent ends", "exec true"],
  ["while its agent runs, which ends with it", "exec sleep 600"],
] as const)
  test(`a supervisor gives way to one that claimed the node after it, ${when}`, async (t) => {
    const [runDir, elsewhere, dataDir] = [folderOf(t), folderOf(t), folderOf(t)];
    const folders = { runDir, dataDir };
    const later = spawn("sleep", ["600"], { stdio: "ignore" });
    t.after(() => later.kill("SIGKILL"));
    const pidFile = path.join(dataDir, "pid");
    const done = supervise({
      program: { file: "/bin/sh", args: ["-c", `echo $$ > ${pidFile}; ${script}`] },
      ...{ agentArgs: [], folders, logFile: path.join(dataDir, "agent.log"), clock: realClock, log: silentLog },
      signal: new AbortController().signal,
    });
    await until("its agent", () => readFileSync(pidFile, "utf8").endsWith("\n"));
    for (const folder of [elsewhere, dataDir]) claimFor(later, folder);
    await done;
    assert.equal(holder(dataDir, "supervise"), later.pid);
    assert.equal(holder(runDir, "supervise"), undefined);
    assert.equal(startTimeOf(Number(readFileSync(pidFile, "utf8"))), undefined);
  });
