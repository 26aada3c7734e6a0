import assert from "node:assert/strict";
import { test } from "node:test";
import { condition, IMAGE, instance, readyService, serviceStatus } from "../../test/support/transcript-statuses.ts";
import type { ServiceStatus } from "../api/status.ts";
import type { PullReport, ServedResource } from "../api/wire.ts";
import { outcomeOf, stepsOf, type Pulls } from "./rollout.ts";

const NO_PULLS: Pulls = { running: [], ended: [] };
const PULL: PullReport = { service: "jellyfin", image: IMAGE, node: "nas", doneBytes: 1, totalBytes: 2, layers: 1 };

function service(status: ServiceStatus, generation = 1): ServedResource {
  return {
    apiVersion: "fossora.dev/v1",
    kind: "Service",
    metadata: { name: "jellyfin", uid: "u", generation, resourceVersion: "1", creationTimestamp: "" },
    spec: {
      containers: [
        {
          name: "jellyfin",
          image: IMAGE,
          pull: "missing",
          run: "always",
          privileged: false,
          init: false,
          tty: false,
          readOnly: false,
          stopGrace: "10s",
          restart: "on-failure",
          network: "default",
        },
      ],
      replicas: 1,
      update: { parallel: 1, monitor: "10s", onFailure: "pause" },
      failover: { after: "30s" },
    },
    status,
  };
}

const state = (status: ServiceStatus, generation = 1): string => outcomeOf(service(status, generation), generation).state;
const steps = (status: ServiceStatus, pulls = NO_PULLS): readonly string[] =>
  stepsOf(service(status), pulls, 1).map((step) => `${step.state} ${step.text}`);

test("ready is what is Ready in this generation, and is not being changed", () => {
  assert.deepEqual(outcomeOf(service(readyService()), 1), { state: "ready", url: "http://jellyfin.home.internal" });
  assert.equal(state(readyService(), 2), "waiting", "the generation before was ready");
  assert.equal(
    state(readyService({ conditions: [condition("Ready", "True", "Ready"), condition("Reconciling", "True", "Updating")] })),
    "waiting",
  );
  assert.equal(outcomeOf(undefined, 1).state, "waiting");
});

test("a ready app whose data no volume holds is ready, and that is said", () => {
  const conditions = [condition("Ready", "True", "Ready"), condition("DataHeld", "False", "NoVolume", "What it keeps in /cache")];
  assert.deepEqual(outcomeOf(service(readyService({ conditions })), 1), {
    state: "ready",
    url: "http://jellyfin.home.internal",
    unheld: "What it keeps in /cache",
  });
});

test("an app of no replicas is as it was asked for", () => {
  assert.equal(state(serviceStatus({ conditions: [condition("Ready", "False", "Stopped")], instances: [] })), "ready");
});

test("what a person must mend has failed, what passes is waited for", () => {
  const troubled = (reason: string, generation = 1): ServiceStatus =>
    serviceStatus({
      conditions: [condition("Ready", "False", reason)],
      instances: [instance("exited", { ready: false, reason, generation })],
    });
  for (const reason of ["ImageNotFound", "CrashLoop", "HostPathMissing"]) assert.equal(state(troubled(reason)), "failed", reason);
  for (const reason of ["Starting", "Unhealthy", "ImagePullFailed", "SecretMissing"])
    assert.equal(state(troubled(reason)), "waiting", reason);
  assert.equal(state(serviceStatus({ conditions: [condition("Ready", "False", "NoNodeFits")], instances: [] })), "failed");
  assert.equal(state(serviceStatus({ conditions: [condition("Stalled", "True", "UpdateFailed")] })), "failed");
});

test("an instance of the generation before may be in trouble because of what was just mended", () => {
  const before = instance("restarting", { ready: false, reason: "CrashLoop", generation: 1 });
  const mended = serviceStatus({
    conditions: [condition("Ready", "False", "CrashLoop", "", { observedGeneration: 2 })],
    instances: [before],
  });
  assert.equal(state(mended, 2), "waiting");
});

test("an image is pulled, then there, though nobody tells of its container until it is ready", () => {
  const starting = serviceStatus({ instances: [instance("waiting", { containers: [] })], url: "http://x" });
  assert.equal(steps(starting)[0], `todo image ${IMAGE}`);
  assert.equal(steps(starting, { running: [PULL], ended: [] })[0], `busy image ${IMAGE}`);
  assert.equal(steps(starting, { running: [], ended: [PULL] })[0], `done image ${IMAGE}`);
  const failed = serviceStatus({ instances: [instance("waiting", { containers: [], reason: "ImagePullFailed" })] });
  assert.equal(steps(failed, { running: [], ended: [PULL] })[0], `failed image ${IMAGE}`);
});

test("a container that starts again and again has failed, a health that is not known yet is waited for", () => {
  const [container] = instance("running").containers;
  assert.ok(container);
  const withHealth = (health: string): ServiceStatus =>
    serviceStatus({ instances: [instance("running", { ready: false, containers: [{ ...container, health }] })] });
  assert.ok(steps(withHealth("starting")).includes("busy health of jellyfin-k3f9"));
  assert.ok(steps(withHealth("unhealthy")).includes("failed health of jellyfin-k3f9"));
  assert.ok(steps(withHealth("healthy")).includes("done health of jellyfin-k3f9"));
  assert.ok(steps(serviceStatus({ instances: [instance("restarting")] })).includes("failed container jellyfin-k3f9 on nas"));
});
