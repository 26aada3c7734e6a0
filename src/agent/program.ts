// How this program starts itself again in another role: the one file, or in development Node with the source.
import path from "node:path";
import sea from "node:sea";

export interface Program {
  readonly file: string;
  /** Before the role: the script, in development. */
  readonly args: readonly string[];
}

export function thisProgram(): Program {
  const script = process.argv[1];
  if (sea.isSea() || script === undefined) return { file: process.execPath, args: [] };
  return { file: process.execPath, args: [path.resolve(script)] };
}

/** Tells one build from another: a digest of all that it was made of. In development all are one. */
export function thisBuild(): string {
  return sea.isSea() ? (JSON.parse(sea.getAsset("build.json", "utf8")) as { readonly digest: string }).digest : "development"; // tools/build.ts wrote it
}
