import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StreamRoute } from "../api/table.ts";
import { BY_HOST, planListeners, streamListeners, type StreamListener } from "./listeners.ts";

const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"], upstreams: [] };
const own = ["127.0.0.1", "192.168.1.10", "fd00::10", "172.30.0.1", "172.30.9.1"];
const mqtt: StreamRoute = { name: "mqtt", protocol: "tcp", port: 1883, backends: [], idleTimeoutMs: 1000 };
const dtls: StreamRoute = { ...mqtt, name: "dtls", protocol: "udp", port: 5684 };
const tableOf = (...streams: readonly StreamRoute[]) => ({ zone: "home.internal", streams });
const shown = (listeners: readonly StreamListener[]): readonly string[] =>
  listeners.map(({ protocol, address, port, routes }) => `${protocol} ${address} ${port} ${routes.map(({ name }) => name).join("+")}`);
const listenersOf = (...routes: readonly StreamRoute[]): readonly string[] => shown(streamListeners(routes, { own, containers }));

test("TCP has one listener for all addresses, UDP one for each that people are told of", () => {
  assert.deepEqual(listenersOf(mqtt), ["tcp :: 1883 mqtt"]);
  assert.deepEqual(listenersOf(dtls), [
    "udp 127.0.0.1 5684 dtls",
    "udp 192.168.1.10 5684 dtls",
    "udp fd00::10 5684 dtls",
    "udp 172.30.0.1 5684 dtls",
  ]);
});

test("what is for apps only listens on their bridge, and not before that is made", () => {
  const database: StreamRoute = { ...mqtt, allow: ["apps"] };
  assert.deepEqual(listenersOf(database), ["tcp 172.30.0.1 1883 mqtt"]);
  assert.deepEqual(streamListeners([database], { own }), []);
  assert.deepEqual(listenersOf({ ...mqtt, allow: ["apps", "lan"] }), ["tcp :: 1883 mqtt"]);
});

test("who names an address has it, and who wants all gets the others", () => {
  const other: StreamRoute = { ...mqtt, name: "other", address: "192.168.1.10" };
  assert.deepEqual(listenersOf(mqtt, other), [
    "tcp 192.168.1.10 1883 other",
    "tcp 127.0.0.1 1883 mqtt",
    "tcp fd00::10 1883 mqtt",
    "tcp 172.30.0.1 1883 mqtt",
  ]);
  assert.deepEqual(listenersOf(other, { ...other, name: "late" }), ["tcp 192.168.1.10 1883 other"]);
});

test("whatever the table, no two listeners meet and each belongs to its own route", () => {
  const route = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    port: fc.constantFrom(1, 2),
    backends: fc.constant([]),
    idleTimeoutMs: fc.constant(1),
    address: fc.constantFrom(undefined, "::", "0.0.0.0", "192.168.1.10", "10.9.9.9"),
    allow: fc.constantFrom(undefined, ["apps"], ["lan", "apps"]),
    host: fc.constantFrom(undefined, "a", "b"),
  });
  fc.assert(
    fc.property(fc.array(route, { maxLength: 8 }), fc.boolean(), (routes, bridge) => {
      const table: readonly StreamRoute[] = routes.map(({ address, allow, host, ...rest }) => ({
        ...rest,
        ...(address && { address }),
        ...(allow && { allow }),
        ...(host && { host }),
      }));
      const listeners = streamListeners(table, { own, ...(bridge && { containers }) });
      for (const [index, { protocol, address, port, routes: shared }] of listeners.entries()) {
        const [route] = shared;
        assert.ok(route !== undefined && (shared.length === 1 || shared.every(({ host }) => host !== undefined)));
        assert.ok(shared.every((each) => table.includes(each) && each.protocol === protocol && each.port === port));
        const rivals = listeners.slice(index + 1).filter((each) => each.protocol === protocol && each.port === port);
        assert.ok(rivals.every((each) => each.address !== address && each.address !== "::" && address !== "::"));
        if (route.allow?.join() === "apps" && route.address === undefined) assert.equal(address, containers.gateway);
      }
      for (const { protocol, port, address } of table)
        if (address === undefined ? bridge : address !== "::" && address !== "0.0.0.0")
          assert.ok(listeners.some((each) => each.protocol === protocol && each.port === port));
    }),
  );
});

