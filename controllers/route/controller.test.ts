import assert from "node:assert/strict";
import { test } from "node:test";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply } from "../../test/fakes/objects.ts";
import { route } from "../../test/fakes/routes.ts";
import { routeController } from "./controller.ts";

const controller = routeController(() => undefined);

const wanted = { host: "app", path: "/", to: { url: "http://x" } } as const;
const another = { host: "other", path: "/", to: { url: "http://x" } } as const;
const kind = "Route";

test("whoever wants what a Route wanted is woken when it takes another name, and when it is gone", async () => {
  const before = route("winner", wanted);
  const moved = await mirrorOf((etcd) => {
    apply(etcd, kind, "loser", wanted);
    apply(etcd, kind, "stranger", { ...wanted, host: "stranger" });
    apply(etcd, kind, "winner", another);
  });
  assert.deepEqual([...controller.wakes({ room: "desired", kind, name: "winner", before }, moved)].sort(), ["loser", "winner"]);
  const gone = await mirrorOf((etcd) => apply(etcd, kind, "loser", wanted));
  assert.deepEqual([...controller.wakes({ room: "desired", kind, name: "winner", before }, gone)].sort(), ["loser", "winner"]);
});

test("another zone wakes all of them, for it may make two names one", async () => {
  const mirror = await mirrorOf((etcd) => apply(etcd, kind, "loser", wanted));
  assert.ok(controller.wakes({ room: "desired", kind: "House", name: "house" }, mirror).includes("loser"));
});

test("a node that is cordoned wakes all of them, for a Service may have nowhere to run", async () => {
  const mirror = await mirrorOf((etcd) => apply(etcd, kind, "loser", wanted));
  assert.ok(controller.wakes({ room: "desired", kind: "Membership", name: "nas" }, mirror).includes("loser"));
});
