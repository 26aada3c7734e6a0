// `files: [{ source }]` names files of the person who applies: which ones a manifest needs, and their texts put in their place. Pure:
// the CLI reads them.
import { objectsIn } from "./list.ts";
import type { YamlEntry, YamlMapping, YamlNode } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";

export interface NeededSource {
  /** The manifest that names it. */
  readonly file: string;
  /** Where to read it, beside the manifest; also its name in what is sent to the server. */
  readonly path: string;
}

/** Every file that the manifests name as `source`, each once. */
export function neededSources(manifests: readonly { readonly file: string; readonly text: string }[]): readonly NeededSource[] {
  const found = manifests.flatMap(({ file, text }) =>
    readYaml(text)
      .documents.flatMap(objectsIn)
      .flatMap((node) => sourcesIn(node).map((source) => ({ file, path: sourcePath(file, source) }))),
  );
  return found.filter(({ path }, index) => found.findIndex((other) => other.path === path) === index);
}

/** The document with `content` where `source` stood; what `contentOf` does not know stays, and is a problem when it is checked. */
export function embedSources(node: YamlNode, file: string, contents: Readonly<Record<string, string>>): YamlNode {
  const embed = (entry: YamlNode): YamlNode => {
    const source = sourceOf(entry);
    const path = source === undefined ? "" : sourcePath(file, source);
    const content = Object.hasOwn(contents, path) ? contents[path] : undefined;
    if (entry.kind !== "mapping" || content === undefined) return entry;
    return {
      ...entry,
      entries: new Map(
        [...entry.entries].map(([name, written]) => (name === "source" ? ["content", withText(written, content)] : [name, written])),
      ),
    };
  };
  return mapFiles(node, embed);
}

/** Relative to where the person stands: a relative source lies beside its manifest. */
export function sourcePath(file: string, source: string): string {
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return source.startsWith("/") ? source : folder + source.replace(/^(?:\.\/)+/, "");
}

function sourcesIn(document: YamlNode): readonly string[] {
  const found: string[] = [];
  mapFiles(document, (entry) => {
    const source = sourceOf(entry);
    if (source !== undefined) found.push(source);
    return entry;
  });
  return found;
}

function sourceOf(entry: YamlNode): string | undefined {
  const source = entry.kind === "mapping" ? entry.entries.get("source")?.value : undefined;
  return source?.kind === "scalar" && source.value !== null ? source.text : undefined;
}

/** The document with each entry of `spec.files` and `spec.containers[*].files` replaced. */
function mapFiles(document: YamlNode, replace: (entry: YamlNode) => YamlNode): YamlNode {
  const inContainer = (container: YamlNode): YamlNode => change(container, "files", (files) => mapItems(files, replace));
  return change(document, "spec", (spec) => change(inContainer(spec), "containers", (containers) => mapItems(containers, inContainer)));
}

function change(node: YamlNode, name: string, replace: (value: YamlNode) => YamlNode): YamlNode {
  const entry = node.kind === "mapping" ? node.entries.get(name) : undefined;
  if (node.kind !== "mapping" || entry === undefined) return node;
  const entries: YamlMapping["entries"] = new Map([...node.entries, [name, { ...entry, value: replace(entry.value) }]]);
  return { ...node, entries };
}

function mapItems(node: YamlNode, replace: (item: YamlNode) => YamlNode): YamlNode {
  return node.kind === "sequence" ? { ...node, items: node.items.map(replace) } : node;
}

function withText({ key, value }: YamlEntry, text: string): YamlEntry {
  return { key, value: { kind: "scalar", value: text, text, start: value.start, end: value.end } };
}
