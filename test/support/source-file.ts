// What the house rules look at in a source file: its imports, and its code without comments and texts.

export interface SourceFile {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** As written, or from the root of the project when it was relative. */
  readonly target: string;
  readonly typeOnly: boolean;
  readonly reexport: boolean;
}

const statement = /^(import|export)\s+(type\s+)?(?:[\w*\s{},]*?from\s+)?"([^"]+)"/gm;
const dynamic = /\bimport\("([^"]+)"\)/g;

export function importsOf({ path, text }: SourceFile): readonly Import[] {
  const found: Import[] = [];
  for (const [, keyword, type, target = ""] of text.matchAll(statement)) {
    found.push({ target: resolve(path, target), typeOnly: type !== undefined, reexport: keyword === "export" });
  }
  for (const [, target = ""] of text.matchAll(dynamic)) found.push({ target: resolve(path, target), typeOnly: false, reexport: false });
  return found;
}

/** The npm package of an import, `@scope/name` or `name`; undefined for our own files and for Node's. */
export function packageOf(target: string): string | undefined {
  if (/^(src|controllers|schemas|test|tools|node:)/.test(target)) return undefined;
  return /^(@[^/]+\/[^/]+|[^/]+)/.exec(target)?.[1];
}

/** Comments and the insides of texts blanked, so that words in them are not taken for code; `${...}` in templates goes too. */
export function codeOf(text: string): string {
  return text.replace(/\/\/.*$|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/gm, (found) =>
    found.startsWith("/") ? " " : '""',
  );
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function resolve(from: string, target: string): string {
  if (!target.startsWith(".")) return target;
  const parts = folderOf(from).split("/");
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
