// What a field means, out of the schemas: behind `fossora explain svc.spec.update`. Pure, and needs no server.
import { closest } from "./names.ts";
import type { Kind } from "./resource.ts";
import { branches, resolve, schemaOf, sub, type Located } from "../../schemas/schema.ts";

export interface ExplainedField {
  readonly name: string;
  /** As people say it: `text`, `whole number`, `list of Container`, `'always' | 'once'`. */
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
  readonly default?: unknown;
}

export interface Explanation {
  readonly kind: Kind;
  /** `spec.update.order`; empty for the kind itself. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly default?: unknown;
  readonly examples: readonly unknown[];
  readonly fields: readonly ExplainedField[];
}

/** What is unknown in a path, and what was probably meant. */
export interface Unexplained {
  readonly unknown: string;
  /** The part of the path before it. */
  readonly within: string;
  readonly suggestion?: string;
}

/** `path` is below the kind: `spec.containers.env`; lists are passed through. */
export function explain(kind: Kind, path: readonly string[]): Explanation | Unexplained {
  let at: Located = schemaOf(kind);
  for (const [index, name] of path.entries()) {
    const fields = fieldsOf(at);
    const next = fields.get(name);
    if (next === undefined) {
      const suggestion = closest(name, fields.keys());
      return { unknown: name, within: path.slice(0, index).join("."), ...(suggestion !== undefined && { suggestion }) };
    }
    at = next;
  }
  const { schema } = resolve(at);
  return {
    kind,
    path: path.join("."),
    type: typeText(at),
    description: schema.description ?? "",
    ...(schema.default !== undefined && { default: schema.default }),
    examples: schema.examples ?? [],
    fields: [...fieldsOf(at)].map(([name, field]) => explainField(at, name, field)),
  };
}

function explainField(parent: Located, name: string, field: Located): ExplainedField {
  const { schema } = resolve(field);
  const required = branches(items(parent)).every((branch) => branch.schema.type !== "object" || branch.schema.required?.includes(name));
  return {
    name,
    type: typeText(field),
    required,
    description: schema.description ?? "",
    ...(schema.default !== undefined && { default: schema.default }),
  };
}

/** Fields of the object, or of a list's entries; of a union, those of all its forms. */
function fieldsOf(located: Located): ReadonlyMap<string, Located> {
  const fields = new Map<string, Located>();
  for (const branch of branches(items(located))) {
    for (const [name, property] of Object.entries(branch.schema.properties ?? {}))
      if (!fields.has(name)) fields.set(name, sub(branch, property));
  }
  return fields;
}

function items(located: Located): Located {
  const list = branches(located).find(
    ({ schema }) => schema.items?.$ref !== undefined || schema.items?.properties !== undefined || schema.items?.anyOf !== undefined,
  );
  return list?.schema.items === undefined ? located : items(sub(list, list.schema.items));
}

const WORDS: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true | false",
  object: "object",
};

function typeText(located: Located): string {
  const { schema } = resolve(located);
  if (schema["x-type"] !== undefined) return schema["x-type"].toLowerCase();
  const texts = branches(located).flatMap((branch) => branchTexts(branch));
  return [...new Set(texts)].join(" | ");
}

function branchTexts(branch: Located): readonly string[] {
  const { schema } = branch;
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value));
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.type === "array")
    return [
      schema.items === undefined || typeof schema["x-shorthand"] === "string" ? "list" : `list of ${typeText(sub(branch, schema.items))}`,
    ];
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return [`map of ${typeText(sub(branch, schema.additionalProperties))}`];
  return (typeof schema.type === "string" ? [schema.type] : (schema.type ?? [])).map((type) => WORDS[type] ?? type);
}
