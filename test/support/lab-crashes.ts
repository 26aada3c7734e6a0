// What the programs on lab hosts died of: an agent that ends by an exception is started again a second later, and nobody would notice.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

const LOGS = ["*/log/*.log", "*/disk/root/var/lib/fossora/log/*.log"];
/** The last that Node says of an exception that nobody caught. */
const LAST_LINE = /^Node\.js v\d/;
const LINES = 15;

/** Of each, where in the lab's folder it was written, and its last lines; power cuts, signals and refusals are none. */
export function crashesIn(folder: string): readonly string[] {
  return globSync(LOGS, { cwd: folder }).flatMap((file) => {
    const lines = readFileSync(path.join(folder, file), "utf8").split("\n");
    return lines.flatMap((line, at) =>
      LAST_LINE.test(line) ? [`${file}:\n${lines.slice(Math.max(0, at - LINES), at + 1).join("\n")}`] : [],
    );
  });
}
