// The laws of the plans of Route, DnsRecord and Membership, asked of generated states.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DnsRecordFacts } from "../../controllers/dnsrecord/facts.ts";
import { plan as planRecord } from "../../controllers/dnsrecord/plan.ts";
import type { MembershipFacts } from "../../controllers/membership/facts.ts";
import { plan as planMembership } from "../../controllers/membership/plan.ts";
import type { RouteFacts } from "../../controllers/route/facts.ts";
import { plan as planRoute } from "../../controllers/route/plan.ts";
import { API_VERSION, type Resource } from "../../src/api/resource.ts";
import type { DnsRecordSpec, RouteSpec } from "../../src/api/types.ts";
import { observedInstance, seen, service } from "../fakes/facts.ts";
import { nodeRecord, serviceSpec } from "../fakes/objects.ts";
import { record, route } from "../fakes/routes.ts";

const ROUNDS_MAX = 8;
const context = { node: "nas", now: 0 };
const name = fc.constantFrom("a", "b", "c");
const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const to = fc.constantFrom<RouteSpec["to"]>(
  { service: "app" },
  { service: "app", container: "db", port: 5432 },
  { url: "https://192.168.1.1" },
  { url: "nonsense" },
);
const routeSpec: fc.Arbitrary<RouteSpec> = fc.oneof(
  fc.record({ host: name, path: fc.constantFrom("/", "/x"), to }),
  fc.record({
    path: fc.constant("/"),
    listen: fc.record({ port: fc.integer({ min: 1000, max: 1003 }), protocol: fc.constantFrom("tcp" as const, "udp" as const) }),
    to,
  }),
);
const anyRoute = fc.tuple(name, routeSpec, created).map(([each, spec, at]) => route(each, spec, at));
const ready = fc
  .uniqueArray(fc.constantFrom("aaaa", "bbbb", "cccc"))
  .map((ids) =>
    ids.sort().map((id) => ({ node: "nas", instance: observedInstance(id, { addresses: { app: "10.201.0.2", db: "10.201.0.3" } }) })),
  );
const target = fc
  .record({ service: optional(fc.constant(service("app", serviceSpec("app", "app:1")))), ready, placed: fc.nat(3) })
  .map((each) => ({ ...each, problem: undefined }));
const listener = fc.record({
  protocol: fc.constantFrom("tcp" as const, "udp" as const),
  address: fc.constant("0.0.0.0"),
  port: fc.integer({ min: 1000, max: 1003 }),
  problem: fc.constant("busy"),
});

function settleRoute(desired: Resource<"Route"> | undefined, facts: RouteFacts): { readonly facts: RouteFacts; readonly rounds: number } {
  let current = facts;
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    const [head] = planRoute(desired, current, context).actions;
    if (head === undefined) return { facts: current, rounds };
    current = head.kind === "SetRoute" ? { ...current, held: head.rows } : { ...current, reported: head.conditions };
  }
  throw new Error("a Route never comes to rest");
}

const routeFacts = fc.record({
  name,
  zone: fc.constant("home.internal"),
  held: fc.constant(undefined),
  target: optional(target),
  rivals: fc.array(anyRoute, { maxLength: 3 }),
  listeners: fc.array(listener, { maxLength: 2 }),
  localNames: fc.constant([]),
  reported: fc.constant([]),
});

test("a Route comes to rest in two rounds, and leaves nothing once it is deleted", () => {
  fc.assert(
    fc.property(anyRoute, routeFacts, (desired, facts) => {
      const settled = settleRoute(desired, facts);
      assert.ok(settled.rounds <= 2);
      const gone = settleRoute(undefined, settled.facts).facts;
      assert.deepEqual([gone.held, gone.reported], [undefined, []]);
    }),
  );
});

test("of Routes that want the same exactly one has it, on every node and in whatever order they are seen", () => {
  fc.assert(
    fc.property(
      routeSpec,
      fc.uniqueArray(fc.tuple(name, created), { minLength: 2, selector: ([each]) => each }),
      target,
      (spec, named, led) => {
        const routes = named.map(([each, at]) => route(each, spec, at));
        const served = (all: readonly Resource<"Route">[]) =>
          all
            .filter((each) => {
              const facts = {
                name: each.metadata.name,
                zone: "home.internal",
                held: undefined,
                target: led,
                rivals: all.filter((other) => other !== each),
                listeners: [],
                localNames: [],
                reported: [],
              };
              const [action] = planRoute(each, facts, context).actions;
              return action?.kind === "SetRoute" && action.rows !== undefined && action.rows.http.length + action.rows.streams.length > 0;
            })
            .map(({ metadata }) => metadata.name);
        assert.equal(served(routes).length, 1);
        assert.deepEqual(served(routes.toReversed()), served(routes));
      },
    ),
  );
});

