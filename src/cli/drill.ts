// `drill`: can I unplug this computer now? Nothing is changed.
import type { DrillAnswer } from "../api/moves.ts";
import { span } from "./age.ts";
import { EXIT } from "./failure.ts";
import { addOutput, type OutputFlag } from "./json-output.ts";
import { formatTable } from "./table.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const drill: Verb = {
  define(command, invoke) {
    addOutput(command.argument("<node>", "the computer that would lose its power"))
      .addHelpText("before", "Examples:\n  fossora drill nas\n  fossora drill nas -o json\n")
      .addHelpText("after", "\nExit code 0: everything goes on without it; 1: something would not.")
      .action((node: string, flags: OutputFlag) => invoke((ports) => runDrill(node, flags, ports)));
  },
};

async function runDrill(node: string, { output }: OutputFlag, ports: CliPorts): Promise<number> {
  const answer = await ports.client.json<DrillAnswer>("GET", `/api/v1/nodes/${encodeURIComponent(node)}/drill`);
  if (output === "json") ports.stdout.line(JSON.stringify(answer, undefined, 2));
  else for (const line of drillLines(answer, ports)) ports.stdout.line(line);
  return answer.survives ? EXIT.ok : EXIT.failed;
}

function drillLines(
  { node, survives, answer, store, moves, waits, bound }: DrillAnswer,
  { stdout: { marks } }: CliPorts,
): readonly string[] {
  const moving = moves.map(({ instance, to = "", awayMs, others, why }) => [
    `${marks.ok} ${instance}`,
    `moves to ${to}`,
    awayMs === 0 ? `${othersAnswer(others)} meanwhile` : `away for about ${span(awayMs)}`,
    why,
  ]);
  const waiting = waits.map(({ instance, others, why, url }) => [
    `${others > 0 ? marks.warn : marks.error} ${instance}`,
    "waits",
    others > 0 ? `${othersAnswer(others)} meanwhile` : `away until ${node} is back`,
    why,
    ...(url === undefined || others > 0 ? [] : [`${url} says so meanwhile`]),
  ]);
  const shut = bound.map(({ name, at }) => [
    `${marks.error} ${name}`,
    at,
    `shut until ${node} is back`,
    `only ${node} has that address; without one it listens on every computer`,
  ]);
  return [
    `If ${node} lost its power now`,
    `  ${store.keepsQuorum ? marks.ok : marks.error} store: ${store.message}`,
    ...[...formatTable([...moving, ...waiting]), ...formatTable(shut)].map((line) => `  ${line}`),
    ...(moves.length + waits.length === 0 ? [`  no app runs on ${node}`] : []),
    `${survives ? marks.ok : marks.error} ${answer}`,
  ];
}

function othersAnswer(count: number): string {
  return count === 1 ? "1 other answers" : `${count} others answer`;
}
