import assert from "node:assert/strict";
import { test } from "node:test";
import { newReading, read } from "./read.ts";
import { schemaOf, sub } from "../../schemas/schema.ts";
import { readYaml } from "./yaml.ts";

const service = schemaOf("Service");

function readSpec(text: string, options?: { readonly defaults: boolean }): { readonly value: unknown; readonly said: readonly string[] } {
  const reading = newReading(options);
  const [node] = readYaml(text).documents;
  assert.ok(node);
  const value = read(sub(service, { $ref: "#/$defs/ServiceSpec" }), node, "spec", reading);
  return { value, said: reading.findings.map(({ field, message }) => `${field}: ${message}`) };
}

const container = (fields: string): string => `containers: [{ name: a, image: "a:1", ${fields} }]`;
const only = (text: string): string => {
  const { said } = readSpec(text);
  assert.equal(said.length, 1, said.join("\n"));
  return said[0] ?? "";
};

test("defaults are filled in, nested ones too", () => {
  const { value } = readSpec("{}");
  assert.deepEqual(value, { replicas: 1, update: { parallel: 1, monitor: "10s", onFailure: "pause" }, failover: { after: "0s" } });
});

test("without defaults only what was written is there", () => {
  assert.deepEqual(readSpec("replicas: 2", { defaults: false }).value, { replicas: 2 });
});

test("an empty field counts as absent", () => {
  assert.deepEqual(readSpec("listen:", { defaults: false }), { value: {}, said: [] });
});

test("numbers and booleans are kept as they are written where text is meant", () => {
  const { value } = readSpec(container("env: { A: 1.10, B: yes, C: true, D: 0644 }"), { defaults: false });
  assert.deepEqual(value, { containers: [{ name: "a", image: "a:1", env: { A: "1.10", B: "yes", C: "true", D: "0644" } }] });
});

const refusals: readonly (readonly [string, string])[] = [
  [
    container("files: [{ path: /x, content: a, mode: 0644 }]"),
    "spec.containers[0].files[0].mode: must be permissions in octal and in quotes, such as '0644': write '0644' in quotes (YAML reads an unquoted 0644 as the number 644)",
  ],
  [container("files: [{ path: /x }]"), "spec.containers[0].files[0]: must have exactly one of 'content', 'secret' or 'source'"],
  [
    container("files: [{ path: /x, content: a, secret: b/c }]"),
    "spec.containers[0].files[0]: must have exactly one of 'content', 'secret' or 'source'",
  ],
  [
    container("env: { A: { secret: nokey } }"),
    "spec.containers[0].env.A.secret: must be a secret's name and key, such as 'paperless/db', not 'nokey'",
  ],
  [container('env: { "A=B": c }'), "spec.containers[0].env[\"A=B\"]: must be a name without '=', not 'A=B'"],
  [
    container("health: { http: /x, tcp: 5 }"),
    "spec.containers[0].health: must be 'none', or one of { http: /path }, { tcp: port } and { command: [...] }, not { http, tcp }",
  ],
  [container("stopGrace: 10 seconds"), "spec.containers[0].stopGrace: must be a duration such as '30s', '5m' or '1h30m', not '10 seconds'"],
  [container("restart: unless-stopped"), "spec.containers[0].restart: must be 'on-failure' or 'no', not 'unless-stopped'"],
  [container("pull: allways"), "spec.containers[0].pull: must be 'missing', 'always' or 'never': did you mean 'always'?"],
  [container("privileged: yes"), "spec.containers[0].privileged: must be true or false, not 'yes'"],
  [container("after: [b, b]"), "spec.containers[0].after[1]: 'b' stands here twice: keep one of them"],
  [container("resources: { cpus: 0 }"), "spec.containers[0].resources.cpus: must be a number of cores such as 0.5 or 2, not '0'"],
  [container("resources: { cpus: .inf }"), "spec.containers[0].resources.cpus: must be a number of cores such as 0.5 or 2, not '.inf'"],
  ['containers: [{ name: a, image: "A:1" }]', "spec.containers[0].image: must be an image such as 'jellyfin/jellyfin:10.11': try 'a:1'"],
  ["containers: [{ name: a }]", "spec.containers[0].image: must have 'image'"],
  ["containers: []", "spec.containers: must have 1 or more entries"],
  ["containers: { a: b }", "spec.containers: must be a list, not { a }"],
  ["replicas: -1", "spec.replicas: must be a whole number of 0 or more, or 'all', not '-1'"],
  ["replicas: many", "spec.replicas: must be a whole number of 0 or more, or 'all', not 'many'"],
  ["port: web:99999", "spec.port.port: must be a port from 1 to 65535, not '99999'"],
  ["listen: [true]", "spec.listen[0]: must be a port such as 25565, '51820/udp', '8000-8010/udp' or '53:dns:5353/udp', not 'true'"],
  ["failover: [x]", "spec.failover: must be 'never' or { after: 30s }, not a list"],
];

for (const [text, expected] of refusals) test(`refuses ${text}`, () => assert.equal(only(text), expected));

test("a value of another type leaves its field out, one that breaks a limit stays", () => {
  const { value } = readSpec("{ replicas: -1, listen: 5 }", { defaults: false });
  assert.deepEqual(value, { replicas: -1 });
});

test("a name such as constructor is a field like any other", () => {
  assert.match(only("constructor: 1"), /^spec\.constructor: unknown field 'constructor': known here are containers, port/);
});

test("it tells where each field stands", () => {
  const reading = newReading();
  const [node] = readYaml("replicas: 2").documents;
  assert.ok(node);
  read(sub(service, { $ref: "#/$defs/ServiceSpec" }), node, "spec", reading);
  assert.equal(reading.places.get("spec.replicas")?.start, 10);
});
