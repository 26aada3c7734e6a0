// `rollout`: what a person does with an update: transcripts, exit codes, and what is stored.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { readyService } from "../support/transcript-statuses.ts";

let house: TranscriptHouse;
const manifest = (image: string): string =>
  `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: web }\nspec: { image: "web:${image}", port: 80 }\n`;

before(async () => {
  house = await TranscriptHouse.start();
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: { "1.yaml": manifest("1"), "2.yaml": manifest("2") } }, ...argv);
}

function desired() {
  const { spec, metadata } = house.mirror.desired("Service", "web") ?? assert.fail("there is no web");
  return { image: spec.containers[0]?.image, update: spec.update, generation: metadata.generation };
}

test("pause, resume and restart are changes of what is desired, said once", async () => {
  await run("apply", "-f", "1.yaml");
  assert.deepEqual(await run("rollout", "pause", "svc/web"), { code: 0, stdout: "service/web paused\n", stderr: "" });
  assert.equal(desired().update.paused, true);
  assert.equal((await run("rollout", "pause", "web")).stdout, "service/web unchanged: it is paused\n");
  assert.equal((await run("apply", "-f", "2.yaml")).stdout, "service/web configured\n");
  assert.deepEqual([desired().image, desired().update.paused], ["web:2", true], "a manifest that does not name it leaves it");
  assert.equal((await run("rollout", "resume", "svc", "web")).stdout, "service/web resumed\n");
  assert.equal(desired().update.paused, undefined);
  assert.equal((await run("rollout", "restart", "svc/web")).stdout, "service/web restarted\n");
  assert.equal(desired().update.restartedAt, "2026-01-01T00:00:00.000Z");
});

test("undo returns to the spec before, and to one that is named; what it can return to is listed", async () => {
  assert.equal((await run("rollout", "undo", "svc/web")).stdout, "service/web rolled back\n");
  assert.equal(desired().image, "web:1");
  const { stdout } = await run("rollout", "history", "svc/web");
  assert.match(stdout, /^GENERATION {2}REPLICAS {2}IMAGES\n1 {11}1 {9}web:1\n2 {11}1 {9}web:1\n3 {11}1 {9}web:2\n/);
  assert.equal((await run("rollout", "undo", "svc/web", "--to", "3")).stdout, "service/web rolled back\n");
  assert.deepEqual([desired().image, desired().update.paused], ["web:2", undefined]);
  const none = await run("rollout", "undo", "svc/web", "--to", "99");
  assert.equal(none.code, 4);
  assert.match(
    none.stderr,
    /^error: Cannot go back with service\/web: generation 99 is not kept; there are 1, 2, .*\nnext: {2}fossora rollout history svc\/web\n$/,
  );
});

test("what a file left out before an undo, and is left out of the next one, goes with it", async () => {
  const text = (containers: string): string =>
    `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: app }\nspec: { containers: ${containers} }\n`;
  const files = {
    "1.yaml": text('[{ name: app, image: "app:1", env: { A: "1", OLD: x }, volumes: ["data:/config"] }, { name: side, image: "side:1" }]'),
    "2.yaml": text('[{ name: app, image: "app:2", env: { A: "1" }, volumes: ["data:/data"] }]'),
    "3.yaml": text('[{ name: app, image: "app:3", env: { A: "1" }, volumes: ["data:/data"] }]'),
  };
  const run = (...argv: readonly string[]): Promise<Outcome> => fossora({ socket: house.socket, files }, ...argv);
  const spec = async (): Promise<unknown> =>
    (JSON.parse((await run("get", "svc/app", "-o", "json")).stdout) as { readonly spec: unknown }).spec;
  for (const file of ["1.yaml", "2.yaml"]) await run("apply", "-f", file);
  await run("rollout", "undo", "svc/app");
  await run("rollout", "pause", "svc/app");
  await run("rollout", "resume", "svc/app");
  await run("apply", "-f", "3.yaml");
  const after = await spec();
  for (const each of ["2", "4"]) await run("rollout", "undo", "svc/app", "--to", each); // also to what was no apply
  await run("apply", "-f", "3.yaml");
  const again = await spec();
  await run("delete", "svc/app");
  await run("apply", "-f", "3.yaml");
  assert.deepEqual([after, again], [await spec(), await spec()]);
  await run("delete", "svc/app");
});

test("status waits until it is ready, and says at once that it is paused", async () => {
  const { generation } = desired();
  const ready = {
    type: "Ready",
    status: "True",
    reason: "Ready",
    message: "1 of 1 instances are ready",
    observedGeneration: generation,
  } as const;
  house.setStatus("Service", "web", readyService({ conditions: [ready] }));
  const waited = await run("rollout", "status", "svc/web", "--timeout", "20s");
  assert.equal(waited.code, 0, waited.stderr);
  assert.match(waited.stderr, /web is ready/);
  const message = "The update is paused: 0 of 1 instances run what was applied last. To go on: fossora rollout resume svc/web";
  const paused = { type: "Reconciling", status: "True", reason: "Paused", message } as const;
  house.setStatus("Service", "web", readyService({ conditions: [ready, paused] }));
  assert.deepEqual(await run("rollout", "status", "web"), { code: 0, stdout: `service/web ${message} (Paused)\n`, stderr: "" });
});

test("what has no rollout, or is not there, is said", async () => {
  assert.equal((await run("rollout", "pause", "node/nas")).code, 2);
  assert.equal((await run("rollout", "restart", "svc/nobody")).code, 4);
  assert.equal((await run("rollout", "status")).code, 2);
});
