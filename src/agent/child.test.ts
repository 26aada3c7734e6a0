import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { realClock, silentLog } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import type { Clock } from "../ports.ts";
import { Child, startTimeOf, type ChildCommand } from "./child.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-child-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function childIn(runDir: string, dataDir = runDir, clock: Clock = realClock): Child {
  return new Child({ name: "sleeper", runDir, dataDir, logFile: path.join(dataDir, "sleeper.log"), clock, log: silentLog });
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

test("a child is adopted where one of its folders has lost its record, and both have it again", async (t) => {
  const [runDir, dataDir] = [folderOf(t), folderOf(t)];
  const first = childIn(runDir, dataDir);
  await first.keep(sleeper("1"));
  first.release();
  for (const folder of [runDir, dataDir]) {
    rmSync(path.join(folder, "sleeper.pid.json"));
    const next = childIn(runDir, dataDir);
    assert.equal(await next.keep(sleeper("1")), "adopted");
    next.release();
    assert.ok(existsSync(path.join(folder, "sleeper.pid.json")));
  }
  await childIn(runDir, dataDir).end(1_000);
  assert.equal(startTimeOf(first.pid ?? 0), undefined);
  for (const folder of [runDir, dataDir]) assert.ok(!existsSync(path.join(folder, "sleeper.pid.json")));
});

test("a child whose record cannot be written runs all the same, and is in it as soon as it can", async (t) => {
  const [runDir, dataDir, clock] = [path.join(folderOf(t), "full"), folderOf(t), new VirtualClock()];
  const child = childIn(runDir, dataDir, clock);
  assert.equal(await child.keep(sleeper("1")), "started");
  mkdirSync(runDir);
  const file = path.join(runDir, "sleeper.pid.json");
  await clock.until(() => existsSync(file), 30_000);
  child.release();
  const next = childIn(runDir);
  assert.equal(next.running()?.pid, child.pid);
  await next.end(1_000);
});

test("a record of an earlier boot tells of nobody", async (t) => {
  const folder = folderOf(t);
  const child = childIn(folder);
  await child.keep(sleeper("1"));
  child.release();
  const file = path.join(folder, "sleeper.pid.json");
  const record = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...record, boot: "another" }));
  assert.equal(childIn(folder).running(), undefined);
  await child.end(1_000);
});

test("a child that is released while it is replaced is left alone from then on", async (t) => {
  const [folder, clock] = [folderOf(t), new VirtualClock()];
  const child = childIn(folder, folder, clock);
  await child.keep(sleeper("1"));
  const pid = child.pid ?? 0;
  const replaced = child.keep(sleeper("1"), { inAnyCase: true });
  child.release();
  while (startTimeOf(pid) !== undefined) await clock.step();
  await clock.step();
  assert.equal(await replaced, "replaced");
  await clock.settle();
  assert.equal(clock.nextAtMs(), undefined);
  await childIn(folder).end(1_000);
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
    const other = new Child({
      name: build,
      runDir: folder,
      dataDir: folder,
      logFile: path.join(folder, "log"),
      clock: realClock,
      log: silentLog,
    });
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
