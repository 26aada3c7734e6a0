// One YAML document -> one object of the language, in its stored form, with what was found wrong. Pure.
import { complete, hoistContainer, type Report, type Written } from "./expand.ts";
import { LIST } from "./list.ts";
import { closest } from "./names.ts";
import type { Place } from "./problem.ts";
import { newReading, read, type Finding, type Reading } from "./read.ts";
import { API_VERSION, type Kind, type Metadata, type Name, type Specs } from "./resource.ts";
import { isStored, SERVED_KINDS } from "./kinds.ts";
import { rules } from "./rules.ts";
import { schemaOf, sub } from "../../schemas/schema.ts";
import { entryOf, nodeOf, textOf, type YamlMapping, type YamlNode } from "./yaml-node.ts";

/** What a person applies: an object without what the server adds. */
export interface ManifestObject<K extends Kind = Kind> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: Pick<Metadata, "name" | "labels" | "annotations">;
  readonly spec: Specs[K];
  /** The spec without defaults: what somebody else may set without being overruled by the next apply. */
  readonly written: Specs[K];
  /** Of a House: fields of its spec that say `null`, and are to go. */
  readonly cleared?: readonly string[];
  /** Given by the person: change it only if it still has this version. */
  readonly resourceVersion?: string;
}

/** What becomes of a field that nobody knows: a mistake, or one of a newer release. */
export type UnknownFields = "refuse" | "leave out";

export type AnyManifestObject = { [K in Kind]: ManifestObject<K> }[Kind];

export interface ReadDocument {
  /** Absent, or not to be used, where something was found wrong. */
  readonly object?: AnyManifestObject;
  readonly findings: readonly Finding[];
  /** Fields that nobody knows, where those are left out. */
  readonly leftOut: readonly Finding[];
  /** As they were written, for messages. */
  readonly kind?: string;
  readonly name?: string;
}

const KINDS: readonly Kind[] = SERVED_KINDS.map(({ kind }) => kind).filter(isStored);

export function readDocument(node: YamlNode, unknownFields: UnknownFields = "refuse"): ReadDocument {
  if (node.kind !== "mapping") {
    const message = "must be an object with 'apiVersion', 'kind', 'metadata' and 'spec'";
    return { findings: [{ place: node, field: "", message }], leftOut: [] };
  }
  const written = textOf(entryOf(node, "kind"));
  const name = textOf(entryOf(entryOf(node, "metadata"), "name"));
  const reading = newReading();
  const kind = KINDS.find((known) => known === written);
  const leftOut: Finding[] = [];
  const object = kind === undefined ? reportKind(node, reading) : readObject(kind, node, { reading, unknownFields, leftOut });
  return {
    findings: reading.findings,
    leftOut,
    ...(object && { object }),
    ...(written !== undefined && { kind: written }),
    ...(name !== undefined && { name }),
  };
}

function reportKind(node: YamlMapping, reading: Reading): undefined {
  const kind = entryOf(node, "kind");
  const written = textOf(kind);
  // One that can be read was replaced by its items before.
  if (written === LIST) return reportItems(node, reading);
  const suggestion = written === undefined ? undefined : closest(written, KINDS);
  const hint = suggestion === undefined ? `known are ${KINDS.join(", ")}` : `did you mean '${suggestion}'?`;
  const message = written === undefined ? `must have a 'kind': ${KINDS.join(", ")}` : `unknown kind '${written.slice(0, 63)}': ${hint}`;
  reading.findings.push({ place: kind ?? firstKey(node), field: "kind", message, ...(suggestion !== undefined && { suggestion }) });
}

function reportItems(node: YamlMapping, reading: Reading): undefined {
  reading.findings.push({ place: entryOf(node, "items") ?? firstKey(node), field: "items", message: "must be a list of objects" });
}

interface ObjectReading {
  readonly reading: Reading;
  readonly unknownFields: UnknownFields;
  readonly leftOut: Finding[];
}

