import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceMove } from "../api/moves.ts";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { realClock, silentLog } from "../../test/support/real.ts";
import type { Foresight } from "../server/ports.ts";
import { HandOver } from "./hand-over.ts";

const never = new AbortController().signal;
const web: InstanceMove = {
  service: "web",
  instance: "web-1",
  from: "nas",
  to: "pi",
  why: "",
  stopsFirst: false,
  others: 0,
  afterMs: 0,
};
const { to: _, ...films } = { ...web, instance: "films-1" };

function node({ moves = [web, films] as readonly InstanceMove[], leads = false, others = true, clock = realClock } = {}): {
  readonly handOver: HandOver;
  readonly asked: string[];
  readonly become: (next: readonly InstanceMove[], stopping: readonly string[]) => void;
  readonly decides: (does: boolean) => void;
} {
  let [now, stopping]: [readonly InstanceMove[], readonly string[]] = [moves, []];
  let isDecided = true;
  const asked: string[] = [];
  const foresight: Foresight = {
    ifLeft: (_node, how) => {
      asked.push(how);
      return now;
    },
    ifLost: () => [],
    evenly: () => [],
    stoppingOn: () => stopping.map((instance) => ({ instance, holdsUp: instance.startsWith("web") })),
  };
  const handOver: HandOver = new HandOver({
    node: () => "nas",
    foresight: () => (isDecided ? foresight : undefined),
    hasOthers: () => others,
    announce: () => asked.push(`goes ${handOver.goes ?? "nowhere"}`),
    handOverLead: () => {
      asked.push("lead");
      return Promise.resolve(!leads);
    },
    clock,
    log: silentLog,
  });
  return {
    handOver,
    asked,
    become(next, still) {
      [now, stopping] = [next, still];
    },
    decides(does) {
      isDecided = does;
    },
  };
}

test("it says that it goes, gives the lead away, and waits until all that can has moved and stopped", async () => {
  const { handOver, asked, become } = node();
  const going = handOver.go("away", 10_000, never);
  assert.deepEqual(asked.slice(0, 2), ["goes away", "lead"]);
  become([films], ["web-1", "hub-1"]);
  assert.equal(await Promise.race([going, realClock.sleep(120, never).then(() => "waits")]), "waits");
  become([films], ["hub-1"]);
  assert.deepEqual(await going, { kind: "HandedOver", left: [], stays: ["films-1"], leads: false });
  assert.equal(asked.at(-1), "stopping");
  handOver.close();
});

test("when the time is over it tells what is left", async () => {
  const { handOver } = node({ leads: true });
  assert.deepEqual(await handOver.go("for good", 100, never), { kind: "HandedOver", left: ["web-1"], stays: ["films-1"], leads: true });
  assert.equal(handOver.goes, "for good", "it goes all the same");
});

test("one that stays after all says so, and waits for nothing more", async () => {
  const { handOver, asked } = node();
  const going = handOver.go("away", 10_000, never);
  handOver.stay();
  await going;
  assert.equal(handOver.goes, undefined);
  assert.ok(asked.includes("goes nowhere"));
  handOver.stay();
  assert.equal(asked.filter((each) => each === "goes nowhere").length, 1);
});

test("one that is still here long after is not away", async () => {
  const clock = new VirtualClock();
  const { handOver } = node({ moves: [], clock });
  await handOver.go("away", 1_000, never);
  await clock.advance(300_000);
  assert.equal(handOver.goes, "away");
  await clock.advance(301_000);
  assert.equal(handOver.goes, undefined);
});

test("while the house decides nothing it waits, no longer than its time, and then says that nothing was decided", async () => {
  const clock = new VirtualClock();
  const { handOver, decides } = node({ clock });
  decides(false);
  const going = handOver.go("away", 4_500, never);
  await clock.advance(4_400);
  assert.equal(await Promise.race([going, clock.settle().then(() => "waits")]), "waits");
  await clock.advance(100);
  assert.deepEqual(await Promise.race([going, clock.settle().then(() => "waits")]), {
    kind: "HandedOver",
    left: [],
    stays: [],
    leads: false,
    undecided: true,
  });
  handOver.close();
});

test("what the house decides again within the time is waited for as ever", async () => {
  const clock = new VirtualClock();
  const { handOver, become, decides } = node({ clock });
  decides(false);
  const going = handOver.go("away", 30_000, never);
  await clock.advance(10_000);
  decides(true);
  await clock.advance(1_000);
  assert.equal(await Promise.race([going, clock.settle().then(() => "waits")]), "waits");
  become([films], []);
  await clock.advance(100);
  assert.deepEqual(await going, { kind: "HandedOver", left: [], stays: ["films-1"], leads: false });
  handOver.close();
});

test("where nobody else could take anything, and nothing is decided, nothing is waited for", async () => {
  const clock = new VirtualClock();
  const { handOver, decides } = node({ others: false, clock });
  decides(false);
  assert.deepEqual(await handOver.go("away", 30_000, never), { kind: "HandedOver", left: [], stays: [], leads: false });
  handOver.close();
});

test("it tells what still stops and others wait for", () => {
  const { handOver, become, decides } = node();
  become([films], ["web-1", "hub-1"]);
  assert.deepEqual(handOver.stopping, ["web-1"]);
  decides(false);
  assert.deepEqual(handOver.stopping, []);
});
