import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Health } from "../../src/api/types.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { containerHash, revisionHash } from "./spec-hash.ts";

const timing = { interval: "10s", timeout: "5s", retries: 3, startGrace: "30s" };
const http: Health = { ...timing, http: "/health", status: "200-399" };
const command: Health = { ...timing, command: ["pg_isready"] };
const spec = (over: Partial<Container> = {}) => serviceSpec("app", "app:1", { containers: [containerSpec("app", "app:1", over)] });
const before = revisionHash(spec());

test("revisionHash() does not change with what is read anew at every look", () => {
  for (const over of [{ stopGrace: "1m" }, { pull: "always" }, { run: "once" }, { after: ["db"] }] as const)
    assert.equal(revisionHash(spec(over)), before, JSON.stringify(over));
  assert.equal(revisionHash({ ...spec(), replicas: 3, routes: [], update: { parallel: 2, monitor: "1s", onFailure: "pause" } }), before);
});

test("revisionHash() changes with what is baked into a container", () => {
  const changes: readonly Partial<Container>[] = [
    { image: "app:2" },
    { env: { A: "1" } },
    { network: "host" },
    { privileged: true },
    { health: command },
    { health: http },
    { health: "none" },
    { restart: "no" },
  ];
  for (const over of changes) assert.notEqual(revisionHash(spec(over)), before, JSON.stringify(over));
});

test("revisionHash() does not see a field that is empty or as it would be without it", () => {
  assert.equal(revisionHash(spec({ env: {}, volumes: [], capAdd: [] })), before);
});

test("revisionHash() does not see the order of containers", () => {
  const [a, b] = [containerSpec("a", "a:1"), containerSpec("b", "b:1")];
  assert.equal(revisionHash(serviceSpec("x", "", { containers: [a, b] })), revisionHash(serviceSpec("x", "", { containers: [b, a] })));
});

test("containerHash() changes when a second container joins: then there is a network of their own", () => {
  const [a, b] = [containerSpec("a", "a:1"), containerSpec("b", "b:1")];
  assert.notEqual(
    containerHash(serviceSpec("x", "", { containers: [a] }), a),
    containerHash(serviceSpec("x", "", { containers: [a, b] }), a),
  );
});

test("revisionHash() of a given spec never changes between releases, for it would restart every app", () => {
  assert.equal(before, "o5lnjrnv36hgmo4f");
});
