// Exits 0 when node_modules holds what package-lock.json locks. Any Node can run it: it decides whether `npm ci` must run first.
import { readFileSync } from "node:fs";

const read = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8")).packages;

try {
  const locked = read("package-lock.json");
  const installed = read("node_modules/.package-lock.json");
  // Optional packages of other platforms are locked and not installed; one of another version is wrong all the same.
  const isCurrent = ([name, { version, optional }]) => name === "" || (installed[name]?.version ?? (optional && version)) === version;
  process.exitCode = Object.entries(locked).every(isCurrent) ? 0 : 1;
} catch {
  process.exitCode = 1;
}
