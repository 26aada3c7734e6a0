import assert from "node:assert/strict";
import { test } from "node:test";
import { decided, instance, observedInstance } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { newsOfDecision, newsOfReport } from "./news.ts";

const spec = serviceSpec("app", "app:1");
const before = decided("app", spec, [instance("aaaa", "nas", spec)]);

test("a new instance is news, with its place", () => {
  const next = decided("app", spec, [...before.instances, { ...instance("bbbb", "pi", spec), why: "has gpu" }]);
  assert.deepEqual(newsOfDecision("app", before, next), [{ type: "Normal", reason: "Placed", message: "app-bbbb runs on pi: has gpu" }]);
  assert.deepEqual(newsOfDecision("app", before, undefined), []);
});

test("an update that failed is news once", () => {
  const failed = { generation: 2, revision: "other", reason: "CrashLoop", message: "it ends" };
  const [news] = newsOfDecision("app", before, { ...before, failed });
  assert.deepEqual([news?.type, news?.message], ["Warning", "Generation 2 failed, the update is rolled back: it ends"]);
  assert.match(
    newsOfDecision("app", before, { ...before, failed: { ...failed, revision: before.target } })[0]?.message ?? "",
    /the update stops/,
  );
  assert.deepEqual(newsOfDecision("app", { ...before, failed }, { ...before, failed }), []);
});

test("a condition is news when the instance did not have it", () => {
  const looping = observedInstance("aaaa", {
    ready: false,
    conditions: [{ type: "Ready", status: "False", reason: "CrashLoop", message: "it ends" }],
  });
  assert.deepEqual(newsOfReport([looping], [observedInstance("aaaa")]), [{ type: "Warning", reason: "CrashLoop", message: "it ends" }]);
  assert.deepEqual(newsOfReport([looping], [looping]), []);
});

test("to wait for another Service is nothing to warn of", () => {
  const waiting = observedInstance("aaaa", {
    ready: false,
    conditions: [{ type: "Ready", status: "False", reason: "Waiting", message: "waits for db (Starting on nas)" }],
  });
  assert.equal(newsOfReport([waiting], [])[0]?.type, "Normal");
});
