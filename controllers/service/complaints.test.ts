import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, type EngineFault, OutcomeUnknown, Refusal, StoreUnavailable } from "../../src/api/errors.ts";
import { failsUpdate } from "../../src/api/lasting.ts";
import { docker } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { crashLoop, failure, problem, unhealthy } from "./complaints.ts";

const spec = serviceSpec("app", "app:1");
const app = containerSpec("app", "app:1");
const of = { service: "app", spec };

test("a complaint names the container only where there are several", () => {
  const two = { service: "app", spec: serviceSpec("app", "", { containers: [app, containerSpec("db", "db:1")] }) };
  assert.equal(problem("Exited", app, of, "It ended").message, "It ended");
  assert.equal(problem("Exited", app, two, "It ended").message, "app: It ended");
});

test("a failure of Docker says what is and what to do", () => {
  const { reason, message } = failure(new EngineError("registryRefused", "Cannot pull 'app:1': 401"), app, of);
  assert.deepEqual([reason, message], ["RegistryRefused", "Cannot pull 'app:1': 401. Log in on that machine as root: docker login"]);
});

test("who has to log in is told at which registry", () => {
  const remedyOf = (fault: EngineFault, image: string) => failure(new EngineError(fault, "no"), { ...app, image }, of).message;
  assert.equal(
    remedyOf("registryRefused", "registry.lab:5000/app:1"),
    "no. Log in on that machine as root: docker login registry.lab:5000",
  );
  assert.match(remedyOf("registryRefused", "me/app:1"), /: docker login$/);
  assert.match(remedyOf("rateLimited", "ghcr.io/me/app:1"), /; docker login ghcr\.io as root/);
});

test("a refusal keeps its reason, and anything else is CreateFailed", () => {
  assert.equal(failure(new Refusal("VolumeLost", "Its marker is missing"), app, of).reason, "VolumeLost");
  assert.equal(failure(new Error("boom"), app, of).reason, "CreateFailed");
});

test("what the store could not be asked or told is of the moment, and no update fails by it", () => {
  for (const error of [new StoreUnavailable("no contact"), new OutcomeUnknown("no answer")]) {
    const { reason, message } = failure(error, app, of);
    assert.equal(reason, "StoreUnavailable");
    assert.equal(failsUpdate(reason), false);
    assert.equal(message, `${error.message}. It is tried again`);
  }
});

test("a crash loop leads to the logs, and one for lack of memory to the limit", () => {
  assert.match(crashLoop(app, docker("app", "aaaa", spec, { exitCode: 3 }), of).message, /last with 3.*fossora logs app/);
  const limited = { ...app, resources: { memory: "64Mi" } };
  assert.match(crashLoop(limited, docker("app", "aaaa", spec, { exitCode: 137 }), of).message, /most likely for more memory than its 64Mi/);
  assert.doesNotMatch(crashLoop(app, docker("app", "aaaa", spec, { exitCode: 137 }), of).message, /memory/);
  assert.match(crashLoop(app, docker("app", "aaaa", spec, { outOfMemory: true }), of).message, /resources.memory/);
});

test("a port that nobody answers is told apart from a check that fails", () => {
  const http = { interval: "10s", timeout: "5s", retries: 3, startGrace: "30s", http: "/", status: "200-399" };
  assert.equal(unhealthy(app, { health: "none" }, "refused", of).reason, "PortNotListening");
  assert.equal(unhealthy(app, { health: "unhealthy" }, "exit 1", of).message, "Its health check fails: exit 1", "the image's own");
  assert.equal(unhealthy({ ...app, health: http }, { health: "none" }, "status 500", of).message, "Its health check fails: status 500");
});
