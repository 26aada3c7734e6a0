import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceStatus, ServiceStatus } from "../api/status.ts";
import { notBack, sentenceOf, type AppNow, type NodeState } from "./not-back.ts";

const instance = (node: string, ready: boolean): InstanceStatus => ({
  name: `app-${node}`,
  id: node,
  node,
  ready,
  reason: ready ? "Running" : "Starting",
  message: "",
  revision: "r1",
  generation: 1,
  containers: [],
});

function app(name: string, instances: readonly InstanceStatus[], over: Partial<ServiceStatus> = {}): AppNow {
  const ready = instances.filter((each) => each.ready).length;
  const status: ServiceStatus = {
    ready: `${ready}/1`,
    replicas: 1,
    readyReplicas: ready,
    nodes: instances.map(({ node }) => node),
    instances,
    placement: [],
    conditions: [{ type: "Ready", status: ready > 0 ? "True" : "False", reason: "Starting", message: "app-nas is starting on nas" }],
    ...over,
  };
  return { name, status };
}
const failing = (reason: string, message: string): Partial<ServiceStatus> => ({
  conditions: [{ type: "Ready", status: "False", reason, message }],
});
const states: Readonly<Record<string, NodeState>> = { nas: "there", nuc: "not back", pi4: "lost" };
const whyOf = (each: AppNow): string | undefined => notBack([each], (node) => states[node] ?? "there")[0]?.why;

test("an app is back when as many as are wanted serve on nodes that are there, or when none is wanted", () => {
  assert.equal(whyOf(app("web", [instance("nas", true)])), undefined);
  assert.equal(whyOf(app("web", [instance("nas", true), instance("nuc", true)], { replicas: 2 })), "its node nuc is not back");
  assert.equal(whyOf(app("off", [], { replicas: 0 })), undefined);
});

test("what a node said of its apps before it lost its power does not count, and is the reason", () => {
  assert.equal(whyOf(app("photos", [instance("nuc", true)])), "its node nuc is not back");
  assert.equal(whyOf(app("photos", [instance("pi4", true)])), "its node pi4 is lost");
});

test("else its own condition is the reason, in few words where there are some", () => {
  assert.equal(whyOf(app("films", [instance("nas", false)])), "it is starting");
  assert.equal(
    whyOf(app("films", [instance("nas", false)], failing("ImagePullFailed", "long"))),
    "its image is not here, and the registry does not answer",
  );
  assert.equal(whyOf(app("films", [], failing("NoNodeFits", "no node has the device zigbee"))), "no node has the device zigbee");
});

test("a few are named, the others counted", () => {
  const missing = Array.from({ length: 8 }, (_, index) => ({ name: `app${index}`, why: "it is starting" }));
  assert.equal(sentenceOf(missing.slice(0, 1), 1), "1 of 1 app is not back yet: app0: it is starting");
  assert.equal(sentenceOf(missing.slice(0, 1), 12), "1 of 12 apps is not back yet: app0: it is starting");
  assert.match(sentenceOf(missing, 12), /^8 of 12 apps are not back yet: app0: it is starting; .*app5: it is starting; and 2 more$/);
});
