import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteSpec } from "../../src/api/types.ts";
import { observedInstance, service } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { route } from "../../test/fakes/routes.ts";
import type { RouteFacts } from "./facts.ts";
import { plan } from "./plan.ts";
import { NO_ROWS, rowsOf } from "./rows.ts";

const context = { node: "nas", now: 0 };
const target = {
  service: service("app", serviceSpec("app", "app:1")),
  ready: [{ node: "nas", instance: observedInstance("aaaa", { addresses: { app: "10.201.0.2" } }) }],
  problem: undefined,
  placed: 1,
};
const facts = (over: Partial<RouteFacts> = {}): RouteFacts => ({
  name: "app",
  zone: "home.internal",
  held: undefined,
  target,
  rivals: [],
  listeners: [],
  localNames: [],
  reported: [],
  ...over,
});
const web = route("app", { host: "app", path: "/", to: { service: "app" } });
const ports: RouteSpec = { path: "/", listen: { port: 1883, protocol: "tcp" }, to: { service: "app", port: 1883 } };

test("rows are handed over once", () => {
  const { actions } = plan(web, facts(), context);
  assert.deepEqual(actions, [{ kind: "SetRoute", name: "app", rows: rowsOf(web, target, "nas") }]);
  assert.deepEqual(plan(web, facts({ held: rowsOf(web, target, "nas") }), context), { actions: [], conditions: [] });
});

test("a deleted Route takes its rows away, and what it said", () => {
  const reported = [{ type: "PortsHeld", status: "False", reason: "PortBusy", message: "" }] as const;
  assert.deepEqual(plan(undefined, facts({ held: NO_ROWS, reported }), context).actions, [
    { kind: "SetRoute", name: "app", rows: undefined },
    { kind: "Report", name: "app", conditions: [] },
  ]);
  assert.deepEqual(plan(undefined, facts(), context).actions, []);
});

test("the younger of two Routes has no rows", () => {
  const older = route("other", { host: "app", path: "/", to: { url: "http://x" } }, "2025-01-01T00:00:00Z");
  const { actions } = plan(web, facts({ rivals: [older] }), context);
  assert.deepEqual(actions, [{ kind: "SetRoute", name: "app", rows: NO_ROWS }]);
});

test("a port that this node cannot open is reported, and only this node's", () => {
  const listeners = [
    { protocol: "tcp", address: "0.0.0.0", port: 1883, problem: "port 1883 is held by mosquitto (pid 7)" },
    { protocol: "udp", address: "0.0.0.0", port: 1883, problem: "not ours" },
  ] as const;
  const { actions, conditions } = plan(route("app", ports), facts({ listeners }), context);
  assert.deepEqual(
    conditions.map(({ reason, message }) => [reason, message]),
    [
      [
        "PortBusy",
        "Port 1883/tcp cannot be opened on nas: port 1883 is held by mosquitto (pid 7). Stop that program, or listen on another port",
      ],
    ],
  );
  assert.deepEqual(
    actions.map(({ kind }) => kind),
    ["SetRoute", "Report"],
  );
  assert.deepEqual(
    plan(route("app", ports), facts({ listeners, reported: conditions }), context).actions.map(({ kind }) => kind),
    ["SetRoute"],
  );
});

test("many busy ports are one condition, and a problem at another address is somebody else's", () => {
  const listeners = Array.from({ length: 6 }, (_, index) => {
    const port = 8000 + index;
    return { protocol: "udp", address: "192.168.1.10", port, problem: `port ${port} needs root` } as const;
  });
  const range = (address?: string) =>
    route("app", {
      path: "/",
      listen: { port: 8000, endPort: 8010, protocol: "udp", ...(address !== undefined && { address }) },
      to: { service: "app", port: 8000 },
    });
  assert.deepEqual(
    plan(range(), facts({ listeners }), context).conditions.map(({ message }) => message),
    ["Ports cannot be opened on nas: port 8000 needs root; port 8001 needs root; port 8002 needs root; and 3 more"],
  );
  assert.deepEqual(plan(range("192.168.1.11"), facts({ listeners }), context).conditions, []);
});

test("a name that another device has on the LAN is told, also of a full `.local` name, and no other one's", () => {
  const localNames = [
    { host: "app", address: "192.168.1.10", state: "silent", problem: "192.168.1.9 has that name already" },
    { host: "app", address: "10.0.0.10", state: "announced" },
    { host: "other", address: "192.168.1.10", state: "silent", problem: "somebody has it" },
  ] as const;
  for (const host of ["app", "App.local"]) {
    const { conditions } = plan({ ...web, spec: { ...web.spec, host } }, facts({ localNames }), context);
    assert.deepEqual(
      conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
      [["LocalName", "False", "NotAnnounced", "app.local does not lead to nas on the LAN: 192.168.1.9 has that name already"]],
    );
  }
});
