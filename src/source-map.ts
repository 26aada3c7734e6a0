// Makes the stacks of the one-file program name the source again: Node ignores the map of an embedded main.
import { SourceMap, type SourceMapPayload } from "node:module";
import sea from "node:sea";

/**
 * The stack with `src/...:line:column` in the place of the bundle's. The map is read anew each time (85 ms, some MB), because errors that
 * are printed are rare: call it where an error is shown to a person, nowhere else.
 */
export function readableStack(stack: string, map: SourceMapPayload | undefined = embeddedMap()): string {
  if (!map) return stack;
  const sourceMap = new SourceMap(map);
  return stack.replace(/\bmain\.cjs:(\d+):(\d+)/g, (place, line: string, column: string) => {
    const entry = sourceMap.findEntry(Number(line) - 1, Number(column) - 1);
    return "originalSource" in entry ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}` : place;
  });
}

/** Undefined in development, where Node runs the source itself. */
function embeddedMap(): SourceMapPayload | undefined {
  return sea.isSea() ? (JSON.parse(sea.getAsset("main.map", "utf8")) as SourceMapPayload) : undefined; // esbuild wrote it
}
