import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "./failure.ts";
import { parseNamedTargets, parseTargets, pathOf } from "./targets.ts";

const paths = (...words: readonly string[]): readonly string[] => parseTargets(words).map(pathOf);

test("every way to name objects leads to the same paths", () => {
  assert.deepEqual(paths("svc"), ["/api/v1/services"]);
  assert.deepEqual(paths("svc,nodes"), ["/api/v1/services", "/api/v1/nodes"]);
  assert.deepEqual(paths("svc", "a", "b"), ["/api/v1/services/a", "/api/v1/services/b"]);
  assert.deepEqual(paths("svc/a", "node/nas"), ["/api/v1/services/a", "/api/v1/nodes/nas"]);
  assert.deepEqual(paths("all"), ["/api/v1/services", "/api/v1/routes", "/api/v1/dnsrecords", "/api/v1/nodes"]);
  assert.deepEqual(paths(), []);
});

test("what cannot be told is refused with the next command", () => {
  for (const words of [["svc,nodes", "a"], ["svc/"], ["/a"], ["svc/a/b"], ["pods"], ["svc/a", "b"]]) {
    assert.throws(
      () => parseTargets(words),
      (error) => error instanceof Failure && error.code === 2 && error.next.startsWith("fossora "),
      words.join(" "),
    );
  }
  assert.throws(() => parseNamedTargets(["svc"], "delete"), /Cannot delete services: which one\?/);
});
