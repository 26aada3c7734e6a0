import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { MANIFEST_LIMITS, parseManifests } from "./manifest.ts";
import { renderProblems } from "./problem.ts";

const parse = (text: string): ReturnType<typeof parseManifests> => parseManifests([{ file: "a.yaml", text }]);
const said = (text: string): readonly string[] =>
  parse(text).problems.map(({ line, column, field, message }) => `${line}:${column} ${field}: ${message}`);
const service = (spec: string, name = "app"): string =>
  `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

test("problems look as on the page about the command line", () => {
  const text = readFileSync(path.join(import.meta.dirname, "testdata/jellyfin-wrong.yaml"), "utf8");
  const rendered = renderProblems(parseManifests([{ file: "jellyfin.yaml", text }]).problems);
  assert.equal(`${rendered}\n`, readFileSync(path.join(import.meta.dirname, "testdata/jellyfin-wrong.txt"), "utf8"));
});

test("fields that nobody knows are left out where that is wished for, and said where they stand", () => {
  const text = service('{ image: "a:1", replica: 2, update: { window: night }, lables: 5, routes: [{ hots: a }], port: 80 }');
  const { manifests, problems } = parseManifests([{ file: "a.yaml", text }], {}, "leave out");
  assert.deepEqual(problems, []);
  const [manifest] = manifests;
  const line = /^is applied without (\S+) \(line 4\): unknown field '(\w+)'/;
  assert.deepEqual(
    manifest?.warnings.map((warning) => line.exec(warning)?.slice(1)),
    [
      ["spec.replica", "replica"],
      ["spec.update.window", "window"],
      ["spec.lables", "lables"],
      ["spec.routes[0].hots", "hots"],
    ],
  );
  const known = parse(service('{ image: "a:1", update: {}, routes: [{}], port: 80 }')).manifests[0]?.object;
  assert.deepEqual([manifest?.object.spec, manifest?.object.written], [known?.spec, known?.written]);
  const wrong = parseManifests([{ file: "a.yaml", text: text.replace("port: 80", "port: 80, replicas: -1") }], {}, "leave out");
  assert.deepEqual(
    wrong.problems.map(({ field }) => field),
    ["spec.replicas"],
  );
});

test("six lines are enough", () => {
  const { manifests, problems } = parse(
    "# comment\napiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: jellyfin }\nspec:\n  image: jellyfin/jellyfin:10.11\n  port: 8096\n",
  );
  assert.deepEqual(problems, []);
  const [manifest] = manifests;
  assert.equal(manifest?.at.line, 2);
  assert.match(manifest?.text ?? "", /^apiVersion[^]*8096$/);
  assert.deepEqual(manifest?.object.written, {
    containers: [{ name: "jellyfin", image: "jellyfin/jellyfin:10.11" }],
    port: { container: "jellyfin", port: 8096 },
  });
});

test("the worked examples are valid", () => {
  const folder = path.join(import.meta.dirname, "../../manifests");
  const files = globSync("*.yaml", { cwd: folder }).sort();
  assert.ok(files.length >= 13);
  for (const file of files) {
    const { problems } = parseManifests([{ file, text: readFileSync(path.join(folder, file), "utf8") }]);
    assert.equal(problems.length > 0 ? renderProblems(problems) : "", "");
  }
});

test("all problems of all documents and files come at once, in their order", () => {
  const { problems } = parseManifests([
    { file: "a.yaml", text: `${service("{ image: a:1, prot: 80 }")}---\n${service("{ image: a:1, replicas: -1, extra: 1 }", "B")}` },
    { file: "b.yaml", text: "a: [" },
  ]);
  assert.deepEqual(
    problems.map(({ file, field }) => `${file} ${field}`),
    ["a.yaml spec.prot", "a.yaml metadata.name", "a.yaml spec.replicas", "a.yaml spec.extra", "b.yaml "],
  );
});

const documents: readonly (readonly [string, string])[] = [
  ["- a", "1:1 : must be an object with 'apiVersion', 'kind', 'metadata' and 'spec'"],
  ["kind: Servce", "1:7 kind: unknown kind 'Servce': did you mean 'Service'?"],
  ["kind: Pod", "1:7 kind: unknown kind 'Pod': known are Membership, Service, Route, DnsRecord, House"],
  ["spec: {}", "1:1 kind: must have a 'kind': Membership, Service, Route, DnsRecord, House"],
  ["kind: List", "1:1 items: must be a list of objects"],
  ["kind: List\nitems: { kind: House }", "2:8 items: must be a list of objects"],
  ["apiVersion: v1\nkind: House\nmetadata: { name: house }\nspec: {}", "1:13 apiVersion: must be 'fossora.dev/v1', not 'v1'"],
  [
    "apiVersion: fossora.dev/v1\nkind: House\nmetadata: { name: house, namespace: x }\nspec: {}",
    "3:26 metadata.namespace: 'namespace' is unknown: a house has no namespaces, every name is there once; labels group things",
  ],
];
for (const [text, expected] of documents)
  test(`refuses ${text.split("\n").at(-1)}: ${expected}`, () => assert.deepEqual(said(text), [expected]));

test("an object that is named twice in an apply is refused, naming the first place", () => {
  assert.deepEqual(said(`${service("{ image: a:1 }")}---\n${service("{ image: a:2 }")}`), [
    "6:1 metadata.name: stands in a.yaml:1 already: a name is there once in an apply",
  ]);
});

test("what the server adds may be left in, and is not stored", () => {
  const { manifests, problems } = parse(
    'apiVersion: fossora.dev/v1\nkind: House\nmetadata: { name: house, uid: u, generation: 3, resourceVersion: "9", creationTimestamp: "2026-01-01T00:00:00Z" }\nspec: {}\nstatus: { conditions: [] }',
  );
  assert.deepEqual(problems, []);
  const { resourceVersion, metadata } = manifests[0]?.object ?? {};
  assert.deepEqual({ resourceVersion, metadata }, { resourceVersion: "9", metadata: { name: "house" } });
});

const listed = (...items: readonly string[]): string =>
  `apiVersion: fossora.dev/v1\nkind: List\nitems:\n${items.map((item) => `  - ${item.trim().replaceAll("\n", "\n    ")}\n`).join("")}`;

test("a List stands for its items, each a document of its own", () => {
  const { manifests, problems } = parse(
    `${service("{ image: a:1 }")}---\n${listed(service("\n  image: b:1", "b"), service("{ image: c:1 }", "c"))}`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    manifests.map(({ object, at, text }) => [object.metadata.name, at.line, parse(text).manifests[0]?.object.metadata.name]),
    [
      ["app", 1, "app"],
      ["b", 9, "b"],
      ["c", 14, "c"],
    ],
  );
});

test("a mistake of an item is told where it stands", () => {
  assert.deepEqual(said(listed(service("{ image: a:1 }"), service("{ image: b:1, replica: 2 }", "b"), "text", "kind: Pod")), [
    "11:25 spec.replica: unknown field 'replica': did you mean 'replicas'?",
    "12:5 : must be an object with 'apiVersion', 'kind', 'metadata' and 'spec'",
    "13:11 kind: unknown kind 'Pod': known are Membership, Service, Route, DnsRecord, House",
  ]);
});

test("the items of a List count as objects", () => {
  const many = Array.from({ length: 501 }, (_, index) => service("{ image: a:1 }", `a${index}`));
  assert.match(said(listed(...many)).join("\n"), /must have 500 objects at most in one apply, has 501/);
});

test("an object of more than 256 KiB is refused with its size", () => {
  const [problem = ""] = said(service(`{ image: a:1, files: [{ path: /x, content: ${"x".repeat(MANIFEST_LIMITS.objectBytes)} }] }`));
  assert.match(problem, /must be 262144 bytes at most as it is stored, is 26\d{4}/);
});

test("more than 500 objects, or 4 MiB, are refused with the count", () => {
  const many = Array.from({ length: 501 }, (_, index) => service("{ image: a:1 }", `a${index}`)).join("---\n");
  assert.match(said(many).join("\n"), /^1:1 : must have 500 objects at most in one apply, has 501: apply it in parts$/);
  assert.match(said(`# ${"x".repeat(MANIFEST_LIMITS.applyBytes)}`).join("\n"), /must be 4194304 bytes at most/);
});

test("500 objects are accepted", () => {
  const many = Array.from({ length: 500 }, (_, index) => service("{ image: a:1 }", `a${index}`)).join("---\n");
  const { manifests, problems } = parse(many);
  assert.deepEqual([manifests.length, problems], [500, []]);
});

test("a byte order mark and Windows line ends do no harm", () => {
  assert.deepEqual(said(`\uFEFF${service("\r\n  image: a:1\r\n  port: 80\r\n")}`), []);
});

test("the text of a source stands where the source was named", () => {
  const text = service("{ image: a:1, files: [{ path: /x, source: ./x.conf }] }");
  assert.match(said(text).join(), /'\.\/x\.conf' was not sent along/);
  const { manifests } = parseManifests([{ file: "apps/a.yaml", text }], { "apps/x.conf": "hello" });
  const { spec } = manifests[0]?.object ?? {};
  assert.deepEqual(spec && "containers" in spec ? spec.containers[0]?.files : undefined, [{ path: "/x", content: "hello", mode: "0644" }]);
});
