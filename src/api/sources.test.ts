import assert from "node:assert/strict";
import { test } from "node:test";
import { embedSources, neededSources, sourcePath } from "./sources.ts";
import { plainValue } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";

test("a source lies beside its manifest", () => {
  assert.deepEqual(
    [
      sourcePath("a.yaml", "x.conf"),
      sourcePath("apps/a.yaml", "./x.conf"),
      sourcePath("/etc/a.yaml", "../x"),
      sourcePath("-", "x"),
      sourcePath("b/a.yaml", "/x"),
    ],
    ["x.conf", "apps/x.conf", "/etc/../x", "x", "/x"],
  );
});

const text = "spec: { files: [{ source: a, path: /a }], containers: [{ files: [{ source: b }, { content: c }, { source: a }] }] }";

test("every source is needed once, of a Service's own files and of its containers'", () => {
  assert.deepEqual(
    neededSources([
      { file: "x/m.yaml", text },
      { file: "bad.yaml", text: "a: [" },
    ]),
    [
      { file: "x/m.yaml", path: "x/a" },
      { file: "x/m.yaml", path: "x/b" },
    ],
  );
});

test("sources of a List's items are needed, too", () => {
  assert.deepEqual(neededSources([{ file: "m.yaml", text: `{ kind: List, items: [{ ${text} }] }` }]), [
    { file: "m.yaml", path: "a" },
    { file: "m.yaml", path: "b" },
  ]);
});

test("texts take the place of sources, and what was not read stays", () => {
  const [node] = readYaml(text).documents;
  assert.ok(node);
  assert.deepEqual(plainValue(embedSources(node, "m.yaml", { a: "A" })), {
    spec: { files: [{ content: "A", path: "/a" }], containers: [{ files: [{ source: "b" }, { content: "c" }, { content: "A" }] }] },
  });
});

test("a document without files is left as it is", () => {
  const [node] = readYaml("spec: 5").documents;
  assert.ok(node);
  assert.deepEqual(plainValue(embedSources(node, "m.yaml", { a: "A" })), { spec: 5 });
});
