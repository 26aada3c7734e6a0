// Which Fossora this is: said by the build, or in development by package.json.
import { readFileSync } from "node:fs";
import path from "node:path";
import sea from "node:sea";

interface Build {
  readonly version: string;
  readonly commit?: string;
}

/** `0.1.0` */
export function versionOfFossora(): string {
  const text = sea.isSea()
    ? sea.getAsset("build.json", "utf8")
    : readFileSync(path.join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(text) as Build).version; // made by the build, and package.json has it too
}
