// Values of a YAML text with the places where they stand. Pure.
import type { Place } from "./problem.ts";

export interface YamlScalar extends Place {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** As it was written, without quotes. */
  readonly text: string;
}

export interface YamlSequence extends Place {
  readonly kind: "sequence";
  readonly items: readonly YamlNode[];
}

export interface YamlMapping extends Place {
  readonly kind: "mapping";
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export interface YamlEntry {
  readonly key: Place;
  readonly value: YamlNode;
}

export type YamlNode = YamlScalar | YamlSequence | YamlMapping;

/** The plain value of a node: for parts that no schema describes. */
export function plainValue(node: YamlNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "sequence") return node.items.map(plainValue);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainValue(entry.value)]));
}

/** The value of that name in a mapping. */
export function entryOf(node: YamlNode | undefined, name: string): YamlNode | undefined {
  return node?.kind === "mapping" ? node.entries.get(name)?.value : undefined;
}

/** As it was written, where something was. */
export function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === "scalar" && node.value !== null ? node.text : undefined;
}

/** A value as a node, all of it standing at one place: what a shorthand or a default stands for. */
export function nodeOf(value: unknown, place: Place): YamlNode {
  const { start, end } = place;
  if (Array.isArray(value)) return { kind: "sequence", items: value.map((item) => nodeOf(item, place)), start, end };
  if (typeof value === "object" && value !== null) {
    const entries = new Map(Object.entries(value).map(([key, item]) => [key, { key: { start, end }, value: nodeOf(item, place) }]));
    return { kind: "mapping", entries, start, end };
  }
  const scalar = value as YamlScalar["value"]; // values come from JSON: nothing else is left
  return { kind: "scalar", value: scalar, text: String(scalar), start, end };
}
