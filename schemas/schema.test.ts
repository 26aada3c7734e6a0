import assert from "node:assert/strict";
import { test } from "node:test";
import { branches, resolve, schemaOf, SCHEMA_FILES, stored, sub, type Located, type Schema } from "./schema.ts";

/** Every schema below a file, with its path. */
function* walk(schema: Schema, file: string, at: string): Generator<readonly [string, Located, string]> {
  yield [at, { schema, file }, at.split("/").at(-2) ?? ""];
  const groups = { properties: schema.properties, $defs: schema.$defs };
  for (const [group, parts] of Object.entries(groups))
    for (const [name, part] of Object.entries(parts ?? {})) yield* walk(part, file, `${at}/${group}/${name}`);
  for (const [index, branch] of (schema.anyOf ?? []).entries()) yield* walk(branch, file, `${at}/anyOf/${index}`);
  if (schema.items !== undefined) yield* walk(schema.items, file, `${at}/items`);
  if (typeof schema.additionalProperties === "object") yield* walk(schema.additionalProperties, file, `${at}/additionalProperties`);
}

const all = Object.entries(SCHEMA_FILES).flatMap(([file, schema]) => [...walk(schema, file, file)]);

test("every reference leads to a schema", () => {
  for (const [at, located] of all) assert.ok(Object.keys(resolve(located).schema).length > 0, at);
});

test("every field and definition has a description and an example", () => {
  const fields = all.filter(([, , group]) => group === "properties" || group === "$defs");
  assert.ok(fields.length > 200);
  for (const [at, located] of fields) {
    const { schema } = resolve(located);
    assert.ok(schema.description, `${at} has no description`);
    assert.ok(schema.examples?.length, `${at} has no example`);
  }
});

test("every pattern is a valid regular expression, and its texts have a limit or an expectation", () => {
  for (const [at, { schema }] of all)
    if (schema.pattern !== undefined) {
      assert.doesNotThrow(() => new RegExp(schema.pattern ?? "", "u"), at);
      assert.ok(schema["x-expect"] !== undefined || at.includes("anyOf"), at);
    }
});

test("keywords beside a reference win over its target's", () => {
  const own = resolve({ schema: { $ref: "common.json#/$defs/Port", description: "mine" }, file: "service.json" });
  assert.equal(own.schema.description, "mine");
  assert.equal(own.schema.maximum, 65_535);
});

test("a Service's own fields are those of a container, but for its name and those that it comes after", () => {
  const service = schemaOf("Service");
  const spec = resolve(sub(service, service.schema.properties?.["spec"] ?? {})).schema.properties ?? {};
  const container = service.schema.$defs?.["Container"]?.properties ?? {};
  const short = Object.entries(spec)
    .filter(([, field]) => field["x-shorthand"] === true)
    .map(([name]) => name);
  assert.deepEqual(["name", "after", ...short].sort(), Object.keys(container).sort());
});

test("the stored forms of a union are those without shorthands", () => {
  const volumes: Located = { schema: { $ref: "service.json#/$defs/VolumeMount" }, file: "service.json" };
  assert.equal(branches(volumes).length, 5);
  assert.equal(stored(volumes).length, 4);
});