function readObject(kind: Kind, node: YamlMapping, { reading, unknownFields, leftOut }: ObjectReading): AnyManifestObject | undefined {
  const name = textOf(entryOf(entryOf(node, "metadata"), "name")) ?? "";
  const spec = entryOf(node, "spec");
  const hoisted = kind === "Service" && spec?.kind === "mapping" ? hoistContainer(spec, name) : undefined;
  const whole = hoisted === undefined ? node : withSpec(node, hoisted.spec);
  const value = readWhole(kind, whole, reading);
  if (unknownFields === "leave out") {
    leftOut.push(...reading.findings.filter(({ unknown }) => unknown));
    reading.findings.splice(0, Infinity, ...reading.findings.filter(({ unknown }) => !unknown));
  }
  for (const { field, place } of hoisted?.misplaced ?? []) {
    reading.findings.push({ place, field: `spec.${field}`, message: `belongs to a container: move '${field}' into one of 'containers'` });
  }
  const report: Report = (field, message, suggestion) => {
    // A field that could not be read is not missing besides.
    if (reading.findings.some((finding) => finding.field === field)) return;
    reading.findings.push({ place: placeOf(field, node, reading), field, message, ...(suggestion !== undefined && { suggestion }) });
  };
  const filled = value && completed(kind, value.spec, { name, report });
  if (hoisted?.single) for (const findings of [reading.findings, leftOut]) findings.splice(0, Infinity, ...findings.map(withoutContainer));
  if (value === undefined || filled === undefined || reading.findings.length > 0) return undefined;
  const { labels, annotations, resourceVersion } = value.metadata;
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: filled,
    written: complete[kind](readWhole(kind, whole, newReading({ defaults: false }))?.spec as never, name, () => undefined), // as above, but for the defaults
    ...(kind === "House" && { cleared: nullsOf(spec) }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  } as AnyManifestObject; // the spec was read by the schema of this kind
}

function nullsOf(spec: YamlNode | undefined): readonly string[] {
  const entries = spec?.kind === "mapping" ? [...spec.entries] : [];
  return entries.flatMap(([field, { value }]) => (value.kind === "scalar" && value.value === null ? [field] : []));
}

function readWhole(
  kind: Kind,
  node: YamlNode,
  reading: Reading,
): { readonly metadata: Metadata; readonly spec: Written[Kind] } | undefined {
  return read(schemaOf(kind), node, "", reading) as ReturnType<typeof readWhole>; // its schema says so
}

/** Fills defaults into a spec that was put together of several, and checks it. */
export function readSpec<K extends Kind>(
  kind: K,
  name: Name,
  spec: unknown,
): { readonly spec?: Specs[K]; readonly findings: readonly Finding[] } {
  const reading = newReading();
  const place = { start: 0, end: 0 };
  const written = read(sub(schemaOf(kind), schemaOf(kind).schema.properties?.["spec"] ?? {}), nodeOf(spec, place), "spec", reading) as
    | Written[K]
    | undefined; // its schema says so
  const report: Report = (field, message) => reading.findings.push({ place, field, message });
  const filled = written && completed(kind, written, { name, report });
  return { findings: reading.findings, ...(filled && { spec: filled }) };
}

/** Fills in what follows from other fields, then checks what must hold between them. */
function completed<K extends Kind>(
  kind: K,
  spec: Written[K],
  { name, report }: { readonly name: Name; readonly report: Report },
): Specs[K] | undefined {
  const result = complete[kind](spec, name, report);
  if (result !== undefined) rules[kind](result, name, report);
  return result;
}

/** A container that was written without `containers` is spoken of as it was written. */
function withoutContainer(finding: Finding): Finding {
  return { ...finding, field: finding.field.replace(/^spec\.containers\[0\]/, "spec") };
}

function withSpec(node: YamlMapping, spec: YamlNode): YamlMapping {
  const key = node.entries.get("spec")?.key ?? firstKey(node);
  return { ...node, entries: new Map([...node.entries, ["spec", { key, value: spec }]]) };
}

/** Where a field stands, or the nearest thing around it. */
function placeOf(field: string, node: YamlMapping, reading: Reading): Place {
  for (let at = field; at !== ""; at = at.replace(/(?:\.[^.[\]]*|\[[^\]]*\]|^[^.[\]]*)$/, "")) {
    const place = reading.places.get(at);
    if (place !== undefined) return place;
  }
  return firstKey(node);
}

function firstKey(node: YamlMapping): Place {
  const [first] = node.entries.values();
  return first?.key ?? { start: node.start, end: node.start + 1 };
}
