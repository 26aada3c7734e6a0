import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import type { PullProgress } from "../../container-ports.ts";
import { BackgroundJobs } from "./jobs.ts";

const wake = { kind: "Service", name: "jellyfin" } as const;

function bench() {
  const clock = new VirtualClock();
  const woken: string[] = [];
  const end = new AbortController();
  return {
    clock,
    woken,
    end,
    jobs: new BackgroundJobs({ clock, wake: (kind, name) => void woken.push(`${kind}/${name}`), signal: end.signal }),
  };
}

test("a job that runs is joined, not started again, and its end wakes the name", async () => {
  const { clock, woken, jobs } = bench();
  const done = Promise.withResolvers<void>();
  let runs = 0;
  const run = (): Promise<void> => {
    runs += 1;
    return done.promise;
  };
  jobs.start("image", wake, run);
  jobs.start("image", wake, run);
  assert.equal(runs, 1);
  assert.equal(jobs.get("image")?.state, "running");
  done.resolve();
  await clock.settle();
  assert.deepEqual(jobs.get("image"), { state: "done", atMs: 0 });
  assert.deepEqual(woken, ["Service/jellyfin"]);
});

test("progress is seen while it runs, and wakes nobody", async () => {
  const { jobs, woken } = bench();
  const progress: PullProgress = { doneBytes: 1, totalBytes: 2, layers: 1 };
  jobs.start("image", wake, (report) => {
    report(progress);
    return new Promise(() => {});
  });
  assert.deepEqual(jobs.get("image"), { state: "running", progress, sinceMs: 0 });
  assert.deepEqual(woken, []);
});

test("one that is tried again tells how it failed, until it comes further", async () => {
  const { clock, jobs } = bench();
  const error = new Error("no network");
  jobs.start("image", wake, () => Promise.reject(error));
  await clock.settle();
  let report: (progress: PullProgress) => void = () => {};
  jobs.start("image", wake, (tell) => {
    report = tell;
    return new Promise(() => {});
  });
  assert.deepEqual(jobs.get("image"), { state: "running", sinceMs: 0, failedBefore: error });
  const progress: PullProgress = { doneBytes: 1, totalBytes: 2, layers: 1 };
  report(progress);
  assert.deepEqual(jobs.get("image"), { state: "running", progress, sinceMs: 0 });
});

test("failures count the tries until one succeeds", async () => {
  const { clock, jobs } = bench();
  const fails = (): Promise<void> => Promise.reject(new Error("no network"));
  for (const tries of [1, 2]) {
    jobs.start("image", wake, fails);
    await clock.settle();
    const state = jobs.get("image");
    assert(state?.state === "failed");
    assert.equal(state.tries, tries);
    assert.equal(state.error.message, "no network");
  }
  jobs.start("image", wake, () => Promise.resolve());
  await clock.settle();
  jobs.start("image", wake, fails);
  await clock.settle();
  const state = jobs.get("image");
  assert(state?.state === "failed" && state.tries === 1);
});

test("a job that throws at once has failed like any other", async () => {
  const { clock, jobs, woken } = bench();
  jobs.start("image", wake, () => {
    throw new Error("at once");
  });
  await clock.settle();
  assert.equal(jobs.get("image")?.state, "failed");
  assert.equal(woken.length, 1);
});

test("a forgotten job is unknown, and one that ends with the process wakes nobody", async () => {
  const { clock, jobs, woken, end } = bench();
  jobs.start(
    "image",
    wake,
    (_report, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  end.abort(new Error("the end"));
  await clock.settle();
  assert.equal(jobs.get("image")?.state, "failed");
  assert.deepEqual(woken, []);
  jobs.forget("image");
  assert.equal(jobs.get("image"), undefined);
});
