import assert from "node:assert/strict";
import { test } from "node:test";
import { houseNode, member, nodeId, view } from "../../../test/fakes/joining.ts";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import type { HouseView } from "../../joining/house-view.ts";
import { FOUNDING_TIMING, type Timing } from "../../joining/timing.ts";
import { TimingSteward } from "./timing-steward.ts";

const patient: Timing = { heartbeatMs: 200, electionMs: 2_000 };
const trips = (letters: string): Readonly<Record<string, number>> =>
  Object.fromEntries(letters.split("").map((letter) => [nodeId(letter), 150]));

function stewardOf() {
  const asked: string[] = [];
  const clock = { ...realClock, now: () => view().nowMs };
  const steward = new TimingSteward({
    nodeId: nodeId("a"),
    own: {
      report: () => ({ timing: FOUNDING_TIMING, roundTripP99Ms: trips("bc"), overTailnet: [] }),
      restart: async () => void asked.push("own restart"),
    },
    ask: async ({ address }, method) => {
      asked.push(`${address} ${method}`);
      if (address === "c:733" && method === "links") throw new Error("it is busy");
      return { timing: FOUNDING_TIMING, roundTripP99Ms: trips("ac"), overTailnet: [] };
    },
    clock,
    log: silentLog,
  });
  return { steward, asked };
}

const house = (more: Partial<HouseView> = {}): HouseView => {
  const seen = view({ voters: "abc", ...more });
  return { ...seen, health: new Map([...seen.health].map(([id, health]) => [id, { ...health, inSync: true }])) };
};

test("members are asked now and then, and one that does not answer decides nothing", async () => {
  const { steward, asked } = stewardOf();
  assert.equal(steward.plan(house()), undefined);
  await until("the answers", () => steward.plan(house())?.kind === "set-timing");
  assert.deepEqual(asked, ["b:733 links", "c:733 links"]);
  steward.plan(house({ nowMs: house().nowMs + 5_000 }));
  assert.equal(asked.length, 4);
  steward.forget();
  assert.equal(steward.plan(house()), undefined);
});

test("a node is asked at its other address where the first leads nowhere, and there at once the next time", async () => {
  const asked: string[] = [];
  const steward = new TimingSteward({
    nodeId: nodeId("a"),
    own: { report: () => ({ timing: FOUNDING_TIMING, roundTripP99Ms: {}, overTailnet: [] }), restart: async () => undefined },
    ask: async ({ address }) => {
      asked.push(address);
      if (address === "lan:733") throw new Error("no answer");
      return { timing: FOUNDING_TIMING, roundTripP99Ms: trips("a"), overTailnet: [nodeId("a")] };
    },
    clock: { ...realClock, now: () => view().nowMs },
    log: silentLog,
  });
  const roster = new Map([houseNode("a"), houseNode("b", { addresses: ["lan:733", "tailnet:733"] })].map((node) => [node.nodeId, node]));
  const seen: HouseView = { ...house({ members: [member("a"), member("b")] }), roster };
  steward.plan(seen);
  await until("the other address answers", () => steward.plan(seen)?.kind === "set-timing");
  steward.plan({ ...seen, nowMs: seen.nowMs + 5_000 });
  assert.deepEqual(asked, ["lan:733", "tailnet:733", "tailnet:733"]);
});

test("one is told over 733 to start anew, this node's own directly", async () => {
  const { steward, asked } = stewardOf();
  const seen = house({ timing: { value: patient, modRevision: 3, seenAtMs: 0 } });
  const step = await until("a step", () => steward.plan(seen));
  assert.ok(step.kind === "restart");
  assert.equal(step.nodeId, nodeId("b"));
  steward.restart(step, seen);
  steward.restart({ ...step, nodeId: nodeId("a") }, seen);
  await until("both are told", () => asked.includes("b:733 restart-store") && asked.includes("own restart"));
});
