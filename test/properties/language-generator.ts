// Manifests for the language's properties: made by walking the schemas, valid for the most part, and texts that are mutated afterwards.
import fc from "fast-check";
import { branches, resolve, schemaOf, sub, type Located, type Schema } from "../../schemas/schema.ts";
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
  return fc.record({
    apiVersion: fc.constant("fossora.dev/v1"),
    kind: fc.constant(kind),
    metadata: fc.record({ name: kind === "House" ? fc.constant("house") : fc.constantFrom("jellyfin", "web", "a-1") }),
    spec: fc.oneof(...specForms[kind].map((fields) => specOf(kind, fields))),
  });
}

interface Fields {
  readonly always: readonly string[];
  readonly never?: (name: string, schema: Schema) => boolean;
}

/** What the schemas cannot say: which fields there must be at least, and which cannot stand together. */
const specForms: { readonly [K in Kind]: readonly Fields[] } = {
  Service: [
    { always: ["image"], never: (name) => name === "containers" },
    { always: ["containers"], never: (_, field) => field["x-shorthand"] === true },
  ],
  Route: [
    { always: ["host", "to"], never: (name) => ["listen", "tls", "proxyProtocol", "idleTimeout"].includes(name) },
    { always: ["listen", "to"], never: (name) => !["allow", "proxyProtocol", "idleTimeout", "path"].includes(name) },
  ],
  DnsRecord: [{ always: ["values"] }],
  Membership: [{ always: [] }],
  House: [{ always: [] }],
};

function specOf(kind: Kind, fields: Fields): fc.Arbitrary<unknown> {
  const { schema, file } = schemaOf(kind);
  return mappingOf(resolve({ schema: schema.properties?.["spec"] ?? {}, file }), 4, fields);
}

/** Mostly examples and defaults, which are valid; sometimes any value of the right type, seldom something else. */
function valueOf(located: Located, depth: number): fc.Arbitrary<unknown> {
  const { schema } = resolve(located);
  const examples = schema.examples ?? [];
  const forms = branches(located);
  const isText = forms.every((form) => form.schema.type === "string");
  const any = fc.oneof(...forms.map((form) => formOf(form, depth)));
  return fc.oneof(
    { arbitrary: examples.length > 0 ? fc.constantFrom(...examples) : any, weight: 12 },
    { arbitrary: any, weight: depth === 0 || isText ? 1 : 9 },
    { arbitrary: fc.oneof(token, fc.integer(), fc.boolean(), fc.constant(null)), weight: 1 },
  );
}

function formOf(form: Located, depth: number): fc.Arbitrary<unknown> {
  const { schema } = form;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const type = typeof schema.type === "string" ? schema.type : (schema.type?.[0] ?? "string");
  if (type === "integer") return integerOf(schema.minimum ?? 0, schema.maximum ?? 70_000);
  if (type === "number") return fc.double({ min: 0.1, max: 64, noNaN: true });
  if (type === "boolean") return fc.boolean();
  if (type === "string") return token;
  if (depth === 0) return fc.constant(type === "array" ? [] : {});
  if (type === "array") return fc.array(schema.items === undefined ? token : valueOf(sub(form, schema.items), depth - 1), { maxLength: 3 });
  return mappingOf(form, depth);
}

/** Of fields that exclude each other, the first. */
function oneOfNames(schema: Schema): readonly string[] {
  return schema.oneOf?.[0]?.required ?? [];
}

/** In its limits for the most part, else just outside of them. */
function integerOf(min: number, max: number): fc.Arbitrary<number> {
  return fc.oneof({ arbitrary: fc.integer({ min, max }), weight: 3 }, { arbitrary: fc.constantFrom(min - 1, max + 1), weight: 1 });
}

function mappingOf(form: Located, depth: number, { always, never = () => false }: Fields = { always: [] }): fc.Arbitrary<unknown> {
  const { schema } = form;
  if (schema.properties === undefined) {
    const value = typeof schema.additionalProperties === "object" ? valueOf(sub(form, schema.additionalProperties), depth - 1) : token;
    return fc.dictionary(fc.constantFrom("a", "TZ", "zigbee", "__proto__"), value, { maxKeys: 2, noNullPrototype: true });
  }
  const names = Object.entries(schema.properties)
    .filter(([name, property]) => !never(name, property))
    .map(([name]) => name);
  const required = [...(schema.required ?? []), ...always, ...oneOfNames(schema)];
  const excluded = (schema.oneOf ?? []).slice(1).flatMap((choice) => choice.required);
  const field = (name: string): fc.Arbitrary<unknown> => valueOf(sub(form, schema.properties?.[name] ?? {}), depth - 1);
  // A few fields at a time: all at once would nearly always break a rule between two of them.
  return fc.subarray(names, { maxLength: Math.min(6, names.length) }).chain((chosen) => {
    const all = [...new Set([...required, ...chosen])].filter((name) => !excluded.includes(name));
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
