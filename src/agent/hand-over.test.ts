import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceMove } from "../api/moves.ts";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { realClock, silentLog } from "../../test/support/real.ts";
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

function node({ moves = [web, films] as readonly InstanceMove[], leads = false, clock = realClock } = {}): {
  readonly handOver: HandOver;
  readonly asked: string[];
  readonly become: (next: readonly InstanceMove[], stopping: readonly string[]) => void;
} {
  let [now, stopping]: [readonly InstanceMove[], readonly string[]] = [moves, []];
  const asked: string[] = [];
  const handOver: HandOver = new HandOver({
    node: () => "nas",
    foresight: () => ({
      ifLeft: (_node, how) => {
        asked.push(how);
        return now;
      },
      ifLost: () => [],
      evenly: () => [],
      stoppingOn: () => stopping.map((instance) => ({ instance, holdsUp: instance.startsWith("web") })),
    }),
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
