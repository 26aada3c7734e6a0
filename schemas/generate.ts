// Makes src/api/types.ts of schemas/*.json: the stored form of each kind's spec, with defaults filled in and shorthands expanded.
// `tools/node schemas/generate.ts` writes it, `--check` only says whether it is current.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve, SCHEMA_FILES, stored, sub, type Located, type Schema } from "./schema.ts";

const TYPES = new URL("../src/api/types.ts", import.meta.url);
const HEADER = "// Generated from schemas/*.json by schemas/generate.ts: the stored form of each kind's spec. Do not edit.\n";
/** Definitions of common.json that are worth a name of their own. */
const NAMED_COMMON: readonly string[] = ["RouteOptions"];
const ALIASES: readonly string[] = ["Duration", "Size"];

export function generateTypes(): string {
  const parts = [HEADER, ...ALIASES.map(alias)];
  for (const [file, schema] of Object.entries(SCHEMA_FILES)) {
    for (const [name, definition] of Object.entries(schema.$defs ?? {})) {
      if (file === "common.json" && !NAMED_COMMON.includes(name)) continue;
      parts.push(declaration(name, { schema: definition, file }));
    }
  }
  return parts.filter((part) => part !== "").join("\n");
}

function alias(name: string): string {
  return `${doc(SCHEMA_FILES["common.json"]?.$defs?.[name], "")}export type ${name} = string;\n`;
}

function declaration(name: string, located: Located): string {
  const { schema } = located;
  if (schema.type === "string") return "";
  const forms = stored(located);
  const [only] = forms;
  if (forms.length === 1 && only?.schema.properties) return `${doc(schema, "")}export interface ${name} ${objectType(only, "")}\n`;
  return `${doc(schema, "")}export type ${name} =\n  | ${forms.map((branch) => branchType(branch, "  ")).join("\n  | ")};\n`;
}

/** Type of a value; a reference to a named definition is that name. */
function typeOf(located: Located, indent: string): string {
  const named = nameOf(located);
  if (named !== undefined) return named;
  const { schema, file } = resolve(located);
  if (schema["x-type"] !== undefined) return schema["x-type"];
  if (schema.anyOf === undefined) return branchType({ schema, file }, indent);
  const types = schema.anyOf
    .filter((branch) => branch["x-shorthand"] === undefined)
    .map((branch) => typeOf({ schema: branch, file }, indent));
  return [...new Set(types)].join(" | ");
}

function branchType(located: Located, indent: string): string {
  const { schema } = located;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "integer") return "number";
  if (schema.type === "array") return `readonly ${arrayItem(located, indent)}[]`;
  if (schema.type === "object") return objectType(located, indent);
  return String(schema.type);
}

function arrayItem(located: Located, indent: string): string {
  const item = typeOf(sub(located, located.schema.items ?? {}), indent);
  return /[|{]/.test(item) ? `(${item})` : item;
}

function objectType(located: Located, indent: string): string {
  const { schema } = located;
  const inner = `${indent}  `;
  if (schema.properties === undefined) {
    const value = typeof schema.additionalProperties === "object" ? typeOf(sub(located, schema.additionalProperties), indent) : "unknown";
    return `Readonly<Record<string, ${value}>>`;
  }
  const always = new Set([...(schema.required ?? []), ...(schema["x-stored"] ?? [])]);
  const fields = Object.entries(schema.properties)
    .filter(([, property]) => property["x-shorthand"] === undefined)
    .map(([name, property]) => {
      const field = sub(located, property);
      const resolved = resolve(field).schema;
      const mark = always.has(name) || resolved.default !== undefined ? "" : "?";
      return `${doc(resolved, inner)}${inner}readonly ${name}${mark}: ${typeOf(field, inner)};\n`;
    });
  return `{\n${fields.join("")}${indent}}`;
}

function nameOf({ schema, file }: Located): string | undefined {
  const match = /^([a-z]+\.json)?#\/\$defs\/([A-Za-z]+)$/.exec(schema.$ref ?? "");
  const name = match?.[2];
  if (name === undefined) return undefined;
  const target = resolve({ schema: { $ref: schema.$ref ?? "" }, file });
  if (target.schema.type === "string" || target.file === "common.json") return undefined;
  return name;
}

function doc(schema: Schema | undefined, indent: string): string {
  return schema?.description === undefined ? "" : `${indent}/** ${schema.description.replaceAll("*/", "*\\/")} */\n`;
}

if (import.meta.main) {
  const text = generateTypes();
  const current = readFileSync(TYPES, "utf8") === text;
  if (process.argv.includes("--check")) {
    if (!current) {
      process.stderr.write("src/api/types.ts is not current. Try: tools/node schemas/generate.ts\n");
      process.exitCode = 1;
    }
  } else if (!current) writeFileSync(TYPES, text);
}
