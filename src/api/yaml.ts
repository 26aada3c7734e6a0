// YAML texts as trees that remember where each value stands. js-yaml parses; what it would build from the events is built here, since
// its own values know no places and cannot report more than one mistake. JSON is YAML.
import {
  boolCoreTag,
  COLLECTION_STYLE,
  EVENT_ID,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
  type CollectionStyle,
  type Event,
  type MappingEvent,
  type ScalarEvent,
  type SequenceEvent,
} from "js-yaml";
import type { Place } from "./problem.ts";
import type { YamlEntry, YamlMapping, YamlNode, YamlScalar } from "./yaml-node.ts";

export interface YamlMistake {
  readonly place: Place;
  readonly message: string;
}

export interface YamlDocuments {
  /** Without empty documents. */
  readonly documents: readonly YamlNode[];
  readonly mistakes: readonly YamlMistake[];
}

const DEPTH_MAX = 64;
/** How many values the aliases of one text may repeat in all: nested ones multiply (the "billion laughs"). */
const REPEATED_MAX = 10_000;
const CORE_TAG = "tag:yaml.org,2002:";
const PLAIN_TAGS = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag] as const;

export function readYaml(text: string): YamlDocuments {
  try {
    return compose(text, parseEvents(text, { maxDepth: DEPTH_MAX }));
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return readByDocument(text, error);
  }
}

/** One document that cannot be parsed must not hide the mistakes of the others: `---` at the start of a line always divides. */
function readByDocument(text: string, error: YAMLException): YamlDocuments {
  const starts = [...new Set([0, ...[...text.matchAll(/^---(?=\s|$)/gm)].map((match) => match.index)])];
  if (starts.length <= 1) return { documents: [], mistakes: [syntaxMistake(error, text)] };
  const documents: YamlNode[] = [];
  const mistakes: YamlMistake[] = [];
  for (const [index, start] of starts.entries()) {
    const chunk = text.slice(start, starts[index + 1]);
    try {
      const read = compose(chunk, parseEvents(chunk, { maxDepth: DEPTH_MAX }));
      documents.push(...read.documents.map((node) => moved(node, start)));
      mistakes.push(...read.mistakes.map(({ place, message }) => ({ place: movedPlace(place, start), message })));
    } catch (chunkError) {
      if (!(chunkError instanceof YAMLException)) throw chunkError;
      const { place, message } = syntaxMistake(chunkError, chunk);
      mistakes.push({ place: movedPlace(place, start), message });
    }
  }
  return { documents, mistakes };
}

function syntaxMistake(error: YAMLException, text: string): YamlMistake {
  const start = Math.min(error.mark?.position ?? 0, text.length);
  const message = error.reason.includes("tab characters")
    ? "must be indented with spaces: YAML knows no tabs there"
    : `cannot be read as YAML: ${error.reason}`;
  return { place: { start, end: start + 1 }, message };
}

function movedPlace({ start, end }: Place, by: number): Place {
  return { start: start + by, end: end + by };
}

function moved(node: YamlNode, by: number): YamlNode {
  if (node.kind === "scalar") return { ...node, ...movedPlace(node, by) };
  if (node.kind === "sequence") return { ...node, ...movedPlace(node, by), items: node.items.map((item) => moved(item, by)) };
  const entries = new Map(
    [...node.entries].map(([key, entry]) => [key, { key: movedPlace(entry.key, by), value: moved(entry.value, by) }]),
  );
  return { ...node, ...movedPlace(node, by), entries };
}

interface Composer {
  readonly text: string;
  readonly events: readonly Event[];
  readonly anchors: Map<string, Measured>;
  readonly mistakes: YamlMistake[];
  next: number;
  /** Where the last value ended: an absent value stands there. */
  lastEnd: number;
  repeated: number;
}

/** A node with how many values it holds, aliases counted as often as they stand, and how deep it is. */
interface Measured {
  readonly node: YamlNode;
  readonly size: number;
  readonly depth: number;
}