const settings = { http: { addresses: ["::", "::"], ports: [80, 8080] }, dns: { addresses: ["127.0.0.1"], ports: [53] } };

test("HTTP, DNS and raw ports listen where the agent and the table say, and nowhere before", () => {
  assert.deepEqual(planListeners(undefined, tableOf(mqtt), own).wishes, []);
  assert.deepEqual(planListeners(settings, tableOf(mqtt), own).wishes, [
    { protocol: "http", address: "::", ports: [80, 8080] },
    { protocol: "dns", address: "127.0.0.1", ports: [53] },
    { protocol: "tcp", address: "::", ports: [1883] },
  ]);
});

test("a listener of a raw port finds its route, nobody else's", () => {
  const plan = planListeners(settings, tableOf(mqtt, dtls), own);
  assert.equal(plan.route("tcp", "::", 1883), mqtt);
  assert.equal(plan.route("udp", "fd00::10", 5684), dtls);
  assert.equal(plan.route("udp", "::", 1883), undefined);
});

test("what listens on all IPv4 addresses, for the kernel knows no IPv6, is the listener of all addresses", () => {
  const plan = planListeners(settings, tableOf(mqtt, { ...mqtt, port: 1884, address: "0.0.0.0" }), own);
  assert.equal(plan.route("tcp", "0.0.0.0", 1883), mqtt);
  assert.equal(plan.route("tcp", "0.0.0.0", 1884), plan.route("tcp", "::", 1884));
});

test("TLS routes share a port and are found by the host that is asked for, the first of a host", () => {
  const film = { ...mqtt, name: "films", port: 443, host: "films" };
  const shop = { ...film, name: "shop", host: "shop.example.org" };
  const plan = planListeners(settings, tableOf(film, shop, { ...shop, name: "late" }), own);
  assert.equal(plan.wishes.filter(({ protocol }) => protocol === "tcp").length, 1);
  assert.equal(plan.route("tcp", "::", 443), BY_HOST);
  for (const host of ["films", "films.home.internal", "films.local"]) assert.equal(plan.route("tcp", "::", 443, host), film);
  assert.equal(plan.route("tcp", "::", 443, "shop.example.org"), shop);
  assert.equal(plan.route("tcp", "::", 443, "nobody"), undefined);
  const plain = planListeners(settings, tableOf({ ...mqtt, port: 443 }, film), own);
  assert.deepEqual(
    [plain.route("tcp", "::", 443), plain.route("tcp", "::", 443, "films")].map((found) => found !== BY_HOST && found?.name),
    ["mqtt", "mqtt"],
  );
});

test("a backend beyond the last port is none", () => {
  const backend = (port: number) => ({ node: "attic", instance: "a", host: "10.0.0.2", port });
  const plan = planListeners(settings, tableOf({ ...mqtt, backends: [backend(65_535), backend(65_536), backend(0)] }), own);
  const found = plan.route("tcp", "::", 1883);
  assert.ok(found !== undefined && found !== BY_HOST);
  assert.deepEqual(found.backends, [backend(65_535)]);
});

test("raw ports above the limit are not listened on, and said", () => {
  const many = Array.from({ length: 1025 }, (_, index) => ({ ...mqtt, port: index + 1 }));
  const plan = planListeners(settings, tableOf(...many), own);
  assert.equal(plan.wishes.filter(({ protocol }) => protocol === "tcp").length, 1024);
  assert.deepEqual(
    plan.refused.map(({ protocol, address, port }) => [protocol, address, port]),
    [["tcp", "::", 1025]],
  );
  assert.match(plan.refused[0]?.problem ?? "", /1024 raw ports/);
  assert.equal(plan.route("tcp", "::", 1025), undefined);
});
