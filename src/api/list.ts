// Documents of the kind `List`, as `get -o yaml` prints several objects: each stands for its items. Pure.
import { SERVED_KINDS } from "./kinds.ts";
import { entryOf, textOf, type YamlNode } from "./yaml-node.ts";

export const LIST = "List";

const READ_ONLY: ReadonlySet<string> = new Set(SERVED_KINDS.filter(({ readOnly }) => readOnly).map(({ kind }) => kind));

/** What a person may have written, in its order: the items of a List but for those that the house makes by itself. */
export function objectsIn(document: YamlNode): readonly YamlNode[] {
  const items = textOf(entryOf(document, "kind")) === LIST ? entryOf(document, "items") : undefined;
  return items?.kind === "sequence" ? items.items.filter((item) => !isMadeByHouse(item)).flatMap(objectsIn) : [document];
}

function isMadeByHouse(item: YamlNode): boolean {
  return entryOf(entryOf(item, "metadata"), "owner") !== undefined || READ_ONLY.has(textOf(entryOf(item, "kind")) ?? "");
}
