import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import type { Probe } from "../../ports.ts";
import { NodeProbes } from "./probes.ts";

const probe: Probe = {
  kind: "tcp",
  host: "10.200.0.2",
  port: 80,
  timing: { intervalMs: 30_000, timeoutMs: 5000, retries: 3, startGraceMs: 0 },
};

/** `well` decides what a check finds at that time. */
function bench(well: (nowMs: number) => boolean) {
  const clock = new VirtualClock();
  const woken: number[] = [];
  const checks: number[] = [];
  const timeouts: number[] = [];
  const probes = new NodeProbes({
    clock,
    wake: () => void woken.push(clock.now()),
    check: async (_probe, timeoutMs) => {
      checks.push(clock.now());
      timeouts.push(timeoutMs);
      return well(clock.now()) ? undefined : "nobody listens";
    },
  });
  const state = (): string => probes.watch("one", "jellyfin", probe).health;
  return { clock, probes, woken, checks, timeouts, state };
}

test("an app is asked at once, often at first, then each second, and each interval once it is well", async () => {
  const { clock, checks, state, woken } = bench((nowMs) => nowMs >= 2000);
  assert.equal(state(), "starting");
  await clock.advance(100_000);
  assert.deepEqual(checks.slice(0, 9), [0, 10, 20, 40, 80, 160, 320, 640, 1280]);
  assert.deepEqual(checks.slice(9), [2280, 32_280, 62_280, 92_280]);
  assert.equal(state(), "healthy");
  assert.deepEqual(woken, [2280], "only a change wakes");
});

test("early tries are given up early: a lost first packet costs no second", async () => {
  const { clock, timeouts, state } = bench(() => false);
  state();
  await clock.advance(20_000);
  assert.equal(timeouts[0], 200);
  assert.equal(timeouts.at(-1), 5000);
});

test("the many early checks are no tries: unhealthy comes after all intervals, with the reason", async () => {
  const { clock, probes, woken, state } = bench(() => false);
  state();
  await clock.advance(89_000);
  assert.equal(state(), "starting");
  await clock.advance(2000);
  assert.deepEqual(probes.watch("one", "jellyfin", probe).detail, "nobody listens");
  assert.equal(state(), "unhealthy");
  assert.equal(woken.length, 1);
});

test("the start's grace comes before the tries", async () => {
  const { clock, probes } = bench(() => false);
  const patient: Probe = { ...probe, timing: { ...probe.timing, startGraceMs: 60_000 } };
  probes.watch("one", "jellyfin", patient);
  await clock.advance(149_000);
  assert.equal(probes.watch("one", "jellyfin", patient).health, "starting");
  await clock.advance(2000);
  assert.equal(probes.watch("one", "jellyfin", patient).health, "unhealthy");
});

test("a healthy app may fail less than its tries, and an unhealthy one is well again at its first answer", async () => {
  let well = true;
  const { clock, state } = bench(() => well);
  state();
  await clock.advance(1000);
  well = false;
  await clock.advance(60_000);
  assert.equal(state(), "healthy", "two failures of three");
  await clock.advance(30_000);
  assert.equal(state(), "unhealthy");
  well = true;
  await clock.advance(30_000);
  assert.equal(state(), "healthy");
});

test("another probe for the id begins anew, the same one goes on", async () => {
  const { clock, probes, checks } = bench(() => true);
  probes.watch("one", "jellyfin", probe);
  await clock.advance(1000);
  assert.equal(probes.watch("one", "jellyfin", { ...probe }).health, "healthy");
  assert.equal(probes.watch("one", "jellyfin", { ...probe, port: 81 }).health, "starting");
  await clock.advance(1000);
  assert.equal(checks.length, 2);
});

test("what is not kept, and everything after the end, is asked no more", async () => {
  const { clock, probes, checks } = bench(() => true);
  probes.watch("one", "jellyfin", probe);
  probes.watch("two", "jellyfin", probe);
  probes.watch("other", "vaultwarden", probe);
  await clock.advance(1000);
  probes.keep("jellyfin", ["two"]);
  checks.length = 0;
  await clock.advance(30_000);
  assert.equal(checks.length, 2);
  probes.close();
  await clock.advance(100_000);
  assert.equal(checks.length, 2);
  assert.equal(clock.nextAtMs(), undefined);
});
