import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { Condition } from "../../src/api/resource.ts";
import type { RouteSpec } from "../../src/api/types.ts";
import { decided, instance, observedInstance } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, serviceSpec } from "../../test/fakes/objects.ts";
import { statusOf as statusOfAny } from "../index.ts";
import { whyNowhere } from "../service/scheduling.ts";
import { targetOf } from "./house-facts.ts";
import { rowsOf } from "./rows.ts";
import { routeStatus } from "./status.ts";

const spec = serviceSpec("app", "app:1");

async function statusOf({
  name = "app",
  routes = {},
  conditions = [],
}: {
  readonly name?: string;
  readonly routes?: Readonly<Record<string, RouteSpec>>;
  readonly conditions?: readonly Condition[];
}) {
  const mirror = await mirrorOf((etcd) => {
    put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
    apply(etcd, "Service", "app", spec);
    for (const [each, value] of Object.entries(routes)) apply(etcd, "Route", each, value);
    put(etcd, keys.decided("Service", "app"), decided("app", spec, [instance("aaaa", "nas", spec)]));
    put(etcd, keys.observed("Service", "app", "nas"), {
      bootId: "boot-nas",
      instances: [observedInstance("aaaa", { addresses: { app: "10.201.0.2" } })],
    });
    if (conditions.length > 0) put(etcd, keys.observed("Route", name, "nas"), { bootId: "boot-nas", conditions });
  });
  const route = mirror.desired("Route", name);
  assert.ok(route);
  return routeStatus(route, mirror, () => undefined);
}

test("a Route that leads somewhere is Ready, with its URL and backends", async () => {
  const status = await statusOf({});
  assert.deepEqual([status.url, status.backends, status.conditions[0]?.reason], ["http://app.home.internal", "1/1 (nas:80)", "Ready"]);
});

test("the younger of two Routes says who has its name", async () => {
  const status = await statusOf({ name: "zebra", routes: { zebra: { host: "app", path: "/", to: { service: "app" } } } });
  assert.equal(status.backends, "0/1");
  assert.deepEqual([status.conditions[0]?.reason, /'app'/.test(status.conditions[0]?.message ?? "")], ["Conflict", true]);
});

test("a Route whose port no node can open is not Ready, and says why", async () => {
  const listen = { port: 1883, protocol: "tcp" } as const;
  const routes = { mqtt: { path: "/", listen, to: { service: "app", port: 1883 } } };
  const busy = { type: "PortsHeld", status: "False", reason: "PortBusy", message: "mosquitto has it" } as const;
  const { conditions } = await statusOf({ name: "mqtt", routes, conditions: [busy] });
  assert.deepEqual([conditions[0]?.status, conditions[0]?.reason, conditions[0]?.message], ["False", "PortBusy", "mosquitto has it"]);
});

test("a Route to nothing says what is missing", async () => {
  const status = await statusOf({ name: "lost", routes: { lost: { host: "lost", path: "/", to: { service: "nowhere" } } } });
  assert.deepEqual([status.backends, status.conditions[0]?.reason], ["0/0", "ServiceNotFound"]);
});

test("what a node alone can say is added", async () => {
  const busy = { type: "PortsHeld", status: "False", reason: "PortBusy", message: "", lastTransitionTime: "2026-02-01T00:00:00Z" } as const;
  const { conditions } = await statusOf({ conditions: [busy] });
  assert.deepEqual(
    conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [
      ["Ready", busy.lastTransitionTime],
      ["PortsHeld", busy.lastTransitionTime],
    ],
  );
});

test("an app that cannot know its clients' addresses is said so", async () => {
  const listen = { port: 1883, protocol: "tcp" } as const;
  const raw: RouteSpec = { path: "/", listen, to: { service: "app", port: 1883 } };
  const messageOf = async (routeSpec: RouteSpec) =>
    (await statusOf({ name: "mqtt", routes: { mqtt: routeSpec } })).conditions.find(({ type }) => type === "Ready")?.message ?? "";
  assert.match(await messageOf(raw), /gateway's address/);
  assert.doesNotMatch(await messageOf({ ...raw, proxyProtocol: "v2" }), /gateway/);
});

test("of an app that no node can take the Route and its page say what the Service says", async () => {
  const mirror = await mirrorOf((etcd) => {
    put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
    apply(etcd, "Membership", "nas", { role: "auto", schedulable: false });
    apply(etcd, "Service", "app", spec);
  });
  const service = mirror.desired("Service", "app");
  const route = mirror.desired("Route", "app");
  assert.ok(service && route);
  const said = [service, route].map((each) => statusOfAny(each, mirror).conditions.find(({ type }) => type === "Ready"));
  const expected = ["NoNodeFits", "None of 1 nodes fits: nas: it is cordoned"];
  assert.deepEqual(
    said.map((condition) => [condition?.reason, condition?.message]),
    [expected, expected],
  );
  const [row] = rowsOf(route, targetOf(route, mirror, whyNowhere), "nas").http;
  assert.deepEqual([row?.waiting?.reason, row?.waiting?.message, row?.waiting?.next], [...expected, "fossora describe service/app"]);
});