function compose(text: string, events: readonly Event[]): YamlDocuments {
  const composer: Composer = { text, events, anchors: new Map(), mistakes: [], next: 0, lastEnd: 0, repeated: 0 };
  const documents: YamlNode[] = [];
  while (composer.next < events.length) {
    const event = events[composer.next++];
    if (event?.type !== EVENT_ID.DOCUMENT) continue;
    composer.anchors.clear();
    if (events[composer.next]?.type === EVENT_ID.POP) continue;
    const { node } = composeNode(composer);
    if (node.kind !== "scalar" || node.value !== null) documents.push(node);
  }
  return { documents, mistakes: composer.mistakes };
}

function composeNode(composer: Composer): Measured {
  const event = composer.events[composer.next++];
  switch (event?.type) {
    case EVENT_ID.SCALAR:
      return anchored(composer, event, composeScalar(composer, event));
    case EVENT_ID.SEQUENCE:
      return anchored(composer, event, composeSequence(composer, event));
    case EVENT_ID.MAPPING:
      return anchored(composer, event, composeMapping(composer, event));
    case EVENT_ID.ALIAS:
      return composeAlias(composer, { start: event.anchorStart - 1, end: event.anchorEnd });
    default:
      throw new Error("Cannot compose YAML: the parser's events should hold a value here");
  }
}

function anchored(composer: Composer, event: { readonly anchorStart: number; readonly anchorEnd: number }, measured: Measured): Measured {
  // Only now: an alias inside of what it names finds nothing, so nothing can hold itself.
  if (event.anchorStart >= 0) composer.anchors.set(composer.text.slice(event.anchorStart, event.anchorEnd), measured);
  return measured;
}

function composeAlias(composer: Composer, place: Place): Measured {
  const name = composer.text.slice(place.start + 1, place.end);
  const target = composer.anchors.get(name);
  composer.lastEnd = place.end;
  if (target === undefined) {
    composer.mistakes.push({ place, message: `unknown alias '*${name}': '&${name}' should stand before it in this document` });
    return leaf({ kind: "scalar", value: null, text: "", ...place });
  }
  composer.repeated += target.size;
  if (composer.repeated > REPEATED_MAX) {
    composer.mistakes.push({ place, message: `aliases repeat more than ${REPEATED_MAX} values: write them out` });
    return leaf({ kind: "scalar", value: null, text: "", ...place });
  }
  return target;
}

function composeScalar(composer: Composer, event: ScalarEvent): Measured {
  if (event.valueStart < 0) return leaf({ kind: "scalar", value: null, text: "", start: composer.lastEnd, end: composer.lastEnd });
  const quotes = event.style === SCALAR_STYLE.PLAIN || composer.text[event.valueStart - 1] !== composer.text[event.valueEnd] ? 0 : 1;
  const place = { start: event.valueStart - quotes, end: event.valueEnd + quotes };
  composer.lastEnd = place.end;
  const text = getScalarValue(composer.text, event);
  const tag = event.tagStart < 0 ? "" : composer.text.slice(event.tagStart, event.tagEnd);
  return leaf({
    kind: "scalar",
    value: scalarValue(composer, { text, tag, place, plain: event.style === SCALAR_STYLE.PLAIN }),
    text,
    ...place,
  });
}

