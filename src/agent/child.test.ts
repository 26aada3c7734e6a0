import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock, silentLog } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import { Child, startTimeOf, type ChildCommand } from "./child.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-child-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function childIn(folder: string): Child {
  return new Child({ name: "sleeper", runDir: folder, logFile: path.join(folder, "sleeper.log"), clock: realClock, log: silentLog });
}

const sleeper = (identity: string, script = "sleep 600"): ChildCommand => ({ file: "/bin/sh", args: ["-c", script], env: {}, identity });

test("a child that was left alive is adopted by the next agent, not started twice", async (t) => {
  const folder = folderOf(t);
  const first = childIn(folder);
  assert.equal(await first.keep(sleeper("1")), "started");
  first.release();
  const second = childIn(folder);
  assert.equal(await second.keep(sleeper("1")), "adopted");
  assert.equal(second.pid, first.pid);
  await second.end(1_000);
  assert.equal(startTimeOf(first.pid ?? 0), undefined);
});

test("a child of another build is replaced", async (t) => {
  const folder = folderOf(t);
  const first = childIn(folder);
  await first.keep(sleeper("1"));
  const pid = first.pid ?? 0;
  first.release();
  const second = childIn(folder);
  assert.equal(await second.keep(sleeper("2")), "replaced");
  assert.equal(startTimeOf(pid), undefined);
  assert.notEqual(second.pid, pid);
  await second.end(1_000);
});

test("a child that is as it should be starts anew where it is asked for", async (t) => {
  const child = childIn(folderOf(t));
  await child.keep(sleeper("1"));
  const pid = child.pid ?? 0;
  assert.equal(await child.keep(sleeper("1"), { inAnyCase: true }), "replaced");
  assert.equal(startTimeOf(pid), undefined);
  assert.notEqual(startTimeOf(child.pid ?? 0), undefined);
  await child.end(1_000);
});

test("a child that dies is started again, also one that was adopted", async (t) => {
  const folder = folderOf(t);
  const first = childIn(folder);
  await first.keep(sleeper("1"));
  first.release();
  const second = childIn(folder);
  await second.keep(sleeper("1"));
  const pid = second.pid ?? 0;
  process.kill(pid, "SIGKILL");
  const next = await until("another process", () => (second.pid !== pid ? second.pid : undefined));
  assert.notEqual(startTimeOf(next), undefined);
  await second.end(1_000);
});

test("one that handed over ends with its successor, however many handed over before", async (t) => {
  const folder = folderOf(t);
  const pids: number[] = [];
  for (const build of ["1", "2", "3"]) {
    const other = new Child({ name: build, runDir: folder, logFile: path.join(folder, "log"), clock: realClock, log: silentLog });
    await other.keep(sleeper(build));
    other.release();
    pids.push(other.pid ?? 0);
    const child = childIn(folder);
    child.replacedBy(other.pid ?? 0, sleeper(build));
    child.release();
  }
  await childIn(folder).end(1_000);
  assert.deepEqual(pids.map(startTimeOf), [undefined, undefined, undefined]);
});

test("a log that grows while its child lives is emptied, and the old one is kept once", async (t) => {
  const folder = folderOf(t);
  const [log, old] = [path.join(folder, "sleeper.log"), path.join(folder, "sleeper.log.1")];
  const bytes = 9_000_000;
  const script = `yes before | head -c ${bytes}; while :; do echo after; sleep 0.05; done`;
  const first = childIn(folder);
  t.after(() => first.end(1_000));
  await first.keep(sleeper("1", script));
  await until("a long log", () => statSync(log).size > bytes);
  first.release();
  const second = childIn(folder);
  t.after(() => second.release());
  assert.equal(await second.keep(sleeper("1", script)), "adopted");
  await until("a short log", () => existsSync(old) && statSync(log).size < bytes && statSync(log).size > 0);
  assert.match(readFileSync(log, "utf8"), /^(after\n)+$/);
  assert.match(readFileSync(old, "utf8").slice(0, 100), /^before\n/);
  assert.ok(statSync(old).size >= bytes);
});

test("a child that does not heed SIGTERM is killed after its grace", async (t) => {
  const folder = folderOf(t);
  const child = childIn(folder);
  await child.keep(sleeper("1", "trap '' TERM; echo up; while :; do sleep 0.05; done"));
  await until("its first output", () => readFileSync(path.join(folder, "sleeper.log"), "utf8").includes("up"));
  await child.end(100);
  assert.equal(childIn(folder).running(), undefined);
});

test("a pid that another process has by now is not taken for the child", async (t) => {
  const folder = folderOf(t);
  const child = childIn(folder);
  await child.keep(sleeper("1"));
  const record = JSON.parse(readFileSync(path.join(folder, "sleeper.pid.json"), "utf8")) as { pid: number; startTime: string };
  assert.equal(record.startTime, startTimeOf(record.pid));
  await child.end(1_000);
  assert.notEqual(startTimeOf(process.pid), record.startTime);
});
