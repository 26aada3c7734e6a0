// What bare `fossora` says: the commands in groups, on one screen. `--help` says below it what scripts need to know.
import { SYSTEM_SOCKET } from "./socket.ts";
import type { Output } from "./terminal.ts";
import { VERBS } from "./verbs.ts";

export function overview(stdout: Output, isLong: boolean): string {
  const { bold, dim } = stdout.colors;
  const groups = new Map<string, string[]>();
  for (const { group, name, summary, hidden } of VERBS) {
    if (!hidden) groups.set(group, [...(groups.get(group) ?? []), `  ${name.padEnd(14)} ${dim(summary)}`]);
  }
  const lines = [
    "Fossora turns home computers with Docker into one house.",
    "",
    `  ${bold("sudo fossora up")}              start`,
    `  ${bold("fossora apply -f app.yaml")}    run an app`,
    `  ${bold("fossora status")}               see how it is`,
    ...[...groups].flatMap(([group, verbs]) => ["", bold(group), ...verbs]),
    "",
    ...(isLong ? forScripts(bold) : []),
    `Help on each: fossora VERB --help`,
  ];
  return `${lines.join("\n")}\n`;
}

function forScripts(bold: Output["colors"]["bold"]): readonly string[] {
  return [
    bold("Exit codes"),
    "  0 done            1 failed, or the answer is no   2 wrong words",
    "  3 wrong manifest  4 not found                     5 refused as things are now",
    "  6 not in time     7 no node, house or quorum      130 interrupted",
    "",
    `FOSSORA_SOCKET is the socket of the node to ask, in place of ${SYSTEM_SOCKET} or your own user's.`,
  ];
}
