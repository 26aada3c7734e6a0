// Objects as YAML for people to read and keep: no anchors, no folded lines. Pure.
import { dump } from "js-yaml";

/** Without a line end at its end. */
export function yamlText(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1 }).trimEnd();
}
