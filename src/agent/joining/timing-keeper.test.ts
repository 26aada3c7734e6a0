import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { houseNode, nodeId, request } from "../../../test/fakes/joining.ts";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { FOUNDING_TIMING, type Timing } from "../../joining/timing.ts";
import { storeTiming } from "../etcd.ts";
import type { MeterTarget } from "./round-trip-meter.ts";
import { readReport, TimingKeeper } from "./timing-keeper.ts";

const signal = AbortSignal.timeout(60_000);
const patient: Timing = { heartbeatMs: 500, electionMs: 5_000 };

function keeperOf(
  t: TestContext,
  more: {
    readonly silent?: string;
    readonly decided?: unknown;
    readonly restart?: () => Promise<void>;
    readonly serves?: () => Promise<void>;
    readonly hasMoreAddresses?: boolean;
    readonly mayServeRemoved?: boolean;
  } = {},
) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-timing-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const seen = { restarts: 0, inAnyCase: 0, areOut: false };
  const [asked, clock]: [MeterTarget[], VirtualClock] = [[], new VirtualClock()];
  const self = houseNode("a");
  const other = houseNode("b", {
    addresses: ["192.168.1.3:7330", "100.64.0.3:7331"],
    request: { ...request("b"), peerUrl: "https://192.168.1.3:2380,https://[::ffff:100.64.0.3]:2380" },
  });
  const keeper = new TimingKeeper({
    dataDir,
    nodeId: nodeId("a"),
    store: {
      get: async (key) =>
        more.decided === undefined
          ? undefined
          : { key, value: JSON.stringify(more.decided), version: 1, createRevision: 1, modRevision: 1 },
    },
    roster: () => new Map([self, other].map((node) => [node.nodeId, node])),
    hasMoreAddresses: () => more.hasMoreAddresses === true && seen.restarts === 0,
    guests: {
      mayBeThere: () => more.mayServeRemoved === true && !seen.areOut,
      seeOut: () => () => (seen.areOut = true),
    },
    restart: async ({ inAnyCase, onEnded }) => {
      seen.restarts += 1;
      if (inAnyCase) seen.inAnyCase += 1;
      await more.restart?.();
      onEnded();
      await more.serves?.();
    },
    measure: async (target) => {
      asked.push(target);
      return target.address === more.silent ? undefined : 7;
    },
    clock,
    log: silentLog,
  });
  return { keeper, dataDir, asked, seen, clock };
}

/** Longer than between any two measurements, and than a LAN may be away. */
const A_WHILE_MS = 600_000;

/** Answers how it ends. */
function running(keeper: TimingKeeper): () => Promise<void> {
  const abort = new AbortController();
  const ran = keeper.run(abort.signal);
  return async () => {
    abort.abort();
    await ran;
  };
}

test("the way is measured to where the other's store is, and told once it is known", async (t) => {
  const { keeper, asked, clock } = keeperOf(t);
  assert.deepEqual(keeper.report(), { timing: FOUNDING_TIMING, roundTripP99Ms: {}, overTailnet: [] });
  const end = running(keeper);
  await clock.advance(A_WHILE_MS);
  assert.equal(keeper.report().roundTripP99Ms[nodeId("b")], 7);
  await end();
  assert.deepEqual(asked[0], { address: "192.168.1.3", port: 7330 });
  assert.ok(!asked.some(({ address }) => address === "100.64.0.3"));
  assert.deepEqual(readReport(JSON.parse(JSON.stringify(keeper.report()))), keeper.report());
});

test("where the LAN does not lead, the tailnet is measured, and said so", async (t) => {
  const { keeper, asked, clock } = keeperOf(t, { silent: "192.168.1.3" });
  const end = running(keeper);
  await clock.advance(A_WHILE_MS);
  assert.equal(keeper.report().roundTripP99Ms[nodeId("b")], 7);
  await end();
  assert.deepEqual(asked[1], { address: "100.64.0.3", port: 7331 });
  assert.deepEqual(keeper.report().overTailnet, [nodeId("b")]);
});

