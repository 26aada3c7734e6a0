// A second opinion on what the language accepts: ajv, on the schemas as they are and on their stored form.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Kind } from "../../src/api/resource.ts";
import { SCHEMA_FILES, type Schema } from "../../schemas/schema.ts";

/** Problems of a whole object by the schema of its kind, in its stored form: without shorthands, with everything that is always there. */
export function brokenStored(kind: Kind, object: unknown): string | undefined {
  return problems(stored, kind, object);
}

/** The same, by the schema as editors have it. */
export function brokenWritten(kind: Kind, object: unknown): string | undefined {
  return problems(written, kind, object);
}

const written = compile((schema) => schema);
const stored = compile(storedForm);

function problems(ajv: Ajv2020, kind: Kind, object: unknown): string | undefined {
  const validate: ValidateFunction | undefined = ajv.getSchema(`https://fossora.dev/schemas/${kind.toLowerCase()}.json`);
  if (validate === undefined) throw new Error(`Cannot find the schema of ${kind}`);
  return validate(object) ? undefined : ajv.errorsText(validate.errors);
}

function compile(change: (schema: Schema) => Schema): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  for (const schema of Object.values(SCHEMA_FILES)) ajv.addSchema(change(schema));
  return ajv;
}

function storedForm(schema: Schema): Schema {
  const plain = Object.fromEntries(Object.entries(schema).map(([keyword, value]) => [keyword, storedKeyword(keyword, value)])) as Schema; // the same keywords
  if (schema.properties === undefined || schema.type !== "object") return plain;
  const required = new Set([...(schema.required ?? []), ...(schema["x-stored"] ?? []), ...defaulted(schema)]);
  return { ...plain, required: [...required] };
}

function storedKeyword(keyword: string, value: unknown): unknown {
  if (keyword === "anyOf") return (value as readonly Schema[]).filter((branch) => branch["x-shorthand"] === undefined).map(storedForm);
  if (keyword === "items" || keyword === "propertyNames") return storedForm(value as Schema);
  if (keyword === "additionalProperties") return typeof value === "object" ? storedForm(value as Schema) : value;
  if (keyword !== "properties" && keyword !== "$defs") return value;
  const parts = Object.entries(value as Readonly<Record<string, Schema>>).filter(([, part]) => part["x-shorthand"] === undefined);
  return Object.fromEntries(parts.map(([name, part]) => [name, storedForm(part)]));
}

/** Properties with a default of their own; those that a reference brings are required by x-stored or have one beside the reference. */
function defaulted(schema: Schema): readonly string[] {
  return Object.entries(schema.properties ?? {})
    .filter(([, property]) => property.default !== undefined && property["x-shorthand"] === undefined)
    .map(([name]) => name);
}
