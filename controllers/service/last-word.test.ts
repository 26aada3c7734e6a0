import assert from "node:assert/strict";
import { test } from "node:test";
import { docker, instance, localFacts, observedInstance } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { ProbeState } from "./docker-types.ts";
import type { HeardContainer } from "./facts.ts";
import { heardInReport, isLastWord, lastWord, recall, remember, silence, stillHeard } from "./last-word.ts";

const app = containerSpec("app", "app:1");
const spec = serviceSpec("app", "app:1");
const heard = (over: Partial<HeardContainer> = {}): HeardContainer => ({ ...docker("app", "aaaa", spec), hasEnded: false, ...over });
const { id } = heard();

function word(over: Partial<HeardContainer> = {}, probe?: ProbeState["health"], container = app) {
  const local = localFacts({ containers: undefined, probes: probe ? { [id]: { health: probe, sinceMs: 0 } } : {} });
  const around = {
    service: "app",
    spec,
    instance: instance("aaaa", "nas", spec),
    local,
    containers: [],
    devices: [],
    blocked: undefined,
    crowded: undefined,
    order: {},
    now: 0,
  };
  return lastWord(container, heard(over), around);
}

test("the agent's own check decides on what ran last", () => {
  assert.ok(word({}, "healthy").up);
  assert.deepEqual([word({}, "unhealthy").up, word({}, "unhealthy").conditions[0]?.reason], [false, "PortNotListening"]);
  assert.ok(!word({}, "starting").up);
});

test("Docker's own check keeps its last word, also while another one has only just begun", () => {
  assert.ok(word({ health: "healthy" }).up);
  assert.ok(!word({ health: "unhealthy" }).up);
  assert.ok(word({ health: "healthy" }, "starting").up);
});

test("what has ended, or did not run, is not up, but for what has done its work", () => {
  const ended = word({ hasEnded: true }, "healthy");
  assert.deepEqual([ended.up, ended.observed.phase, ended.conditions[0]?.reason], [false, "exited", "DockerUnavailable"]);
  for (const state of ["created", "restarting", "exited", "dead", "removing"] as const) assert.ok(!word({ state }).up, state);
  const once = { ...app, run: "once" } as const;
  assert.ok(word({ state: "exited", exitCode: 0 }, undefined, once).up);
  assert.ok(!word({ state: "exited", exitCode: 1 }, undefined, once).up);
  assert.ok(!word({ hasEnded: true }, undefined, once).up, "how it ended nobody knows");
});

test("what the kernel has seen end does not come back unheard", () => {
  const [before] = [heard()];
  const gone = stillHeard([before], new Set());
  assert.equal(gone[0]?.hasEnded, true);
  assert.equal(stillHeard(gone, new Set([id]))[0]?.hasEnded, true);
  assert.equal(stillHeard([before], new Set([id]))[0]?.hasEnded, false);
  assert.equal(stillHeard([before], undefined)[0]?.hasEnded, false, "it runs on another kernel");
  assert.equal(stillHeard([heard({ state: "exited" })], new Set())[0]?.hasEnded, false);
});

test("what an agent told before it ended is the last word for the next one, in the same life of the machine", () => {
  const containers = [{ name: "app", phase: "running", id, health: "healthy", restarts: 0 }] as const;
  const told = { bootId: "boot-nas", instances: [observedInstance("aaaa", { containers, addresses: { app: "10.201.0.2" } })] };
  const [found] = heardInReport("app", told, "boot-nas");
  assert.deepEqual(
    [found?.id, found?.container, found?.address, found?.state, found?.health],
    [id, "app", "10.201.0.2", "running", "healthy"],
  );
  assert.deepEqual(heardInReport("app", told, "a later boot"), []);
  assert.deepEqual(heardInReport("app", { ...told, instances: told.instances.map((each) => ({ ...each, ready: false })) }, "boot-nas"), []);
});

test("an engine that speaks is remembered until it has nothing more to say", () => {
  const running = new Set([id]);
  const ports = { containers: {}, system: { runningContainers: () => running } } as unknown as Parameters<typeof recall>[2]; // all that is asked
  const none = { report: undefined, bootId: "" };
  assert.deepEqual(recall("app", none, ports), []);
  remember("app", [docker("app", "aaaa", spec)], ports);
  assert.deepEqual(recall("app", none, ports), [heard()]);
  running.clear();
  assert.equal(recall("app", none, ports)[0]?.hasEnded, true);
  remember("app", [], ports);
  assert.deepEqual(recall("app", none, ports), []);
});

test("a last word names its node and the remedy, and is known for one", () => {
  const said = silence("nas", "Cannot reach Docker", true);
  assert.match(said.message, /Cannot reach Docker.*on nas goes on.*systemctl start docker/);
  assert.ok(isLastWord({ conditions: [said] }));
  assert.ok(!isLastWord({ conditions: [{ ...said, type: "Ready" }] }));
});