test("a LAN that is away for a minute makes no house of a tailnet; one that stays away does", async (t) => {
  const more: { silent?: string } = {};
  const { keeper, clock } = keeperOf(t, more);
  const end = running(keeper);
  await clock.advance(A_WHILE_MS);
  more.silent = "192.168.1.3";
  await clock.advance(100_000);
  assert.deepEqual(keeper.report().overTailnet, []);
  delete more.silent;
  await clock.advance(A_WHILE_MS);
  more.silent = "192.168.1.3";
  await clock.advance(100_000);
  assert.deepEqual(keeper.report().overTailnet, []);
  await clock.advance(A_WHILE_MS);
  assert.deepEqual(keeper.report().overTailnet, [nodeId("b")]);
  await end();
});

test("the store starts anew with what the house has decided, once, and tells so only then", async (t) => {
  const serves = Promise.withResolvers<undefined>();
  const { keeper, dataDir, seen } = keeperOf(t, { decided: patient, restart: () => serves.promise });
  const restarting = keeper.restart(signal);
  await assert.rejects(keeper.restart(signal), /already/);
  await until("it is on its way", () => seen.restarts === 1);
  assert.deepEqual([keeper.report().timing, storeTiming(dataDir)], [FOUNDING_TIMING, patient]);
  serves.resolve(undefined);
  await restarting;
  assert.deepEqual(keeper.report().timing, patient);
  await keeper.restart(signal);
  assert.equal(seen.restarts, 1);
});

test("a store that did not come back starts anew at the next word", async (t) => {
  let fails = true;
  const { keeper, seen } = keeperOf(t, { decided: patient, restart: async () => assert.ok(!fails, "it does not serve") });
  await assert.rejects(keeper.restart(signal), /does not serve/);
  fails = false;
  await keeper.restart(signal);
  assert.deepEqual([seen.restarts, keeper.report().timing], [2, patient]);
});

test("without a decision, or with one that this release does not know, nothing starts anew", async (t) => {
  for (const decided of [undefined, null, { heartbeatMs: 1, electionMs: 2 }]) {
    const { keeper, seen } = keeperOf(t, { decided });
    await assert.rejects(keeper.restart(signal), /decided no timing/);
    assert.equal(seen.restarts, 0);
  }
});

test("the store starts anew for an address that it does not listen on yet, whether a timing was decided or not", async (t) => {
  for (const decided of [undefined, FOUNDING_TIMING]) {
    const { keeper, seen } = keeperOf(t, { decided, hasMoreAddresses: true });
    assert.equal(readReport(keeper.report())?.hasMoreAddresses, true);
    await keeper.restart(signal);
    assert.deepEqual([seen.restarts, readReport(keeper.report())?.hasMoreAddresses], [1, undefined]);
  }
});

test("a store that may still serve a removed node starts anew in any case, and tells so until it has", async (t) => {
  for (const decided of [undefined, FOUNDING_TIMING]) {
    let fails = true;
    const { keeper, seen } = keeperOf(t, {
      decided,
      mayServeRemoved: true,
      restart: async () => assert.ok(!fails, "it does not serve"),
    });
    assert.equal(readReport(keeper.report())?.mayServeRemoved, true);
    await assert.rejects(keeper.restart(signal), /does not serve/);
    assert.equal(readReport(keeper.report())?.mayServeRemoved, true);
    fails = false;
    await keeper.restart(signal);
    assert.deepEqual([seen.inAnyCase, readReport(keeper.report())?.mayServeRemoved], [2, undefined]);
  }
});

test("nor does one that takes long start anew again and again: the former one has ended", async (t) => {
  const { keeper, seen } = keeperOf(t, {
    mayServeRemoved: true,
    serves: async () => assert.fail("it does not serve"),
  });
  await assert.rejects(keeper.restart(signal), /does not serve/);
  assert.deepEqual([seen.inAnyCase, readReport(keeper.report())?.mayServeRemoved], [1, undefined]);
});

test("a restart for another reason counts for nobody who was removed", async (t) => {
  const { keeper, seen } = keeperOf(t, { decided: patient });
  await keeper.restart(signal);
  assert.deepEqual(seen, { restarts: 1, inAnyCase: 0, areOut: false });
});

test("another agent's report counts as far as it is one", () => {
  assert.equal(readReport(null), undefined);
  assert.equal(readReport({ timing: patient }), undefined);
  assert.equal(readReport({ timing: { heartbeatMs: 1 }, roundTripP99Ms: {} }), undefined);
  assert.deepEqual(readReport({ timing: patient, roundTripP99Ms: { a: 3, b: "4", c: -1 } }), {
    timing: patient,
    roundTripP99Ms: { a: 3 },
    overTailnet: [],
  });
});
