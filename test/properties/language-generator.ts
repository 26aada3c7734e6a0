// Manifests for the language's properties: made by walking the schemas, valid for the most part, and texts that are mutated afterwards.
import fc from "fast-check";
import { branches, resolve, schemaOf, sub, type Located } from "../../schemas/schema.ts";
import type { Kind } from "../../src/api/resource.ts";

/** Texts that shorthands are made of, and such that trap parsers. */
const TOKENS: readonly string[] = [
  "web",
  "db",
  "config:/config",
  "volume/media:/media:ro",
  "host:/etc/localtime:/etc/localtime:ro",
  "nas:/tank:/films",
  "/srv/x:/y",
  "web:8000",
  "8096",
  "53:dns:5353/udp",
  "8000-8010/udp",
  "[::1]:99/tcp",
  "service/x:90",
  "service/x/web:1",
  "https://192.168.1.1",
  "tcp://10.0.0.1:5",
  "30s",
  "1h30m",
  "512Mi",
  "2g",
  "start-first",
  "never",
  "all",
  "none",
  "host",
  "container:db",
  "/dev/net/tun",
  "gpu",
  "0644",
  "'0644'",
  "jellyfin/jellyfin:10.11",
  "A=1",
  "x:y",
  "/tmp:size=64m,mode=1777",
  "192.168.1.0/24",
  "lan",
  "${url}",
  "$$",
  "*.apps",
  "10 mail.example.com",
  "",
  "~",
  "null",
  "true",
  "yes",
  ".inf",
  ".nan",
  "1e400",
  "0x1f",
  "-1",
  "99999999999999999999",
  "&a",
  "*a",
  "<<: *a",
  "!!binary",
  "!x",
  "---",
  "...",
  "%YAML 1.2",
  "\t",
  "'",
  '"',
  "{",
  "}",
  "[",
  "]",
  "|",
  ">-",
  "#",
  ":",
  "? ",
  "- ",
  "\u0000",
  "\uFEFF",
  "\u2028",
  "\r",
  "é",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "namespace: x",
  "status: {}",
  "environment: {}",
  "image",
  "containers",
  "spec",
  "metadata",
  "kind: Route",
  "apiVersion: v1",
];

const token: fc.Arbitrary<string> = fc.constantFrom(...TOKENS);

/** A whole object of a kind, valid or nearly so. */
export function objectOf(kind: Kind): fc.Arbitrary<unknown> {
  const { schema, file } = schemaOf(kind);
  const spec = valueOf({ schema: schema.properties?.["spec"] ?? {}, file }, 4);
  return fc.record({
    apiVersion: fc.constant("fossora.dev/v1"),
    kind: fc.constant(kind),
    metadata: fc.record({ name: kind === "House" ? fc.constant("house") : fc.constantFrom("jellyfin", "web", "a-1") }),
    spec,
  });
}

/** Mostly examples and defaults, which are valid; sometimes any scalar of the right type, seldom something else. */
function valueOf(located: Located, depth: number): fc.Arbitrary<unknown> {
  const { schema } = resolve(located);
  const examples = schema.examples ?? [];
  const forms = branches(located).map((form) => formOf(form, depth));
  return fc.oneof(
    { arbitrary: examples.length > 0 ? fc.constantFrom(...examples) : fc.oneof(...forms), weight: 6 },
    { arbitrary: fc.oneof(...forms), weight: depth > 0 ? 6 : 0 },
    { arbitrary: fc.oneof(token, fc.integer(), fc.boolean(), fc.constant(null)), weight: 1 },
  );
}

function formOf(form: Located, depth: number): fc.Arbitrary<unknown> {
  const { schema } = form;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const type = typeof schema.type === "string" ? schema.type : (schema.type?.[0] ?? "string");
  if (type === "integer") return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 70_000, 70_000) });
  if (type === "number") return fc.double({ min: 0.1, max: 64, noNaN: true });
  if (type === "boolean") return fc.boolean();
  if (type === "string") return token;
  if (depth === 0) return fc.constant(type === "array" ? [] : {});
  if (type === "array") return fc.array(schema.items === undefined ? token : valueOf(sub(form, schema.items), depth - 1), { maxLength: 3 });
  return mappingOf(form, depth);
}

function mappingOf(form: Located, depth: number): fc.Arbitrary<unknown> {
  const { schema } = form;
  if (schema.properties === undefined) {
    const value = typeof schema.additionalProperties === "object" ? valueOf(sub(form, schema.additionalProperties), depth - 1) : token;
    return fc.dictionary(fc.constantFrom("a", "TZ", "zigbee", "__proto__"), value, { maxKeys: 2, noNullPrototype: true });
  }
  const names = Object.keys(schema.properties);
  const required = schema.required ?? [];
  const field = (name: string): fc.Arbitrary<unknown> => valueOf(sub(form, schema.properties?.[name] ?? {}), depth - 1);
  // A few fields at a time: all at once would nearly always break a rule between two of them.
  return fc.subarray(names, { maxLength: Math.min(6, names.length) }).chain((chosen) => {
    const all = [...new Set([...required, ...chosen])];
    return fc.tuple(...all.map(field)).map((values) => Object.fromEntries(all.map((name, index) => [name, values[index]])));
  });
}

/** One change to a text, anywhere in it (`at` from 0 to 1). */
export interface Mutation {
  readonly how: "insert" | "cut" | "repeat" | "swap" | "indent" | "replace";
  readonly at: number;
  readonly token: string;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  how: fc.constantFrom("insert", "cut", "repeat", "swap", "indent", "replace"),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  token,
});

export function mutate(text: string, { how, at, token: word }: Mutation): string {
  const lines = text.split("\n");
  const line = Math.min(lines.length - 1, Math.floor(at * lines.length));
  const own = lines[line] ?? "";
  const offset = Math.floor(at * text.length);
  switch (how) {
    case "insert":
      return text.slice(0, offset) + word + text.slice(offset);
    case "cut":
      return text.slice(0, offset) + text.slice(offset + 1 + Math.floor(at * 7));
    case "repeat":
      return lines.toSpliced(line, 0, own).join("\n");
    case "swap":
      return lines.toSpliced(line, 2, lines[line + 1] ?? "", own).join("\n");
    case "indent":
      return lines.toSpliced(line, 1, at > 0.5 ? `  ${own}` : own.replace(/^ {1,2}/, "")).join("\n");
    case "replace":
      return lines.toSpliced(line, 1, own.replace(/: .*$/, `: ${word}`)).join("\n");
  }
}
