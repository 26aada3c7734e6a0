import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, parseKey } from "./keys.ts";

test("a key that was made is read as what it is", () => {
  assert.deepEqual(parseKey(keys.desired("Service", "jellyfin")), { room: "desired", kind: "Service", name: "jellyfin" });
  assert.deepEqual(parseKey(keys.decided("Membership", "nas")), { room: "decided", kind: "Membership", name: "nas" });
  assert.deepEqual(parseKey(keys.observed("Route", "a", "nas")), { room: "observed", kind: "Route", name: "a", node: "nas" });
  assert.deepEqual(parseKey(keys.node("nas")), { room: "node", node: "nas" });
});

test("keys of people's texts, of a newer release and of nobody are other", () => {
  const others = [
    keys.applied("Service", "a", "cli"),
    keys.history("Service", "a", 1),
    "/fossora/desired/Planet/a",
    "/fossora/desired/Service",
    "/fossora/desired/Service/",
    "/fossora/observed/Service/a",
    "/elsewhere/nodes/nas",
    "",
  ];
  assert.deepEqual(
    others.map((key) => parseKey(key).room),
    others.map(() => "other"),
  );
});

test("generations are padded, so that the store lists them in their order", () => {
  assert.deepEqual(
    [10, 9, 2].map((generation) => keys.history("Service", "a", generation)).sort(),
    [2, 9, 10].map((generation) => keys.history("Service", "a", generation)),
  );
});
