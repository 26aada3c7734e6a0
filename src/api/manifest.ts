// From YAML texts to checked, defaulted, expanded objects, or every problem of every document at once. Pure: files were read before.
import { readDocument, type AnyManifestObject, type UnknownFields } from "./document.ts";
import { objectsIn } from "./list.ts";
import { locate, sourceText, type Place, type Problem, type ProblemPlace, type SourceText } from "./problem.ts";
import { embedSources } from "./sources.ts";
import type { YamlNode } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";
import type { Kind } from "./resource.ts";

export interface ManifestFile {
  /** As the person named it: `jellyfin.yaml`, `-`. */
  readonly file: string;
  readonly text: string;
}

/** An object and where it was written. */
export interface Manifest {
  readonly object: AnyManifestObject;
  readonly at: ProblemPlace;
  /** As it was written, for `export`. */
  readonly text: string;
  /** Fields that nobody knows and that were left out, as sentences. */
  readonly warnings: readonly string[];
}

export interface ParsedManifests {
  /** In the order of the texts. Not to be used where there are problems: all or nothing. */
  readonly manifests: readonly Manifest[];
  /** In the order of the texts, at most `MANIFEST_LIMITS.problems`. */
  readonly problems: readonly Problem[];
}

export const MANIFEST_LIMITS = { objectBytes: 256 * 1024, objects: 500, applyBytes: 4 * 1024 * 1024, problems: 200 } as const;

const START: Place = { start: 0, end: 1 };

/** `contents`: texts of the files that `neededSources` names, by path. */
export function parseManifests(
  files: readonly ManifestFile[],
  contents: Readonly<Record<string, string>> = {},
  unknownFields: UnknownFields = "refuse",
): ParsedManifests {
  const texts = files.map(({ file, text }) => sourceText(file, text.replace(/^\uFEFF/, "")));
  const bytes = texts.reduce((sum, { text }) => sum + byteLength(text), 0);
  if (bytes > MANIFEST_LIMITS.applyBytes)
    return refused(texts, `must be ${MANIFEST_LIMITS.applyBytes} bytes at most in one apply, is ${bytes}: apply it in parts`);
  const read = texts.map((source) => {
    const { documents, mistakes } = readYaml(source.text);
    return { source, objects: documents.flatMap(objectsIn), mistakes };
  });
  const count = read.reduce((sum, { objects }) => sum + objects.length, 0);
  if (count > MANIFEST_LIMITS.objects)
    return refused(texts, `must have ${MANIFEST_LIMITS.objects} objects at most in one apply, has ${count}: apply it in parts`);
  const manifests: Manifest[] = [];
  const problems: Problem[] = [];
  for (const { source, objects, mistakes } of read) {
    const found = mistakes.map(({ place, message }): Problem => ({ ...locate(source, place), field: "", message }));
    for (const node of objects) found.push(...parseObject(source, embedSources(node, source.file, contents), { manifests, unknownFields }));
    problems.push(...found.sort((a, b) => a.line - b.line || a.column - b.column));
  }
  return { manifests, problems: problems.slice(0, MANIFEST_LIMITS.problems) };
}

function refused(texts: readonly SourceText[], message: string): ParsedManifests {
  return { manifests: [], problems: texts.slice(0, 1).map((source) => ({ ...locate(source, START), field: "", message })) };
}

interface Parsing {
  readonly manifests: Manifest[];
  readonly unknownFields: UnknownFields;
}

/** Adds the object to `manifests`; answers its problems. */
function parseObject(source: SourceText, node: YamlNode, { manifests, unknownFields }: Parsing): readonly Problem[] {
  const { object, findings, leftOut, kind, name } = readDocument(node, unknownFields);
  const about = { ...(kind !== undefined && { kind }), ...(name !== undefined && { name }) };
  const problemAt = (place: Place, field: string, message: string): Problem => ({ ...locate(source, place), field, message, ...about });
  const problems = findings.map(({ place, field, message, suggestion }) => ({
    ...problemAt(place, field, message),
    ...(suggestion !== undefined && { suggestion }),
  }));
  if (object === undefined || problems.length > 0) return problems;
  const bytes = byteLength(JSON.stringify({ ...object, written: undefined }));
  if (bytes > MANIFEST_LIMITS.objectBytes)
    return [problemAt(node, "", `must be ${MANIFEST_LIMITS.objectBytes} bytes at most as it is stored, is ${bytes}`)];
  const twin = manifests.find((other) => other.object.kind === object.kind && other.object.metadata.name === object.metadata.name);
  if (twin !== undefined)
    return [
      problemAt(
        node,
        "metadata.name",
        `stands in ${twin.at.file}:${twin.at.line} already: a name is there once in an apply${forAHouse(object.kind)}`,
      ),
    ];
  const warnings = leftOut
    .toSorted((a, b) => a.place.start - b.place.start)
    .map(({ place, field, message }) => `is applied without ${field} (line ${locate(source, place).line}): ${message}`);
  const at = locate(source, node);
  // An item of a List stands further right: with its first line, too, it is a document of its own.
  manifests.push({ object, at, text: " ".repeat(at.column - 1) + source.text.slice(node.start, node.end), warnings });
  return [];
}

/** There is one, and the files of several apps set some of it. */
function forAHouse(kind: Kind): string {
  return kind === "House" ? ". Write all fields of the House in one of the two, or apply the files one by one" : "";
}

/** In UTF-8. */
function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
