// Reads a YAML tree by a schema: checks it, expands shorthands, fills defaults in, and reports every problem where it stands. A general
// validator would know neither places nor which branch of a union was meant; the tests hold this one against ajv. Pure.
import { branches, resolve, stored, sub, type Located, type Schema } from "../../schemas/schema.ts";
import { brokenLimit, mismatch, mustBe, quote } from "./expectation.ts";
import { expandShorthand } from "./shorthands.ts";
import type { Place } from "./problem.ts";
import { adviseField, oneOf, type Advice } from "./words.ts";
import { nodeOf, plainValue, type YamlMapping, type YamlNode, type YamlScalar, type YamlSequence } from "./yaml-node.ts";

export interface Finding {
  readonly place: Place;
  readonly field: string;
  readonly message: string;
  readonly suggestion?: string;
  /** A field that nobody knows: it is in no object. */
  readonly unknown?: true;
}

export interface Reading {
  readonly findings: Finding[];
  /** Where each field stands, for checks that come after. */
  readonly places: Map<string, Place>;
  /** False: leave out what was not written. */
  readonly defaults: boolean;
}

export function newReading({ defaults = true } = {}): Reading {
  return { findings: [], places: new Map(), defaults };
}

/** The stored form; undefined when it has another type or lacks a part (reported). A value that breaks a limit is reported and kept. */
export function read(located: Located, node: YamlNode, field: string, reading: Reading): unknown {
  reading.places.set(field, node);
  const forms = branches(located);
  const form = choose(forms, node);
  const expected = resolve(located).schema["x-expect"];
  if (form === undefined) return reject(node, field, reading, mismatch(forms, node, expected));
  const shorthand = form.schema["x-shorthand"];
  if (typeof shorthand !== "string") return readForm(form, node, field, reading);
  const expansion = expandShorthand(shorthand, node);
  if (expansion !== undefined && "message" in expansion) return reject(node, field, reading, expansion);
  const long = expansion && choose(stored(located), expansion.node);
  if (expansion === undefined || long === undefined)
    return reject(node, field, reading, { message: mustBe(expected ?? "written in its long form", node) });
  return readForm(long, expansion.node, field, reading);
}

function readForm(form: Located, node: YamlNode, field: string, reading: Reading): unknown {
  if (node.kind === "mapping") return readMapping(form, node, field, reading);
  if (node.kind === "sequence") return readSequence(form, node, field, reading);
  const problem = brokenLimit(form.schema, node);
  if (problem !== undefined) reject(node, field, reading, problem);
  return node.value;
}

function readMapping(form: Located, node: YamlMapping, field: string, reading: Reading): unknown {
  const { schema } = form;
  if (schema.properties === undefined && typeof schema.additionalProperties !== "object") return plainValue(node);
  const result: [string, unknown][] = [];
  let whole = true;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = readProperty(sub(form, property), present(node, name), joinField(field, name), reading);
    if (value !== undefined) result.push([name, value]);
    else if (schema.required?.includes(name)) whole = false;
  }
  for (const name of schema.required ?? []) if (present(node, name) === undefined) reportMissing(node, field, name, reading);
  for (const [name, { key, value }] of node.entries) {
    if (schema.properties && Object.hasOwn(schema.properties, name)) continue;
    const item = readAdditional(form, { name, key, value }, field, reading);
    if (item === undefined) whole &&= schema.properties !== undefined;
    else result.push([name, item]);
  }
  checkAlternatives(schema, node, field, reading);
  return whole ? Object.fromEntries(result) : undefined;
}

/** An absent value is its default; `volumes:` with nothing behind it counts as absent. */
function readProperty(property: Located, node: YamlNode | undefined, field: string, reading: Reading): unknown {
  const value = node === undefined ? undefined : read(property, node, field, reading);
  return value ?? (reading.defaults && property.schema["x-shorthand"] === undefined ? defaultOf(property) : undefined);
}

const defaults = new WeakMap<Schema, unknown>();

function defaultOf(property: Located): unknown {
  const { schema } = resolve(property);
  if (schema.default === undefined) return undefined;
  if (!defaults.has(property.schema))
    defaults.set(property.schema, read(property, nodeOf(schema.default, { start: 0, end: 0 }), "", newReading()));
  return defaults.get(property.schema);
}

