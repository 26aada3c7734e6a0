import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Health } from "../../src/api/types.ts";
import { docker } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { addressOf, healthOf, probeOf } from "./health.ts";

const timing = { interval: "10s", timeout: "2s", retries: 3, startGrace: "1m" };
const specWith = (over: Partial<Container>) => serviceSpec("app", "app:1", { containers: [containerSpec("app", "app:1", over)] });
const probe = (health: Health | undefined, dockerHealth: "none" | "starting" = "none") => {
  const spec = specWith(health === undefined ? {} : { health });
  const [container] = spec.containers;
  assert.ok(container);
  return probeOf(spec, container, docker("app", "aaaa", spec, { health: dockerHealth }), { host: "10.201.0.2", published: undefined });
};

test("without a check the Service's port is tried, unless the image has a HEALTHCHECK", () => {
  assert.deepEqual(probe(undefined), {
    kind: "tcp",
    host: "10.201.0.2",
    port: 80,
    timing: { intervalMs: 10_000, timeoutMs: 5_000, retries: 3, startGraceMs: 30_000 },
  });
  assert.equal(probe(undefined, "starting"), undefined);
});

test("an HTTP check asks the port of the Service, or its own", () => {
  const expected = {
    kind: "http",
    host: "10.201.0.2",
    port: 80,
    path: "/health",
    status: [200, 399],
    timing: { intervalMs: 10_000, timeoutMs: 2_000, retries: 3, startGraceMs: 60_000 },
  };
  assert.deepEqual(probe({ ...timing, http: "/health", status: "200-399" }), expected);
  assert.deepEqual(probe({ ...timing, http: "/health", status: "204", port: 9 }), { ...expected, port: 9, status: [204, 204] });
});

test("an interval that was stored before it had a bound is no hot loop", () => {
  assert.equal(probe({ ...timing, interval: "0s", tcp: 80 })?.timing.intervalMs, 100);
});

test("commands are Docker's, and 'none' is nobody's", () => {
  assert.equal(probe({ ...timing, command: ["true"] }), undefined);
  assert.equal(probe("none"), undefined);
});

test("a container beside the app has no check by default", () => {
  const spec = serviceSpec("app", "app:1", { containers: [containerSpec("app", "app:1"), containerSpec("db", "db:1")] });
  const db = spec.containers[1];
  assert.ok(db);
  assert.equal(
    probeOf(spec, db, docker("app", "aaaa", spec, { container: "db" }), { host: "10.201.128.3", published: undefined }),
    undefined,
  );
});

test("healthOf() believes the agent's probe before Docker, and nobody under 'none'", () => {
  const running = docker("app", "aaaa", specWith({}), { health: "unhealthy", healthDetail: "exit 1" });
  assert.deepEqual(healthOf(undefined, running, { health: "healthy", sinceMs: 0 }), { health: "healthy" });
  assert.deepEqual(healthOf(undefined, running, undefined), { health: "unhealthy", detail: "exit 1" });
  assert.deepEqual(healthOf("none", running, undefined), { health: "none" });
});

test("addressOf() is its own, its network's owner's, or the node's", () => {
  const vpn = containerSpec("vpn", "vpn:1");
  const app = containerSpec("app", "app:1", { network: "container:vpn" });
  const spec = serviceSpec("app", "", { containers: [app, vpn] });
  const containers = [docker("app", "aaaa", spec, { container: "vpn", address: "10.201.128.2" })];
  assert.equal(addressOf(app, containers, "192.168.1.10"), "10.201.128.2");
  assert.equal(addressOf(containerSpec("app", "app:1", { network: "host" }), [], "192.168.1.10"), "192.168.1.10");
  assert.equal(addressOf(vpn, [], "192.168.1.10"), undefined);
});
