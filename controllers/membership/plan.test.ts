import assert from "node:assert/strict";
import { test } from "node:test";
import { API_VERSION, type Resource } from "../../src/api/resource.ts";
import { seen } from "../../test/fakes/facts.ts";
import { nodeRecord } from "../../test/fakes/objects.ts";
import type { MembershipFacts } from "./facts.ts";
import { plan, HURRIED_RECHECK_MS, RECHECK_MS, SILENT_RECHECK_MS } from "./plan.ts";

const context = { node: "nas", now: 0 };
const record = nodeRecord("nas", "boot-nas");
const membership: Resource<"Membership"> = {
  apiVersion: API_VERSION,
  kind: "Membership",
  metadata: { name: "nas", uid: "u", generation: 1, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { role: "auto", schedulable: true },
};
const atRest: MembershipFacts = {
  name: "nas",
  machine: record,
  announced: record,
  isHeld: true,
  verdict: undefined,
  leftovers: [],
  listeners: [],
  nameServers: ["192.168.1.1"],
  reported: [],
};
const verbs = (over: Partial<MembershipFacts>, of: Resource<"Membership"> | undefined = membership) =>
  plan(of, { ...atRest, ...over }, context).actions.map(({ kind }) => kind);

test("a node at rest says nothing, and looks again at itself", () => {
  assert.deepEqual(plan(membership, atRest, context), { actions: [], conditions: [], recheckAfterMs: RECHECK_MS });
});

test("another node's Membership is its own business", () => {
  assert.deepEqual(plan(membership, undefined, context), { actions: [], conditions: [] });
});

test("a node without a Membership makes one", () => {
  assert.deepEqual(
    plan(undefined, atRest, context).actions.map(({ kind }) => kind),
    ["Create"],
  );
});

test("a node announces what it is: at first, when it changed, and under the lease of each new process", () => {
  assert.deepEqual(verbs({ announced: undefined }), ["Announce"]);
  assert.deepEqual(verbs({ machine: { ...record, cpus: 8 } }), ["Announce"]);
  assert.deepEqual(verbs({ isHeld: false }), ["Announce"]);
});

test("devices that were given a name are offered by it, with the groups of the path", () => {
  const named = { ...membership, spec: { ...membership.spec, devices: { zigbee: "/dev/ttyACM0" } } };
  const machine = { ...record, devices: [{ class: "/dev/serial/by-id/usb-1", paths: ["/dev/ttyACM0"], groups: [20] }] };
  const [action] = plan(named, { ...atRest, machine }, context).actions;
  assert.ok(action?.kind === "Announce");
  assert.deepEqual(action.record.devices.at(-1), { class: "zigbee", paths: ["/dev/ttyACM0"], groups: [20] });
});

test("a node clears its own Down, after it stopped what others may have taken over", () => {
  const verdict = seen({ state: "Down" as const }, 0, 7);
  assert.deepEqual(verbs({ verdict, leftovers: ["app-aaaa"] }), []);
  // Nothing goes there meanwhile, and nobody tells when the last one has stopped.
  assert.equal(plan(membership, { ...atRest, verdict, leftovers: ["app-aaaa"] }, context).recheckAfterMs, HURRIED_RECHECK_MS);
  assert.deepEqual(plan(membership, { ...atRest, verdict }, context).actions, [{ kind: "ClearDown", name: "nas", modRevision: 7 }]);
});

test("a node that is back while its Docker is silent says so and what it is, and clears its Down once it can tell what runs", () => {
  const verdict = seen({ state: "Down" as const }, 0, 7);
  const machine = { ...record, versions: { ...record.versions, docker: "" } };
  const unknown = { verdict, leftovers: undefined, announced: undefined, machine };
  assert.deepEqual(verbs(unknown), ["Announce", "Report"]);
  assert.equal(plan(membership, { ...atRest, ...unknown }, context).recheckAfterMs, SILENT_RECHECK_MS);
});

test("Docker away and busy ports are conditions, told once", () => {
  const machine = { ...record, versions: { ...record.versions, docker: "" } };
  const listeners = [{ protocol: "http", address: "0.0.0.0", port: 8080, problem: "nginx has port 80; 8080 was taken" }] as const;
  const { conditions } = plan(membership, { ...atRest, machine, announced: machine, listeners }, context);
  assert.deepEqual(
    conditions.map(({ type, reason }) => `${type} ${reason}`),
    ["DockerReady DockerUnavailable", "HttpPortHeld PortBusy"],
  );
  assert.deepEqual(verbs({ machine, announced: machine, listeners }), ["Report"]);
  assert.deepEqual(verbs({ machine, announced: machine, listeners, reported: conditions }), []);
});

test("a node whose apps can ask nobody for names outside says so, once it is known where the house itself answers", () => {
  const conditions = (over: Partial<MembershipFacts>) => plan(membership, { ...atRest, nameServers: [], ...over }, context).conditions;
  assert.deepEqual(
    conditions({}).map(({ reason, message }) => [reason, /apps here find no names outside/.test(message)]),
    [["NoNameServer", true]],
  );
  assert.deepEqual(conditions({ listeners: undefined }), []);
  assert.deepEqual(conditions({ nameServers: ["127.0.0.1"] }), []);
});

test("a disk is told of in large steps, and in small ones when it is nearly full", () => {
  const GIB = 2 ** 30;
  const having = (free: number) => ({ ...record, diskBytes: 100 * GIB, diskFreeBytes: free });
  const from = (before: number, now: number) => verbs({ announced: having(before), machine: having(now) });
  assert.deepEqual(from(50 * GIB, 46 * GIB), []);
  assert.deepEqual(from(50 * GIB, 44 * GIB), ["Announce"]);
  assert.deepEqual(from(2 * GIB, 1.9 * GIB), []);
  assert.deepEqual(from(2 * GIB, 1.5 * GIB), ["Announce"]);
  assert.deepEqual(verbs({ announced: record, machine: having(50 * GIB) }), ["Announce"], "it is told for the first time");
});

test("a disk whose size changes with what others have in its pool is told of in large steps", () => {
  const GIB = 2 ** 30;
  const having = (size: number, free: number) => ({ ...record, diskBytes: size * GIB, diskFreeBytes: free * GIB });
  const announced = having(100, 50);
  assert.deepEqual(verbs({ announced, machine: having(99.9, 49.9) }), []);
  assert.deepEqual(verbs({ announced, machine: having(96, 46) }), []);
  assert.deepEqual(verbs({ announced, machine: having(104, 50) }), []);
  assert.deepEqual(verbs({ announced, machine: having(94, 46) }), ["Announce"], "it is another size");
  assert.deepEqual(plan(membership, { ...atRest, machine: having(94, 44), announced }, context).actions, [
    { kind: "Announce", name: "nas", record: having(94, 44) },
  ]);
});
