import assert from "node:assert/strict";
import { test } from "node:test";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply } from "../../test/fakes/objects.ts";
import { record } from "../../test/fakes/routes.ts";
import { dnsRecordController } from "./controller.ts";

const wanted = { name: "app", type: "A", values: ["192.168.1.9"], ttl: "5m" } as const;
const another = { name: "other", type: "A", values: ["192.168.1.9"], ttl: "5m" } as const;
const kind = "DnsRecord";

test("whoever wants what a DnsRecord wanted is woken when it takes another name, and when it is gone", async () => {
  const before = record("winner", wanted);
  const moved = await mirrorOf((etcd) => {
    apply(etcd, kind, "loser", wanted);
    apply(etcd, kind, "stranger", { ...wanted, name: "stranger" });
    apply(etcd, kind, "winner", another);
  });
  assert.deepEqual([...dnsRecordController.wakes({ room: "desired", kind, name: "winner", before }, moved)].sort(), ["loser", "winner"]);
  const gone = await mirrorOf((etcd) => apply(etcd, kind, "loser", wanted));
  assert.deepEqual([...dnsRecordController.wakes({ room: "desired", kind, name: "winner", before }, gone)].sort(), ["loser", "winner"]);
});

test("another zone wakes all of them, for it may make two names one", async () => {
  const mirror = await mirrorOf((etcd) => apply(etcd, kind, "loser", wanted));
  assert.ok(dnsRecordController.wakes({ room: "desired", kind: "House", name: "house" }, mirror).includes("loser"));
});

test("what a node observes of a Route wakes the records of its name", async () => {
  const mirror = await mirrorOf((etcd) => {
    apply(etcd, "Route", "mqtt", { path: "/", listen: { port: 1883, protocol: "tcp" }, to: { url: "tcp://192.168.1.9:1883" } });
    apply(etcd, kind, "stranger", wanted);
  });
  assert.deepEqual(dnsRecordController.wakes({ room: "observed", kind: "Route", name: "mqtt", node: "nas" }, mirror), ["mqtt"]);
});
