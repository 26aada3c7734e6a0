// How objects are printed: `-o wide|json|yaml|name|jsonpath=|custom-columns=`, or a table.
import { API_VERSION } from "../api/resource.ts";
import { reference } from "../api/kinds.ts";
import type { ServedKind, ServedObject } from "../api/wire.ts";
import { columnsOf, type Column } from "./columns.ts";
import { EXIT, Failure } from "./failure.ts";
import { compilePath, compileTemplate, plainText } from "./jsonpath.ts";
import { formatTable } from "./table.ts";

export type Format =
  | { readonly kind: "table"; readonly wide: boolean }
  | { readonly kind: "json" | "yaml" | "name" }
  | { readonly kind: "jsonpath"; readonly render: (value: unknown) => string }
  | { readonly kind: "custom"; readonly columns: readonly Column[] };

/** Throws Failure. */
export function parseFormat(text: string | undefined): Format {
  if (text === undefined) return { kind: "table", wide: false };
  if (text === "wide") return { kind: "table", wide: true };
  if (text === "json" || text === "yaml" || text === "name") return { kind: text };
  const [form, rest] = splitAtEquals(text);
  if (form === "jsonpath" && rest !== undefined) return { kind: "jsonpath", render: compileTemplate(rest) };
  if (form === "custom-columns" && rest !== undefined) return { kind: "custom", columns: rest.split(",").map(customColumn) };
  throw new Failure(
    EXIT.usage,
    `Cannot print as "${text}": -o takes wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADER:PATH,...`,
    "fossora get services -o wide",
  );
}

function splitAtEquals(text: string): readonly [string, string | undefined] {
  const at = text.indexOf("=");
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function customColumn(text: string): Column {
  const at = text.indexOf(":");
  if (at < 1)
    throw new Failure(
      EXIT.usage,
      `Cannot read the column "${text}": it should be HEADER:PATH.`,
      "fossora get services -o custom-columns=NAME:.metadata.name",
    );
  const path = compilePath(text.slice(at + 1));
  return { header: text.slice(0, at).toUpperCase(), value: (object) => path(object).map(plainText).join(",") || "<none>" };
}

/** What a group of objects of one kind becomes; the server's order, or by `sortBy`. */
export interface Group {
  readonly kind: ServedKind;
  readonly objects: readonly ServedObject[];
}

export interface PrintOptions {
  readonly labels: boolean;
  readonly nowMs: number;
  /** One object was asked for by its name: it is printed as itself, not as a list. */
  readonly single: boolean;
}

/** The whole text, without a trailing line end; empty where there is nothing to print. */
export async function printGroups(groups: readonly Group[], format: Format, options: PrintOptions): Promise<string> {
  const objects = groups.flatMap((group) => group.objects);
  switch (format.kind) {
    case "json":
      return JSON.stringify(document(objects, options.single), undefined, 2);
    case "yaml":
      return yaml(document(objects, options.single));
    case "name":
      return objects.map((object) => reference(object.kind, object.metadata.name)).join("\n");
    case "jsonpath":
      return format.render(document(objects, options.single));
    case "custom":
      return formatTable([
        format.columns.map((column) => column.header),
        ...objects.map((object) => format.columns.map((column) => column.value(object, options.nowMs))),
      ]).join("\n");
    case "table":
      return groups
        .filter((group) => group.objects.length > 0)
        .map((group) => tableOf(group, format.wide, options))
        .join("\n\n");
  }
}

function tableOf(group: Group, wide: boolean, options: PrintOptions): string {
  const columns = columnsOf(group.kind, { wide, labels: options.labels });
  return formatTable([
    columns.map((column) => column.header),
    ...group.objects.map((object) => columns.map((column) => column.value(object, options.nowMs))),
  ]).join("\n");
}

function document(objects: readonly ServedObject[], single: boolean): unknown {
  return single && objects.length === 1 ? objects[0] : { apiVersion: API_VERSION, kind: "List", items: objects };
}

/** Loaded when it is asked for: few read YAML. */
export async function yaml(value: unknown): Promise<string> {
  const { yamlText } = await import("../api/yaml-text.ts");
  return yamlText(value);
}

/** Throws Failure when the path cannot be read. Numbers sort as numbers, what is absent comes first. */
export function sorted(objects: readonly ServedObject[], sortBy: string | undefined): readonly ServedObject[] {
  if (sortBy === undefined) return objects;
  const path = compilePath(sortBy);
  const keyed = objects.map((object) => ({ object, key: path(object)[0] }));
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ object }) => object);
}

function compare(a: unknown, b: unknown): number {
  const [first, second] = [plainText(a), plainText(b)];
  if (first !== "" && second !== "" && Number.isFinite(Number(first)) && Number.isFinite(Number(second)))
    return Number(first) - Number(second);
  return first < second ? -1 : first > second ? 1 : 0;
}
