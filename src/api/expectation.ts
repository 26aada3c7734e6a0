// What is said about a value that a schema does not take: what was expected, what was found, what was probably meant. Pure.
import type { Located, Schema } from "../../schemas/schema.ts";
import { durationMs, parseDuration } from "./durations.ts";
import { closest } from "./names.ts";
import { oneOf, type Advice } from "./words.ts";
import type { YamlNode, YamlScalar } from "./yaml-node.ts";

/** Why no form fits. */
export function mismatch(forms: readonly Located[], node: YamlNode, expected: string | undefined): Advice {
  const values = forms.flatMap(({ schema }) => schema.enum ?? (schema.const === undefined ? [] : [schema.const]));
  if (node.kind === "scalar" && values.length > 0 && expected === undefined) {
    const suggestion = typeof node.value === "string" ? closest(node.value, values.map(String)) : undefined;
    const hint = suggestion === undefined ? "" : `: did you mean '${suggestion}'?`;
    return { message: `must be ${oneOf(values)}${hint || `, not ${quote(node)}`}`, ...(suggestion !== undefined && { suggestion }) };
  }
  if (
    node.kind === "scalar" &&
    typeof node.value !== "string" &&
    node.value !== null &&
    forms.some(({ schema }) => schema.type === "string")
  )
    return unquoted(node, expected);
  return { message: mustBe(expected ?? expectedType(forms), node) };
}

/** `0644` without quotes is a number to YAML, and not the one that was meant. */
function unquoted(node: YamlScalar, expected: string | undefined): Advice {
  const suggestion = `'${node.text}'`;
  const why = /^0\d+$/.test(node.text)
    ? `YAML reads an unquoted ${node.text} as the number ${String(node.value)}`
    : `YAML reads an unquoted ${node.text} as a ${typeof node.value}`;
  return { message: `must be ${expected ?? "text"}: write ${suggestion} in quotes (${why})`, suggestion };
}

/** What was expected, after "must be", and what was found. */
export function mustBe(expected: string, node: YamlNode): string {
  return `must be ${expected}, not ${quote(node)}`;
}

const QUOTED_MAX = 60;
const QUOTED_KEYS_MAX = 6;

/** A value as it was written, for a message. */
export function quote(node: YamlNode): string {
  if (node.kind === "sequence") return "a list";
  if (node.kind === "mapping") return node.entries.size > QUOTED_KEYS_MAX ? "a mapping" : `{ ${[...node.entries.keys()].join(", ")} }`;
  if (node.value === null) return "empty";
  const text = node.text.length > QUOTED_MAX ? `${node.text.slice(0, QUOTED_MAX)}...` : node.text;
  return `'${text.replaceAll("\0", "\\0")}'`; // what nobody can see
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
};

function expectedType(forms: readonly Located[]): string {
  const words = forms.flatMap(({ schema }) => schema.type ?? []).map((type) => TYPE_WORDS[type] ?? type);
  return [...new Set(words)].join(" or ") || "something else";
}

const patterns = new Map<string, RegExp>();

/** What a scalar of the right type still may break. */
export function brokenLimit(schema: Schema, node: YamlScalar): Advice | undefined {
  const { value } = node;
  const expected = schema["x-expect"];
  if (typeof value === "number") {
    const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
    if (value >= minimum && value <= maximum && value > exclusiveMinimum) return undefined;
    return { message: mustBe(expected ?? `a number from ${minimum} to ${maximum}`, node) };
  }
  if (typeof value !== "string") return undefined;
  if (value.length > (schema.maxLength ?? Infinity))
    return { message: `must have ${schema.maxLength} characters at most, has ${value.length}` };
  if (value.length < (schema.minLength ?? 0)) return { message: "must not be empty" };
  if (schema.pattern === undefined || pattern(schema.pattern).test(value)) return brokenDuration(schema, node, value);
  const lower = value.toLowerCase();
  if (lower !== value && pattern(schema.pattern).test(lower))
    return { message: `must be ${expected ?? "lower-case letters"}: try '${lower}'`, suggestion: lower };
  return { message: mustBe(expected ?? `text like ${schema.pattern}`, node) };
}

function brokenDuration({ "x-least": least, "x-most": most }: Schema, node: YamlScalar, value: string): Advice | undefined {
  const ms = parseDuration(value) ?? 0;
  if (least !== undefined && ms < durationMs(least)) return { message: mustBe(`${least} or more`, node) };
  if (most !== undefined && ms > durationMs(most)) return { message: mustBe(`${most} or less`, node) };
  return undefined;
}

function pattern(text: string): RegExp {
  const known = patterns.get(text) ?? new RegExp(text, "u");
  patterns.set(text, known);
  return known;
}
