import assert from "node:assert/strict";
import { test } from "node:test";
import { trafficElsewhere } from "./house-traffic.ts";
import type { NodeAt } from "./joining/courier.ts";

const signal = new AbortController().signal;
const report = { forMs: 1, recentMs: 1, routes: [] };

test("each node is asked at all its addresses, and the first answer counts", async () => {
  const asked: string[] = [];
  const ask = async ({ address }: NodeAt, method: string): Promise<unknown> => {
    asked.push(`${method} ${address}`);
    if (address === "pi-lan:733") throw new Error("no route");
    if (address.startsWith("shed")) throw new Error("refused");
    return report;
  };
  const others = [
    { nodeId: "s", name: "shed", addresses: ["shed:733"] },
    { nodeId: "p", name: "pi", addresses: ["pi-lan:733", "pi-tailnet:733"] },
  ];
  assert.deepEqual(await trafficElsewhere({ others, ask }, signal), [
    { node: "pi", report },
    { node: "shed", unknown: "it does not answer" },
  ]);
  assert.deepEqual(asked, ["traffic pi-lan:733", "traffic pi-tailnet:733", "traffic shed:733"]);
});

test("whoever never answers holds up nobody", async () => {
  const others = [{ nodeId: "p", name: "pi", addresses: ["pi:733"] }];
  const began = performance.now();
  const stop = AbortSignal.timeout(50);
  assert.deepEqual(await trafficElsewhere({ others, ask: () => new Promise(() => {}) }, stop), [
    { node: "pi", unknown: "it does not answer" },
  ]);
  assert.ok(performance.now() - began < 5_000);
});