function scalarValue(
  composer: Composer,
  scalar: { readonly text: string; readonly tag: string; readonly place: Place; readonly plain: boolean },
): YamlScalar["value"] {
  if (scalar.tag === "!!str" || scalar.tag === "!") return scalar.text;
  if (scalar.tag === "" && !scalar.plain) return scalar.text;
  const tags = scalar.tag === "" ? PLAIN_TAGS : PLAIN_TAGS.filter(({ tagName }) => scalar.tag === tagName.replace(CORE_TAG, "!!"));
  for (const tag of tags) {
    const value = tag.resolve(scalar.text, scalar.tag !== "", tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  if (scalar.tag !== "")
    composer.mistakes.push({ place: scalar.place, message: `has the tag '${scalar.tag}', which means nothing here: leave it out` });
  return scalar.text;
}

function composeSequence(composer: Composer, { start, style }: SequenceEvent): Measured {
  const items: Measured[] = [];
  composer.lastEnd = start + 1;
  while (composer.events[composer.next]?.type !== EVENT_ID.POP) items.push(composeNode(composer));
  close(composer, style);
  return branch(composer, { kind: "sequence", items: items.map(({ node }) => node), start, end: composer.lastEnd }, items);
}

function composeMapping(composer: Composer, { start, style }: MappingEvent): Measured {
  const entries = new Map<string, YamlEntry>();
  const merged: YamlMapping[] = [];
  const children: Measured[] = [];
  composer.lastEnd = start + 1;
  while (composer.events[composer.next]?.type !== EVENT_ID.POP) {
    const plainKey = isPlain(composer.events[composer.next]);
    const key = composeNode(composer).node;
    const value = composeNode(composer);
    children.push(value);
    if (plainKey && key.kind === "scalar" && key.value === "<<") merged.push(...mergeSources(composer, value.node));
    else addEntry(composer, entries, { key, value: value.node });
  }
  close(composer, style);
  for (const [name, entry] of merged.flatMap((mapping) => [...mapping.entries])) if (!entries.has(name)) entries.set(name, entry);
  return branch(composer, { kind: "mapping", entries, start, end: composer.lastEnd }, children);
}

/** Past the end of a collection; one in brackets ends behind its bracket, which no event tells. */
function close(composer: Composer, style: CollectionStyle): void {
  composer.next += 1;
  if (style !== COLLECTION_STYLE.FLOW) return;
  const bracket = /(?:[\s,:?]|#[^\n]*\n)*[}\]]/y;
  bracket.lastIndex = composer.lastEnd;
  if (bracket.test(composer.text)) composer.lastEnd = bracket.lastIndex;
}

function isPlain(event: Event | undefined): boolean {
  return event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
}

/** Merge keys (`<<: *base`): what is written out wins, then the first of the merged ones. */
function mergeSources(composer: Composer, value: YamlNode): readonly YamlMapping[] {
  const sources = value.kind === "sequence" ? value.items : [value];
  const mappings = sources.filter((source) => source.kind === "mapping");
  if (mappings.length !== sources.length)
    composer.mistakes.push({ place: value, message: "'<<' must be followed by an alias of a mapping, or a list of such" });
  return mappings;
}

function addEntry(
  composer: Composer,
  entries: Map<string, YamlEntry>,
  { key, value }: { readonly key: YamlNode; readonly value: YamlNode },
): void {
  if (key.kind !== "scalar") {
    composer.mistakes.push({ place: { start: key.start, end: key.start + 1 }, message: "keys must be text, not a list or a mapping" });
    return;
  }
  if (typeof key.value !== "string") composer.mistakes.push({ place: key, message: `keys must be text: write '${key.text}' in quotes` });
  const name = key.text;
  if (entries.has(name)) composer.mistakes.push({ place: key, message: `'${name}' stands here twice: keep one of them` });
  else entries.set(name, { key: { start: key.start, end: key.end }, value });
}

function leaf(node: YamlScalar): Measured {
  return { node, size: 1, depth: 1 };
}

function branch(composer: Composer, node: YamlNode, children: readonly Measured[]): Measured {
  let size = 1;
  let depth = 0;
  for (const child of children) {
    size += child.size;
    depth = Math.max(depth, child.depth);
  }
  if (depth < DEPTH_MAX) return { node, size, depth: depth + 1 };
  composer.mistakes.push({ place: { start: node.start, end: node.start + 1 }, message: `is nested more than ${DEPTH_MAX} levels deep` });
  return leaf({ kind: "scalar", value: null, text: "", start: node.start, end: node.start });
}
