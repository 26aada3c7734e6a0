import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteTraffic, TrafficReport } from "../api/traffic.ts";
import { trafficOf } from "./traffic.ts";

const counted = (route: string): RouteTraffic => ({
  route,
  protocol: "http",
  requests: 1,
  codes: {},
  reasons: {},
  cutOff: 0,
  open: 0,
  bytesIn: 0,
  bytesOut: 0,
  backends: [],
});
const report = (...routes: readonly string[]): TrafficReport => ({ forMs: 10, recentMs: 5, routes: routes.map(counted) });
const identity = { node: "nas", nodeId: "id", bootId: "boot", bootedAtMs: 0 };
const signal = new AbortController().signal;
const ingress = (traffic: () => Promise<TrafficReport>) => ({
  traffic,
  status: () => Promise.reject(new Error("not asked")),
  metrics: () => Promise.reject(new Error("not asked")),
});

test("each node tells what its ingress has counted, this one first; the silent are named", async () => {
  const others = async () => [
    { node: "attic", report: report("other") },
    { node: "pi", unknown: "it does not answer" },
  ];
  const ports = { identity, ingress: ingress(async () => report("app", "other")), trafficElsewhere: others };
  assert.deepEqual(await trafficOf(ports, "app", signal), [
    { node: "nas", forMs: 10, recentMs: 5, traffic: counted("app") },
    { node: "attic", forMs: 10, recentMs: 5, traffic: undefined },
    { node: "pi", unknown: "it does not answer" },
  ]);
});

test("a silent ingress of this node hides no other", async () => {
  const ports = {
    identity,
    ingress: ingress(() => Promise.reject(new Error("away"))),
    trafficElsewhere: async () => [{ node: "pi", report: report("app") }],
  };
  assert.deepEqual(
    (await trafficOf(ports, "app", signal)).map((each) => ("unknown" in each ? each.unknown : each.traffic?.requests)),
    ["its ingress does not answer", 1],
  );
});
