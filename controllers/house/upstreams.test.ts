import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { observedInstance, service } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import type { App, ResolverFacts } from "./facts.ts";
import { chooseUpstreams, type ResolverSpec } from "./upstreams.ts";

const here = (more: Parameters<typeof observedInstance>[1]) => ({ node: "nas", instance: observedInstance("aaaa", more) });
const pihole = service("pihole", serviceSpec("pihole", "pihole:1"));
const running: App = { service: pihole, ready: [here({ addresses: { pihole: "10.201.0.5" } })] };
const which = { isApp: true, node: "nas", instance: "pihole-aaaa" };
/** As an ingress that has that port wherever it listens. */
const listening = (port: number) => ["127.0.0.1", "192.168.1.10"].map((address) => ({ address, port }));
const facts = (over: Partial<ResolverFacts> = {}): ResolverFacts => ({
  hostServers: ["192.168.1.1"],
  houseAddresses: ["192.168.1.10", "172.30.0.1"],
  dnsListeners: listening(53),
  apps: { pihole: running },
  ...over,
});
const choose = (upstream: ResolverSpec["upstream"], over: Partial<ResolverFacts> = {}, fallback?: "host") =>
  chooseUpstreams({ serve: ["lan"], upstream, ...(fallback && { fallback }) }, facts(over));

test("the host's servers, addresses and apps are asked in the order in which they are written", () => {
  assert.deepEqual(choose("host").upstreams, [{ host: "192.168.1.1", port: 53 }]);
  assert.deepEqual(choose(["service/pihole:5335", "9.9.9.9", "[fd00::1]:5353"]).upstreams, [
    { host: "10.201.0.5", port: 5335, ...which },
    { host: "9.9.9.9", port: 53 },
    { host: "fd00::1", port: 5353 },
  ]);
});

test("an app that is not ready is left out, and the fallback comes last, whether it is or not", () => {
  assert.deepEqual(
    choose(["service/pihole"], {}, "host").upstreams.map(({ host }) => host),
    ["10.201.0.5", "192.168.1.1"],
  );
  const { upstreams, missing } = choose(["service/pihole"], { apps: { pihole: { ...running, ready: [] } } }, "host");
  assert.deepEqual([upstreams.map(({ host }) => host), missing], [["192.168.1.1"], ["service pihole is not ready"]]);
  assert.deepEqual(choose(["service/pihole"], { apps: {} }).missing, ["there is no Service 'pihole'"]);
});

test("where ports are published, the published ones are asked", () => {
  const published = { pihole: { "53/udp": 40_001, "53/tcp": 40_002 } };
  const ready = [here({ addresses: { pihole: "127.0.0.1" }, published })];
  assert.deepEqual(choose(["service/pihole"], { apps: { pihole: { ...running, ready } } }).upstreams, [
    { host: "127.0.0.1", port: 40_001, tcpPort: 40_002, ...which },
  ]);
  assert.deepEqual(choose(["service/pihole:54"], { apps: { pihole: { ...running, ready } } }).missing, [
    "service pihole has no port 54/udp that can be reached",
  ]);
});

test("an app on another node is asked there, after those that are here, though both have one address", () => {
  const instance = observedInstance("bbbb", { addresses: { pihole: "10.201.0.5" } });
  const ready = [...running.ready, { node: "pi", instance }];
  assert.deepEqual(choose(["service/pihole"], { apps: { pihole: { ...running, ready } } }).upstreams, [
    { host: "10.201.0.5", port: 53, ...which },
    { host: "10.201.0.5", port: 53, isApp: true, node: "pi", instance: "pihole-bbbb" },
  ]);
});

test("the house's own addresses are left out where the house answers, another server's port of a node is not", () => {
  const { upstreams, own } = choose(["192.168.1.10", "127.0.0.1", "192.168.1.10:5335", "9.9.9.9", "9.9.9.9:53"]);
  assert.deepEqual(own, ["192.168.1.10", "127.0.0.1"]);
  assert.deepEqual(upstreams, [
    { host: "192.168.1.10", port: 5335 },
    { host: "9.9.9.9", port: 53 },
  ]);
  assert.deepEqual(choose(["192.168.1.10:5354"], { dnsListeners: listening(5354) }).upstreams, []);
  assert.deepEqual(choose("host", { hostServers: ["192.168.1.10"] }), {
    upstreams: [],
    own: ["192.168.1.10"],
    missing: [],
    hostAsksHouse: true,
  });
});

test("a resolver of the host's own on loopback is asked, at port 53 too, as long as the house itself is not there", () => {
  const dnsListeners = [
    { address: "127.0.0.1", port: 5354 },
    { address: "192.168.1.10", port: 53 },
  ];
  const { upstreams, own } = choose(["127.0.0.1", "127.0.0.53", "::1"], { dnsListeners });
  assert.deepEqual([upstreams.map(({ host, port }) => `${host} ${port}`), own], [["127.0.0.1 53", "127.0.0.53 53", "::1 53"], []]);
  assert.deepEqual(choose(["127.0.0.1:5354"], { dnsListeners }).own, ["127.0.0.1"]);
  assert.deepEqual(choose("host", { dnsListeners, hostServers: ["127.0.0.1"] }).hostAsksHouse, false);
});

test("whatever is written and wherever nodes are, nobody is asked on an address and port of the house's own", () => {
  const address = fc.constantFrom("192.168.1.10", "172.30.0.1", "9.9.9.9", "127.0.0.1", "::1", "192.168.1.10:5354", "service/pihole", "x");
  fc.assert(
    fc.property(
      fc.array(address),
      fc.subarray(["192.168.1.10", "172.30.0.1", "10.201.0.5"]),
      fc.constantFrom(listening(53), listening(5354), []),
      fc.constantFrom("host" as const, undefined),
      (upstream, houseAddresses, dnsListeners, fallback) => {
        const { upstreams } = choose(upstream, { houseAddresses, dnsListeners, hostServers: ["192.168.1.10", "9.9.9.9"] }, fallback);
        const ports = [53, ...dnsListeners.map(({ port }) => port)];
        assert.ok(!upstreams.some(({ host, port }) => houseAddresses.includes(host) && ports.includes(port)));
        assert.ok(!upstreams.some(({ host, port }) => dnsListeners.some((each) => each.address === host && each.port === port)));
      },
    ),
  );
});
