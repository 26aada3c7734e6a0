import assert from "node:assert/strict";
import { test } from "node:test";
import { API_VERSION, type Resource } from "../../src/api/resource.ts";
import type { HouseSpec } from "../../src/api/types.ts";
import type { HouseFacts, ResolverFacts } from "./facts.ts";
import { plan, RECHECK_MS } from "./plan.ts";

const context = { node: "nas", now: 0 };
const house = (resolver?: HouseSpec["resolver"]): Resource<"House"> => ({
  apiVersion: API_VERSION,
  kind: "House",
  metadata: { name: "house", uid: "u", generation: 1, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { zone: "home.internal", joining: "auto", ...(resolver && { resolver }) },
});
const facts = (over: Partial<ResolverFacts> = {}, more: Partial<HouseFacts> = {}): HouseFacts => ({
  held: undefined,
  resolver: {
    hostServers: ["192.168.1.1"],
    houseAddresses: ["192.168.1.10"],
    dnsListeners: [{ address: "192.168.1.10", port: 53 }],
    apps: {},
    ...over,
  },
  reported: [],
  ...more,
});
const HOST = { serve: ["lan"], upstream: "host" } as const;

test("a house without a resolver hands over that it has none, once", () => {
  assert.deepEqual(plan(house(), facts(), context), { actions: [{ kind: "SetHouse", rows: {} }], conditions: [] });
  assert.deepEqual(plan(house(), facts({}, { held: {} }), context).actions, []);
});

test("whom to ask is handed over, and looked at again, for a host's servers change without telling", () => {
  const rows = { resolver: { serve: ["lan" as const], upstreams: [{ host: "192.168.1.1", port: 53 }] } };
  assert.deepEqual(plan(house(HOST), facts(), context), {
    actions: [{ kind: "SetHouse", rows }],
    conditions: [],
    recheckAfterMs: RECHECK_MS,
  });
  assert.deepEqual(plan(house(HOST), facts({}, { held: rows }), context).actions, []);
});

test("a house that would ask itself is told so, once, and what to write instead", () => {
  const { actions, conditions } = plan(house(HOST), facts({ hostServers: ["192.168.1.10"] }), context);
  assert.deepEqual(conditions, [
    {
      type: "ResolverReady",
      status: "False",
      reason: "NoUpstream",
      message:
        "All upstreams are addresses of this house (192.168.1.10), and a question would go round for ever: nas answers names outside of " +
        "home.internal with a failure. Name another in spec.resolver.upstream, such as 9.9.9.9",
    },
  ]);
  assert.deepEqual(
    actions.map(({ kind }) => kind),
    ["SetHouse", "Report"],
  );
  const held = { resolver: { serve: ["lan" as const], upstreams: [] } };
  assert.deepEqual(plan(house(HOST), facts({ hostServers: ["192.168.1.10"] }, { held, reported: conditions }), context).actions, []);
});

test("a host without name servers, an app that is not ready, and what is asked in its stead, are told", () => {
  const said = (resolver: HouseSpec["resolver"], over: Partial<ResolverFacts>): string | undefined =>
    plan(house(resolver), facts(over), context).conditions[0]?.message;
  assert.match(said(HOST, { hostServers: [] }) ?? "", /^No name server in \/etc\/resolv.conf of nas is outside of it: /);
  const app = { serve: ["lan" as const], upstream: ["service/pihole"] };
  assert.equal(
    said(app, {}),
    "There is no Service 'pihole': nas answers names outside of home.internal with a failure: add 'fallback: host' to spec.resolver, or another upstream",
  );
  assert.equal(said({ ...app, fallback: "host" }, {}), "There is no Service 'pihole': nas asks 192.168.1.1 meanwhile");
});

test("a node that has no other name server than the house is told: it is not served", () => {
  const app = { serve: ["lan" as const], upstream: ["9.9.9.9"] };
  const { conditions } = plan(house(app), facts({ hostServers: ["192.168.1.10"] }), context);
  assert.equal(conditions[0]?.reason, "HostAsksHouse");
  assert.deepEqual(plan(house(app), facts({ hostServers: ["192.168.1.10", "192.168.1.1"] }), context).conditions, []);
});

test("a house that is gone leaves nothing", () => {
  assert.deepEqual(plan(undefined, facts({}, { held: {} }), context).actions, [{ kind: "SetHouse", rows: undefined }]);
});
