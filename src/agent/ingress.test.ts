import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { realClock, silentLog } from "../../test/support/real.ts";
import { connectIngress, type IngressClient } from "../adapters/ingress-client/client.ts";
import type { IngressStatus } from "../api/table.ts";
import { Child, startTimeOf } from "./child.ts";
import { IngressKeeper } from "./ingress.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-keeper-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** The agent of the build "next", where an ingress is what `client` answers as. */
function keeperIn(folder: string, client: Partial<IngressClient> = {}) {
  const clock = new VirtualClock();
  const [runDir, dataDir] = [folder, folder];
  const child = new Child({ name: "ingress", runDir, dataDir, logFile: path.join(folder, "log"), clock, log: silentLog });
  const keeper = new IngressKeeper({
    program: { file: "/bin/sh", args: ["-c", "exec sleep 600"] },
    ...{ build: "next", dataDir, runDir, child, clock, log: silentLog, onChange: () => undefined, onStatus: () => undefined },
    client: { ...connectIngress(path.join(folder, "none.sock")), ...client },
  });
  return { child, clock, keeper };
}

function sleeper(t: TestContext): number {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  return child.pid ?? 0;
}

/** In the record, as that of another build. */
function recorded(folder: string, pid: number): void {
  keeperIn(folder).child.found(pid, "another build");
}

const statusOf = (pid: number, build: string): IngressStatus => ({ pid, build, revision: 0, listeners: [] });

test("an agent that is told to end before its ingress was looked for leaves nothing that goes on", async (t) => {
  const { clock, keeper } = keeperIn(folderOf(t));
  await keeper.start(AbortSignal.abort());
  await clock.settle();
  assert.equal(clock.nextAtMs(), undefined);
});

test("an agent that is told to end while its ingress hands over leaves both alone", async (t) => {
  const [folder, before, stopping] = [folderOf(t), sleeper(t), new AbortController()];
  recorded(folder, before);
  const { child, clock, keeper } = keeperIn(folder, {
    status: async () => statusOf(before, "another build"),
    fence: async () => undefined,
    handover: (_program, signal) =>
      new Promise((_done, fail) => {
        signal.addEventListener("abort", () => fail(signal.reason as Error));
        stopping.abort(new Error("told to end"));
      }),
  });
  await keeper.start(stopping.signal);
  await clock.settle();
  assert.notEqual(startTimeOf(before), undefined);
  assert.equal(child.pid, before, "no third one was started");
  assert.equal(clock.nextAtMs(), undefined);
});

test("an ingress that serves and is in no record is adopted, and the one before ends with it", async (t) => {
  const [folder, before, serving, stopping] = [folderOf(t), sleeper(t), sleeper(t), new AbortController()];
  recorded(folder, before);
  const { child, keeper } = keeperIn(folder, { status: async () => statusOf(serving, "next"), gone: () => new Promise(() => undefined) });
  await keeper.start(stopping.signal);
  stopping.abort();
  assert.equal(child.pid, serving);
  const next = new Child({ name: "ingress", runDir: folder, dataDir: folder, logFile: "/dev/null", clock: realClock, log: silentLog });
  assert.equal(next.running()?.pid, serving);
  await next.end(10_000);
  assert.deepEqual([before, serving].map(startTimeOf), [undefined, undefined]);
});

test("an ingress that handed over although its answer was lost is not replaced", async (t) => {
  const [folder, before, serving, stopping] = [folderOf(t), sleeper(t), sleeper(t), new AbortController()];
  recorded(folder, before);
  let status = statusOf(before, "another build");
  const { child, keeper } = keeperIn(folder, {
    status: async () => status,
    fence: async () => undefined,
    handover: async () => {
      status = statusOf(serving, "next");
      throw new Error("socket hang up");
    },
    gone: () => new Promise(() => undefined),
  });
  await keeper.start(stopping.signal);
  stopping.abort();
  assert.equal(child.pid, serving);
  assert.notEqual(startTimeOf(before), undefined);
});
