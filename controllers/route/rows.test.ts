import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteSpec } from "../../src/api/types.ts";
import { observedInstance, service } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { route } from "../../test/fakes/routes.ts";
import type { Target } from "./facts.ts";
import { rowsOf, waitingFor } from "./rows.ts";

const app = service("app", serviceSpec("app", "app:1")); // port app:80
const ready = { node: "nas", instance: observedInstance("aaaa", { addresses: { app: "10.201.0.2" } }) };
const target = (over: Partial<Target> = {}): Target => ({ service: app, ready: [ready], problem: undefined, placed: 1, ...over });
const to = { service: "app" };
const http = (spec: Partial<RouteSpec>, led: Target | undefined = target()) =>
  rowsOf(route("app", { host: "app", path: "/", to, ...spec }), led, "nas").http[0];

test("a Route leads to the ready instances of its Service, at the Service's port", () => {
  assert.deepEqual(http({ host: "App" }), {
    name: "app",
    host: "app",
    path: "/",
    backends: [{ node: "nas", instance: "app-aaaa", host: "10.201.0.2", port: 80 }],
    holdMs: 10_000,
    forwardedHeaders: "standard",
  });
});

test("a Route may name another port and container", () => {
  const two = { node: "nas", instance: observedInstance("aaaa", { addresses: { app: "10.201.0.2", db: "10.201.0.3" } }) };
  assert.deepEqual(http({ to: { service: "app", container: "db", port: 9 } }, target({ ready: [two] }))?.backends, [
    { node: "nas", instance: "app-aaaa", host: "10.201.0.3", port: 9 },
  ]);
});

test("a Route may lead to what is no container: each node dials it by itself", () => {
  const backends = http({ to: { url: "https://192.168.1.1" }, backendTls: "insecure" }, undefined)?.backends;
  assert.deepEqual(backends, [{ node: "nas", instance: "", host: "192.168.1.1", port: 443, tls: "insecure", authority: "192.168.1.1" }]);
  const plain = http({ to: { url: "http://router:8080/" } }, undefined)?.backends[0];
  assert.deepEqual([plain?.port, plain?.tls, plain?.authority], [8080, undefined, "router:8080"]);
  assert.equal(http({ backendTls: "insecure" })?.backends[0]?.tls, "insecure", "a Service may speak TLS too");
});

test("an address may be IPv6, and a range leads to the same range there", () => {
  const ports: RouteSpec = { path: "/", listen: { port: 8000, endPort: 8001, protocol: "tcp" }, to: { url: "tcp://[fd00::7]:9000" } };
  assert.deepEqual(
    rowsOf(route("app", ports), undefined, "nas").streams.map(({ backends }) => backends.map(({ host, port }) => `${host} ${port}`)),
    [["fd00::7 9000"], ["fd00::7 9001"]],
  );
});

test("options are handed on as numbers and lists", () => {
  const row = http({
    timeouts: { response: "1m" },
    maxBody: "1Mi",
    hold: "0s",
    allow: ["lan"],
    sticky: true,
    forwardAuth: { url: "http://auth" },
    forwardedHeaders: "none",
  });
  assert.deepEqual(
    [row?.responseTimeoutMs, row?.maxBodyBytes, row?.holdMs, row?.allow, row?.sticky, row?.forwardAuth, row?.forwardedHeaders],
    [60_000, 2 ** 20, 0, ["lan"], true, { url: "http://auth", headers: [] }, "none"],
  );
});

test("a Route for ports has a row for each, and a range leads to the same range inside", () => {
  const spec: RouteSpec = {
    path: "/",
    listen: { port: 8000, endPort: 8001, protocol: "udp" },
    to: { service: "app", container: "app", port: 9000 },
  };
  const { streams } = rowsOf(route("app", spec), target(), "nas");
  assert.deepEqual(
    streams.map(({ port, protocol, backends, idleTimeoutMs }) => [port, protocol, backends[0]?.port, idleTimeoutMs]),
    [
      [8000, "udp", 9000, 60_000],
      [8001, "udp", 9001, 60_000],
    ],
  );
});

test("a Route without a backend says what it waits for", () => {
  const problem = { type: "Ready", status: "False", reason: "CrashLoop", message: "It ends" } as const;
  const waits = (over: Partial<Target>) => http({}, target({ ready: [], ...over }))?.waiting?.reason;
  assert.equal(waits({ service: undefined }), "ServiceNotFound");
  assert.equal(waits({ problem }), "CrashLoop");
  assert.equal(waits({ service: service("app", { ...app.spec, replicas: 0 }) }), "Stopped");
  assert.equal(waits({ placed: 0 }), "Pending");
  assert.equal(waits({}), "Starting");
  assert.equal(waitingFor({ host: "x", path: "/", to: { url: "nonsense" } }, undefined).reason, "InvalidUrl");
});

test("a redirect needs no backend", () => {
  assert.equal(http({ redirect: { to: "https://x", status: 302 } }, target({ ready: [] }))?.waiting, undefined);
});

test("a container whose ports are published is dialled at the published port, and at no other", () => {
  const published = { app: { "80/tcp": 32_768 } };
  const there = { node: "nas", instance: observedInstance("aaaa", { addresses: { app: "127.0.0.1" }, published }) };
  const backends = (port: number) => http({ to: { service: "app", container: "app", port } }, target({ ready: [there] }))?.backends;
  assert.deepEqual(backends(80), [{ node: "nas", instance: "app-aaaa", host: "127.0.0.1", port: 32_768 }]);
  assert.deepEqual(backends(22), [], "on 127.0.0.1 that is the machine's own");
});

test("TLS that is passed through is told apart by its host, on port 443 unless another is named", () => {
  const secret: RouteSpec = { host: "Films", path: "/", tls: "passthrough", to: { service: "app", port: 8443 } };
  const shown = (spec: RouteSpec) => {
    const { http: none, streams } = rowsOf(route("app", spec), target(), "nas");
    assert.deepEqual(none, []);
    return streams.map(({ protocol, port, host, backends }) => [protocol, port, host, backends[0]?.port]);
  };
  assert.deepEqual(shown(secret), [["tcp", 443, "films", 8443]]);
  assert.deepEqual(shown({ ...secret, listen: { port: 9443, protocol: "tcp" } }), [["tcp", 9443, "films", 8443]]);
});
