import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, serviceSpec } from "../../test/fakes/objects.ts";
import { dnsRecordStatus } from "./status.ts";

async function statusOf(name: string, withNode = true) {
  const mirror = await mirrorOf((etcd) => {
    if (withNode) put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
    apply(etcd, "Service", "app", serviceSpec("app", "app:1"));
    apply(etcd, "DnsRecord", "printer", { name: "printer", type: "A", values: ["192.168.1.40"], ttl: "5m" });
    apply(etcd, "DnsRecord", "second", { name: "printer", type: "A", values: ["192.168.1.41"], ttl: "5m" });
  });
  const record = mirror.desired("DnsRecord", name);
  assert.ok(record);
  return dnsRecordStatus(record, mirror);
}

test("a record shows its full name and what it is answered with", async () => {
  const { fqdn, answers, conditions } = await statusOf("printer");
  assert.deepEqual([fqdn, answers, conditions[0]?.reason], ["printer.home.internal", ["192.168.1.40"], "Ready"]);
});

test("a derived record is answered with the addresses of the nodes", async () => {
  assert.deepEqual((await statusOf("app")).answers, ["192.168.1.10"]);
  assert.equal((await statusOf("app", false)).conditions[0]?.reason, "NoAnswer");
});

test("a record that lost its name says to whom", async () => {
  const { answers, conditions } = await statusOf("second");
  assert.deepEqual([answers, conditions[0]?.reason, /'printer'/.test(conditions[0]?.message ?? "")], [[], "Conflict", true]);
});