function readAdditional(
  form: Located,
  entry: { readonly name: string; readonly key: Place; readonly value: YamlNode },
  field: string,
  reading: Reading,
): unknown {
  const { schema } = form;
  const at = joinField(field, entry.name);
  if (typeof schema.additionalProperties !== "object") {
    const known = Object.keys(schema.properties ?? {});
    return void reading.findings.push({ place: entry.key, field: at, ...adviseField(entry.name, known), unknown: true });
  }
  const names = schema.propertyNames;
  if (names !== undefined) {
    const problem = brokenLimit(names, nodeOf(entry.name, entry.key) as YamlScalar); // a text becomes a scalar
    if (problem !== undefined) reject(entry.key, at, reading, problem);
  }
  return read(sub(form, schema.additionalProperties), entry.value, at, reading);
}

function readSequence(form: Located, node: YamlSequence, field: string, reading: Reading): unknown {
  const { schema } = form;
  const { items, minItems = 0, maxItems = Infinity } = schema;
  if (node.items.length < minItems) reject(node, field, reading, { message: `must have ${minItems} or more entries` });
  if (node.items.length > maxItems)
    return reject(node, field, reading, { message: `must have ${maxItems} entries at most, has ${node.items.length}` });
  const values = node.items.map((item, index) =>
    items === undefined ? plainValue(item) : read(sub(form, items), item, `${field}[${index}]`, reading),
  );
  if (schema.uniqueItems) {
    for (const [index, value] of values.entries()) {
      const item = node.items[index];
      if (item !== undefined && value !== undefined && values.indexOf(value) < index)
        reject(item, `${field}[${index}]`, reading, { message: `${quote(item)} stands here twice: keep one of them` });
    }
  }
  return values.includes(undefined) ? undefined : values;
}

function checkAlternatives(schema: Schema, node: YamlMapping, field: string, reading: Reading): void {
  if (schema.oneOf === undefined) return;
  const names = schema.oneOf.flatMap(({ required }) => required);
  const given = names.filter((name) => present(node, name) !== undefined);
  if (given.length !== 1) reject(start(node), field, reading, { message: `must have exactly one of ${oneOf(names)}` });
}

function reportMissing(node: YamlMapping, field: string, name: string, reading: Reading): void {
  reject(start(node), joinField(field, name), reading, { message: `must have '${name}'` });
}

/** The mapping's first key or its bracket: underlining all of it would help nobody. */
function start(node: YamlMapping): Place {
  const [first] = node.entries.values();
  return first?.key.start === node.start ? first.key : { start: node.start, end: node.start + 1 };
}

function present(node: YamlMapping, name: string): YamlNode | undefined {
  const value = node.entries.get(name)?.value;
  return value?.kind === "scalar" && value.value === null ? undefined : value;
}

function reject(place: Place, field: string, reading: Reading, { message, suggestion }: Advice): undefined {
  reading.findings.push({ place, field, message, ...(suggestion !== undefined && { suggestion }) });
}

/** The form that was meant: by type, then by constants, then by the fields that only it has. */
function choose(forms: readonly Located[], node: YamlNode): Located | undefined {
  const fitting = forms.filter(({ schema }) => accepts(schema, node));
  if (fitting.length < 2 || node.kind !== "mapping") return fitting[0];
  const constant = fitting.find(({ schema }) =>
    Object.entries(schema.properties ?? {}).some(
      ([name, property]) => property.const !== undefined && property.const === scalarValue(present(node, name)),
    ),
  );
  if (constant !== undefined) return constant;
  const complete = fitting.filter(({ schema }) => schema.required?.every((name) => present(node, name) !== undefined));
  return complete.length === 1 ? complete[0] : undefined;
}

function accepts(schema: Schema, node: YamlNode): boolean {
  if (schema.const !== undefined) return scalarValue(node) === schema.const;
  if (schema.enum !== undefined) return schema.enum.includes(scalarValue(node));
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  const actual = typeName(node);
  return types.includes(actual) || (actual === "integer" && types.includes("number"));
}

function scalarValue(node: YamlNode | undefined): unknown {
  return node?.kind === "scalar" ? node.value : undefined;
}

function typeName(node: YamlNode): string {
  if (node.kind !== "scalar") return node.kind === "mapping" ? "object" : "array";
  if (node.value === null) return "null";
  if (typeof node.value !== "number") return typeof node.value;
  if (!Number.isFinite(node.value)) return "not a number";
  return Number.isSafeInteger(node.value) ? "integer" : "number";
}

function joinField(field: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${field}["${name}"]`;
  return field === "" ? name : `${field}.${name}`;
}