const recordSpec: fc.Arbitrary<DnsRecordSpec> = fc
  .record({ name: fc.constantFrom("printer", "*.dev", "mail.example.com."), values: optional(fc.constant(["192.168.1.40"])) })
  .map(({ name: label, values }) => ({ name: label, type: "A", ttl: "5m", ...(values && { values }) }));
const anyRecord = fc
  .tuple(name, recordSpec, optional(fc.constant("Route/x")), created)
  .map(([each, spec, owner, at]) => record(each, spec, owner, at));
const node = fc.record({ name: fc.constantFrom("nas", "pi", "nuc"), holdsPort: fc.boolean() });
const recordFacts: fc.Arbitrary<DnsRecordFacts> = fc.record({
  name,
  zone: fc.constant("home.internal"),
  held: fc.constant(undefined),
  rivals: fc.array(anyRecord, { maxLength: 3 }),
  nodes: fc.uniqueArray(node, { selector: (each) => each.name }),
  hosts: fc.subarray(["nas", "nuc", "pi"]),
});

test("a DnsRecord comes to rest in one round, whatever the order of nodes, and leaves nothing once it is deleted", () => {
  fc.assert(
    fc.property(anyRecord, recordFacts, (desired, facts) => {
      const [action] = planRecord(desired, facts).actions;
      const shuffled = { ...facts, nodes: facts.nodes.toReversed(), hosts: facts.hosts.toReversed(), rivals: facts.rivals.toReversed() };
      assert.deepEqual(planRecord(desired, shuffled).actions[0], action);
      const held = action?.rows;
      assert.deepEqual(planRecord(desired, { ...facts, held }).actions, []);
      assert.deepEqual(
        planRecord(undefined, { ...facts, held }).actions.map(({ rows }) => rows),
        [undefined],
      );
    }),
  );
});

const membership: Resource<"Membership"> = {
  apiVersion: API_VERSION,
  kind: "Membership",
  metadata: { name: "nas", uid: "u", generation: 1, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { role: "auto", schedulable: true },
};
const machine = fc.record({ cpus: fc.nat(8), docker: fc.constantFrom("", "28.0.0") }).map(({ cpus, docker }) => {
  const base = nodeRecord("nas", "boot-nas");
  return { ...base, cpus, versions: { ...base.versions, docker } };
});
const membershipFacts: fc.Arbitrary<MembershipFacts> = fc.record({
  name: fc.constant("nas"),
  machine,
  announced: optional(machine),
  isHeld: fc.boolean(),
  verdict: optional(fc.constantFrom("Up" as const, "Down" as const).map((state) => seen({ state }))),
  leftovers: fc.constantFrom<readonly string[] | undefined>([], ["app-aaaa"], undefined),
  listeners: optional(
    fc.array(
      fc.record({
        protocol: fc.constantFrom("http" as const, "dns" as const),
        address: fc.constant("0.0.0.0"),
        port: fc.nat(9),
        problem: fc.constant("busy"),
      }),
      { maxLength: 2 },
    ),
  ),
  nameServers: fc.constantFrom<readonly string[]>([], ["192.168.1.1"]),
  reported: fc.constant([]),
});

test("a Membership comes to rest in four rounds, and never clears a Down while something is, or may be, left over", () => {
  fc.assert(
    fc.property(fc.boolean(), membershipFacts, (exists, facts) => {
      let desired = exists ? membership : undefined;
      let current = facts;
      for (let round = 0; ; round++) {
        assert.ok(round <= 4, "it never comes to rest");
        const [head] = planMembership(desired, current, context).actions;
        if (head === undefined) break;
        if (head.kind === "Create") desired = membership;
        else if (head.kind === "Announce") current = { ...current, announced: head.record, isHeld: true };
        else if (head.kind === "Report") current = { ...current, reported: head.conditions };
        else {
          assert.deepEqual(current.leftovers, []);
          current = { ...current, verdict: undefined };
        }
      }
      assert.equal(current.verdict?.value.state === "Down", facts.verdict?.value.state === "Down" && facts.leftovers?.length !== 0);
    }),
  );
});
