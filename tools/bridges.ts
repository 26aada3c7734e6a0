// Bridges that the Docker of a test makes on this machine: it removes them only if it ends in peace.
import { spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const PREFIX = "bridges-";

let isNoted = false;

/** Removed when this process ends, or by whoever clears its temporary folder. */
export function noteBridge(name: string): void {
  const file = path.join(tmpdir(), `${PREFIX}${process.pid}`);
  if (!isNoted) process.once("exit", () => removeNoted(file));
  isNoted = true;
  appendFileSync(file, `${name}\n`);
}

/** Of every process that had this temporary folder. */
export function removeBridges(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith(PREFIX)) removeNoted(path.join(folder, name));
}

function removeNoted(file: string): void {
  for (const name of readFileSync(file, "utf8").split("\n").filter(Boolean)) spawnSync("ip", ["link", "del", name]); // it may be gone
  rmSync(file);
}
