import assert from "node:assert/strict";
import { test } from "node:test";
import type { Backend, HttpRoute } from "../api/table.ts";
import type { RouteTraffic } from "../api/traffic.ts";
import type { EndedExchange } from "../ports.ts";
import { Traffic } from "./traffic.ts";

const one: Backend = { node: "attic", instance: "app-1", host: "10.0.0.2", port: 80 };
const two: Backend = { ...one, instance: "app-2", host: "10.0.0.3" };
const app: HttpRoute = { name: "app", host: "app", path: "/", backends: [one, two], holdMs: 0, forwardedHeaders: "standard" };
const table = [app];

function end(traffic: Traffic, over: Partial<EndedExchange> = {}, nowMs = 0): void {
  if (!("route" in over) || over.route !== undefined) traffic.began(over.route ?? app, undefined);
  traffic.ended({ route: app, backend: one, reason: undefined, status: 200, firstByteMs: 3, whole: true, ...over }, nowMs);
}

function reportOf(traffic: Traffic, nowMs = 0, http: readonly HttpRoute[] = table): RouteTraffic {
  const [first] = traffic.report(nowMs, http).routes;
  assert.ok(first);
  return first;
}

test("a route that nobody asked for is in the report with its backends, and with no figures", () => {
  const report = reportOf(new Traffic(0));
  assert.deepEqual([report.requests, report.firstByte], [0, undefined]);
  assert.deepEqual(
    report.backends.map(({ instance, requests, outForMs }) => [instance, requests, outForMs]),
    [
      ["app-1", 0, undefined],
      ["app-2", 0, undefined],
    ],
  );
});

test("requests are counted by code, by backend, and by why we answered ourselves", () => {
  const traffic = new Traffic(0);
  end(traffic);
  end(traffic, { status: 404 });
  end(traffic, { backend: two, status: 101, whole: true });
  end(traffic, { backend: undefined, status: 503, reason: "waiting", firstByteMs: undefined });
  end(traffic, { backend: undefined, status: 0, reason: "clientGone", firstByteMs: undefined, whole: false });
  end(traffic, { whole: false });
  const { codes, reasons, requests, cutOff, open, backends } = reportOf(traffic);
  assert.deepEqual(codes, { none: 1, "1xx": 1, "2xx": 2, "3xx": 0, "4xx": 1, "5xx": 1 });
  assert.deepEqual(reasons, { waiting: 1, clientGone: 1 });
  assert.deepEqual([requests, cutOff, open], [6, 1, 0]);
  assert.deepEqual(
    backends.map((backend) => backend.requests),
    [3, 1],
  );
});

test("a backend is out from its first failure to connect until it answers, and its last error stays", () => {
  const traffic = new Traffic(0);
  traffic.tried(app, one, { fault: "unreachable", error: new Error("connect ECONNREFUSED"), tookMs: 1 }, 1000);
  traffic.tried(app, one, { fault: "unreachable", error: new Error("connect ETIMEDOUT"), tookMs: 1 }, 5000);
  const [out] = reportOf(traffic, 8000).backends;
  assert.deepEqual([out?.outForMs, out?.lastError, out?.faults], [7000, { message: "connect ETIMEDOUT", agoMs: 3000 }, { unreachable: 2 }]);
  traffic.tried(app, one, { tookMs: 2 }, 9000);
  const [back] = reportOf(traffic, 9000).backends;
  assert.deepEqual([back?.outForMs, back?.lastError?.agoMs], [undefined, 4000]);
  assert.equal(back?.firstByte?.requests, 1);
});

test("a time-out without an error has words, and long words are cut", () => {
  const traffic = new Traffic(0);
  traffic.tried(app, one, { fault: "timedOut", tookMs: 1 }, 0);
  traffic.tried(app, two, { fault: "failed", error: new Error("x".repeat(1000)), tookMs: 1 }, 0);
  const [late, long] = reportOf(traffic).backends;
  assert.deepEqual([late?.lastError?.message, late?.outForMs], ["no answer in time", undefined]);
  assert.equal(long?.lastError?.message.length, 200);
});

test("bytes go to the route, and what has no route is not in the report", () => {
  const traffic = new Traffic(0);
  traffic.moved(app, 10, 200);
  traffic.moved(undefined, 1, 2);
  end(traffic, { route: undefined, backend: undefined, status: 404, reason: "unknownHost", firstByteMs: undefined });
  assert.deepEqual(
    traffic.report(0, table).routes.map(({ route, bytesIn, bytesOut }) => [route, bytesIn, bytesOut]),
    [["app", 10, 200]],
  );
  assert.deepEqual([...traffic.reasons()], [{ route: "", reason: "unknownHost", requests: 1 }]);
});

test("a request that found another route while it was held is under way there", () => {
  const traffic = new Traffic(0);
  const other = { ...app, name: "other" };
  traffic.began(app, undefined);
  traffic.began(other, app);
  assert.deepEqual(
    traffic.report(0, [app, other]).routes.map(({ open }) => open),
    [0, 1],
  );
});

test("of what left the table a few backends stay, and no route that has nothing under way", () => {
  const traffic = new Traffic(0);
  const many = Array.from({ length: 10 }, (_, index): Backend => ({ ...one, instance: `app-${index}` }));
  for (const backend of many) traffic.tried(app, backend, { fault: "failed", error: new Error("crash"), tookMs: 1 }, 0);
  traffic.keep([{ ...app, backends: [two] }]);
  assert.deepEqual(
    reportOf(traffic, 0, [{ ...app, backends: [two] }]).backends.map(({ instance, gone }) => [instance, gone]),
    [
      ["app-2", undefined],
      ["app-6", true],
      ["app-7", true],
      ["app-8", true],
      ["app-9", true],
    ],
  );
  traffic.keep([]);
  assert.deepEqual([...traffic.routes()], []);
  traffic.began(app, undefined);
  traffic.keep([]);
  assert.equal([...traffic.routes()].length, 1);
});

test("two rows of one route are one line of the report", () => {
  const traffic = new Traffic(0);
  end(traffic);
  const report = traffic.report(0, [app, { ...app, path: "/api" }]);
  assert.deepEqual(
    report.routes.map(({ requests, backends }) => [requests, backends.length]),
    [[1, 2]],
  );
});

test("the first bytes are those of the last minutes", () => {
  const traffic = new Traffic(0);
  for (let index = 0; index < 99; index += 1) end(traffic, { firstByteMs: 4 }, 1000);
  end(traffic, { firstByteMs: 900 }, 1000);
  end(traffic, { firstByteMs: 900 }, 1000);
  assert.deepEqual(reportOf(traffic, 2000).firstByte, { requests: 101, p50Ms: 3.7, p99Ms: 940 });
  assert.equal(reportOf(traffic, 10 * 60_000).firstByte, undefined);
});
