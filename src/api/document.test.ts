import assert from "node:assert/strict";
import { test } from "node:test";
import { readDocument, readSpec } from "./document.ts";
import { readYaml } from "./yaml.ts";

function document(text: string): ReturnType<typeof readDocument> {
  const [node] = readYaml(text).documents;
  assert.ok(node);
  return readDocument(node);
}

const head = "apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: app }\n";

test("an object has its spec with defaults and as it was written", () => {
  const { object, findings } = document(`${head}spec: { image: "a:1", replicas: 2 }`);
  assert.deepEqual(findings, []);
  assert.deepEqual(object?.written, { containers: [{ name: "app", image: "a:1" }], replicas: 2 });
  assert.equal(object?.kind === "Service" && object.spec.containers[0]?.pull, "missing");
});

test("kind and name are told as they were written, for messages", () => {
  const { kind, name, object } = document("kind: Pod\nmetadata: { name: X }");
  assert.deepEqual([kind, name, object], ["Pod", "X", undefined]);
});

test("a problem of the only container is spoken of as it was written", () => {
  const { findings } = document(`${head}spec: { image: "a:1", network: "container:b", env: { A: [1] } }`);
  assert.deepEqual(
    findings.map(({ field }) => field),
    ["spec.env.A", "spec.network"],
  );
});

test("a problem of a field that was not written stands at what is around it", () => {
  const text = `${head}spec: { image: "a:1", port: 80, routes: [{ host: x }, { host: x }] }`;
  const [finding] = document(text).findings;
  assert.equal(text.slice(finding?.place.start, finding?.place.end), "{ host: x }");
});

test("a spec that was put together is filled and checked like a written one", () => {
  const { spec } = readSpec("DnsRecord", "printer", { values: ["192.168.1.40"] });
  assert.deepEqual(spec, { type: "A", values: ["192.168.1.40"], ttl: "5m", name: "printer" });
  assert.deepEqual(
    readSpec("DnsRecord", "printer", { values: ["x"] }).findings.map(({ field }) => field),
    ["spec.values[0]"],
  );
});
