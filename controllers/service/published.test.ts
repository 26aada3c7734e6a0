import assert from "node:assert/strict";
import { test } from "node:test";
import { docker } from "../../test/fakes/facts.ts";
import { containerSpec as stored, serviceSpec } from "../../test/fakes/objects.ts";
import { containerSpec, type Fillings } from "./container-spec.ts";
import { addressOf, probeOf } from "./health.ts";
import { portsToPublish, publishedOf } from "./published.ts";

const web = stored("web", "web:1", { network: "container:vpn" });
const vpn = stored("vpn", "vpn:1", { health: { tcp: 9000, interval: "10s", timeout: "5s", retries: 3, startGrace: "30s" } });
const db = stored("db", "db:1");
const spec = serviceSpec("app", "", {
  containers: [web, vpn, db],
  port: { container: "web", port: 80 },
  routes: [{ host: "app", path: "/", port: { container: "web", port: 80 } }],
  listen: [{ port: 5000, endPort: 5001, protocol: "udp", container: "web", targetPort: 6000 }],
});
const fillings: Fillings = {
  values: { url: "", host: "", zone: "home.internal", node: "nas", proxies: "" },
  secrets: {},
  devices: [],
  network: { kind: "bridge", network: "fossora", address: "10.201.0.2", aliases: [] },
  nameServers: [],
  remoteNetwork: true,
};

test("portsToPublish() are those that the Service names, at the container whose network they are in", () => {
  assert.deepEqual(portsToPublish(spec, vpn), [
    { port: 80, protocol: "tcp" },
    { port: 9000, protocol: "tcp" },
    { port: 6000, protocol: "udp" },
    { port: 6001, protocol: "udp" },
  ]);
  assert.deepEqual(portsToPublish(spec, web), []);
  assert.deepEqual(portsToPublish(spec, db), []);
});

test("containers publish nothing where they can be dialled, nor on the host's network", () => {
  const part = { service: "app", instance: "aaaa", spec, container: vpn };
  assert.equal(containerSpec(part, fillings).publish.length, 4);
  assert.deepEqual(containerSpec(part, { ...fillings, remoteNetwork: false }).publish, []);
  assert.deepEqual(containerSpec(part, { ...fillings, network: { kind: "host" } }).publish, []);
});

test("a published container is reached, and probed, on 127.0.0.1 at its port there", () => {
  const owner = docker("app", "aaaa", spec, { container: "vpn", address: "10.201.0.2", published: { "80/tcp": 32_768 } });
  const app = docker("app", "aaaa", spec, { container: "web" });
  const published = publishedOf(web, [app, owner]);
  assert.deepEqual(published, { "80/tcp": 32_768 });
  assert.equal(addressOf(web, [app, owner], "192.168.1.10"), "127.0.0.1");
  const probe = probeOf(spec, web, app, { host: "127.0.0.1", published });
  assert.deepEqual(probe && [probe.host, probe.port], ["127.0.0.1", 32_768]);
  assert.equal(probeOf(spec, web, app, { host: "127.0.0.1", published: { "81/tcp": 1 } }), undefined, "another's port is not asked");
  assert.equal(publishedOf(db, [docker("app", "aaaa", spec, { container: "db" })]), undefined);
});
