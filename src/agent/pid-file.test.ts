import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock } from "../../test/support/real.ts";
import { startTimeOf } from "./child.ts";
import { claim, endHolder, endNode, holder, holderOf, unclaim, type Role } from "./pid-file.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-pid-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Puts others in the claim of this process. */
function forge(folder: string, others: object, role: Role = "agent"): void {
  const file = path.join(folder, `${role}.pid.json`);
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

test("a node is found and ended by its data folder, whatever its run folder is", async (t) => {
  const [runDir, dataDir] = [folderOf(t), folderOf(t)];
  for (const role of ["supervise", "agent"] as const) {
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    claim(dataDir, role);
    forge(dataDir, { pid: child.pid, startTime: startTimeOf(child.pid ?? 0) }, role);
    assert.equal(holderOf({ runDir, dataDir }, role), child.pid);
  }
  await endNode({ runDir, dataDir }, { graceMs: 10_000, clock: realClock });
  for (const role of ["supervise", "agent"] as const) assert.equal(holderOf({ runDir, dataDir }, role), undefined);
});

const namespaces = spawnSync("unshare", ["--mount", "--map-root-user", "true"]).status === 0;

test("a data folder on a full disk keeps nobody from running", { skip: !namespaces && "no disk can be mounted here" }, (t) => {
  const folder = folderOf(t);
  const script = `
    import { claimNode } from ${JSON.stringify(path.join(import.meta.dirname, "pid-file.ts"))};
    const said = [];
    const log = { warn: (text) => said.push(text) };
    claimNode({ runDir: ${JSON.stringify(folderOf(t))}, dataDir: ${JSON.stringify(folder)} }, "agent", log);
    console.log(said.join());`;
  const fill = 'mount -t tmpfs -o size=64k none "$1"; cat /dev/zero > "$1/fill" 2> /dev/null; exec "$2" --input-type=module -e "$3"';
  const { stdout, stderr } = spawnSync(
    "unshare",
    ["--mount", "--map-root-user", "sh", "-c", fill, "sh", folder, process.execPath, script],
    { encoding: "utf8" },
  );
  assert.match(stdout, /its disk is full/, stderr);
});
