// The JSON Schemas of the language as the program reads them: the keywords that they use, and their references. Pure.
import common from "./common.json" with { type: "json" };
import dnsrecord from "./dnsrecord.json" with { type: "json" };
import house from "./house.json" with { type: "json" };
import membership from "./membership.json" with { type: "json" };
import route from "./route.json" with { type: "json" };
import service from "./service.json" with { type: "json" };

/** JSON Schema 2020-12, as far as `schemas/` uses it, and six keywords of our own. */
export interface Schema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  /** Exactly one of these sets of fields is there. */
  readonly oneOf?: readonly { readonly required: readonly string[] }[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** A way to write it that is not how it is stored; the name of the function that expands it. */
  readonly "x-shorthand"?: boolean | string;
  /** What people are told when the value is something else, after "must be". */
  readonly "x-expect"?: string;
  /** Fields that are always there once stored, though they may be left out when written. */
  readonly "x-stored"?: readonly string[];
  /** The shortest and the longest duration that it takes. */
  readonly "x-least"?: string;
  readonly "x-most"?: string;
  /** The name of the TypeScript type. */
  readonly "x-type"?: string;
}

/** A schema and the file that its own references start from. */
export interface Located {
  readonly schema: Schema;
  readonly file: string;
}

export const SCHEMA_FILES: Readonly<Record<string, Schema>> = {
  "common.json": common,
  "service.json": service,
  "route.json": route,
  "dnsrecord.json": dnsrecord,
  "membership.json": membership,
  "house.json": house,
};

/** The schema of a kind's whole object, by the kind's name. */
export function schemaOf(kind: string): Located {
  const file = `${kind.toLowerCase()}.json`;
  return { schema: schemaFile(file), file };
}

export function sub(parent: Located, schema: Schema): Located {
  return { schema, file: parent.file };
}

/** What was resolved before: the schemas never change, and a manifest meets the same ones many times. */
const resolved = new WeakMap<Schema, Located>();
const branched = new WeakMap<Schema, readonly Located[]>();

/** Follows `$ref`; keywords beside a `$ref` win over those of its target. */
export function resolve(located: Located): Located {
  const { $ref, ...own } = located.schema;
  if ($ref === undefined) return located;
  const known = resolved.get(located.schema);
  if (known !== undefined) return known;
  const target = resolve(dereference($ref, located.file));
  const result = { schema: { ...target.schema, ...own }, file: target.file };
  resolved.set(located.schema, result);
  return result;
}

function dereference($ref: string, from: string): Located {
  const [file, pointer] = $ref.split("#");
  const target = file === "" || file === undefined ? from : file;
  let node: unknown = schemaFile(target);
  for (const part of (pointer ?? "").split("/").slice(1)) node = (node as Readonly<Record<string, unknown>>)[part]; // a test resolves every reference
  return { schema: node as Schema, file: target };
}

function schemaFile(file: string): Schema {
  const schema = SCHEMA_FILES[file];
  if (schema === undefined) throw new Error(`Cannot find the schema '${file}': schemas/schema.ts should list it`);
  return schema;
}

/** The branches of an `anyOf`, nested ones included; a schema without one is its own only branch. */
export function branches(located: Located): readonly Located[] {
  const known = branched.get(located.schema);
  if (known !== undefined) return known;
  const { schema, file } = resolve(located);
  const result =
    schema.anyOf === undefined
      ? [{ schema, file }]
      : schema.anyOf.flatMap((branch) => branches({ schema: withExpectation(branch, schema), file }));
  branched.set(located.schema, result);
  return result;
}

/** A branch that does not say what it expects expects what the union does. */
function withExpectation(branch: Schema, union: Schema): Schema {
  const expected = union["x-expect"];
  return branch.$ref !== undefined || branch["x-expect"] !== undefined || expected === undefined
    ? branch
    : { ...branch, "x-expect": expected };
}

/** The way it is stored: without what only people write. */
export function stored(located: Located): readonly Located[] {
  return branches(located).filter(({ schema }) => schema["x-shorthand"] === undefined);
}
