// `node`: what people do with the computers of the house.
import type { Command } from "commander";
import type { ApproveAnswer, NodeChange, RejectAnswer, ReplaceAnswer, WaitingAnswer } from "../api/computers.ts";
import { namesOf } from "../api/kinds.ts";
import type { ApplyAnswer } from "../api/wire.ts";
import { runDelete } from "./delete.ts";
import { runDescribe } from "./describe.ts";
import { runDrain } from "./drain.ts";
import { EXIT, Failure } from "./failure.ts";
import { runGet } from "./get.ts";
import { addOutput, type OutputFlag } from "./json-output.ts";
import { addDuration } from "./options.ts";
import { parseFormat } from "./print.ts";
import { addGlobalFlags } from "./program.ts";
import { refOf } from "./rollout.ts";
import { formatTable } from "./table.ts";
import { parseTargets } from "./targets.ts";
import type { CliPorts, Run, Verb } from "./verb.ts";

type Invoke = (run: Run) => Promise<void>;

export const node: Verb = {
  define(command, invoke) {
    command.addHelpText(
      "before",
      "Examples:\n  fossora node ls\n  fossora node approve pi4\n  fossora node drain nas\n  fossora node uncordon nas\n  fossora node remove pi4 --confirm=pi4\n",
    );
    defineLooks(command, invoke);
    defineChanges(command, invoke);
    defineWays(command, invoke);
  },
};

function defineLooks(command: Command, invoke: Invoke): void {
  sub(command, "ls", "The computers of the house, as `get nodes`.", "fossora node ls\n  fossora node ls -w")
    .option("-o, --output <format>", "wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=HEADER:PATH,...")
    .option("-w, --watch", "go on, one line a change")
    .option("-l, --selector <labels>", "only with these labels")
    .action((flags: { readonly output?: string; readonly watch?: boolean; readonly selector?: string }) =>
      invoke((ports) => {
        const { output, watch = false, selector } = flags;
        const format = parseFormat(output);
        const targets = parseTargets(["nodes"]);
        return runGet({ targets, format, showLabels: false, watch, ...(selector !== undefined && { selector }) }, ports);
      }),
    );
  sub(
    command,
    "describe",
    "All about one computer: its part in the store, addresses, versions, when it was last heard.",
    "fossora node describe pi4",
  )
    .argument("<name...>")
    .option("-o, --output <format>", "json or yaml")
    .action((names: readonly string[], flags: { readonly output?: string }) =>
      invoke((ports) => runDescribe(["node", ...names], flags.output, ports)),
    );
}

function defineChanges(command: Command, invoke: Invoke): void {
  sub(
    command,
    "label",
    "Label a computer, for placing apps; KEY- takes a label away.",
    "fossora node label nas disk=big\n  fossora node label nas disk-",
  )
    .argument("<name>")
    .argument("<key=value|key-...>")
    .action((name: string, words: readonly string[]) => invoke((ports) => change(name, { labels: readLabels(words) }, "labeled", ports)));
  sub(command, "cordon", "Place nothing new on a computer; what runs there stays.", "fossora node cordon nas")
    .argument("<name>")
    .action((name: string) => invoke((ports) => change(name, { schedulable: false }, "cordoned", ports)));
  sub(command, "uncordon", "Place apps on a computer again that was cordoned or drained.", "fossora node uncordon nas")
    .argument("<name>")
    .action((name: string) => invoke((ports) => change(name, { schedulable: true, drain: false }, "uncordoned", ports)));
  defineDrain(command, invoke);
}

interface DrainFlags extends OutputFlag {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

function defineDrain(command: Command, invoke: Invoke): void {
  const drain = sub(
    command,
    "drain",
    "Move what runs on a computer to the others, as far as it can, and place nothing new there.",
    "fossora node drain nas\n  fossora node drain nas --dry-run\n  fossora node drain nas --yes --timeout 5m",
  )
    .argument("<name>")
    .option("--yes", "do not ask")
    .option("--dry-run", "only show what would move, and what cannot")
    .option("--no-wait", "do not wait until all of it has moved");
  addDuration(addOutput(drain), "--timeout <duration>", "how long to wait", "10m").action((node: string, flags: DrainFlags) =>
    invoke((ports) => {
      const { yes = false, dryRun = false, wait, timeout: timeoutMs, output } = flags;
      return runDrain({ node, yes, dryRun, wait, timeoutMs, json: output === "json" }, ports);
    }),
  );
}

function defineWays(command: Command, invoke: Invoke): void {
  sub(
    command,
    "approve",
    "Let a computer in whose screen shows the same six words; without a name: who waits.",
    "fossora node approve\n  fossora node approve pi4",
  )
    .argument("[name|words...]", "its name, or its six words")
    .action((words: readonly string[]) => invoke((ports) => (words.length === 0 ? listWaiting(ports) : approve(words.join(" "), ports))));
  sub(
    command,
    "reject",
    "Say no to a computer that waits to be let in. In an hour it may ask again.",
    "fossora node reject pi4\n  fossora node reject amber canoe fossil lantern otter violin",
  )
    .argument("<name|words...>", "its name, or its six words")
    .action((words: readonly string[]) => invoke((ports) => reject(words.join(" "), ports)));
  const removal = sub(
    command,
    "remove",
    "Take a computer out of the house for good, once what runs there has moved as far as it can; its key is never believed again.",
    "fossora node remove pi4\n  fossora node remove pi4 --dry-run\n  fossora node remove pi4 --confirm=pi4",
  )
    .argument("<name>", "or the id of one that was let in and never came (`fossora events`)")
    .option("--confirm <name>", "in place of typing it")
    .option("--dry-run", "only say what would move, what would go and what would stay")
    .option("--force", "without moving anything first; also one that somebody else manages")
    .option("--no-wait", "do not wait until the house can do without its vote: keep it on until `fossora status` names it no more");
  addDuration(removal, "--timeout <duration>", "how long to wait until all of it has moved, and then until it is out", "10m").action(
    (name: string, flags: RemoveFlags) => invoke((ports) => remove(name, flags, ports)),
  );
  sub(
    command,
    "replace",
    "Give a computer that was set up anew its former name, labels and apps.",
    "fossora node replace nas\n  fossora node replace nas nas-2",
  )
    .argument("<former>", "the node that it was")
    .argument("[newcomer]", "what it is called now; default the one that looks like it")
    .action((former: string, newcomer: string | undefined) => invoke((ports) => replace(former, newcomer, ports)));
}

interface RemoveFlags {
  readonly confirm?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

function sub(command: Command, name: string, description: string, examples: string): Command {
  const made = command.command(name).description(description).addHelpText("before", `Examples:\n  ${examples}\n`);
  addGlobalFlags(made);
  return made;
}

async function change(name: string, asked: NodeChange, done: string, ports: CliPorts): Promise<number> {
  const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
  const { results } = await ports.client.json<ApplyAnswer>("PATCH", path, { body: JSON.stringify(asked) });
  const unchanged = results.every(({ action }) => action === "unchanged");
  ports.stdout.line(`${refOf({ kind: "Membership", name })} ${unchanged ? `unchanged: it is ${done}` : done}`);
  return EXIT.ok;
}

function readLabels(words: readonly string[]): NonNullable<NodeChange["labels"]> {
  return Object.fromEntries(
    words.map((word) => {
      const [key = "", ...value] = word.split("=");
      if (value.length > 0 && key !== "") return [key, value.join("=")] as const;
      if (word.endsWith("-") && word.length > 1) return [word.slice(0, -1), null] as const;
      throw new Failure(
        EXIT.usage,
        `Cannot read the label "${word}": it should be KEY=VALUE, or KEY- to take it away.`,
        "fossora node label nas disk=big",
      );
    }),
  );
}

async function listWaiting(ports: CliPorts): Promise<number> {
  const { items } = await ports.client.json<WaitingAnswer>("GET", "/api/v1/approvals");
  if (items.length === 0) {
    ports.stderr.line("No computer waits to be let in. On the new one: sudo fossora join ADDRESS");
    return EXIT.ok;
  }
  const rows = items.map(({ name, address, words, approved }) => [name, address, approved ? "Approved" : "Waits", words]);
  for (const row of formatTable([["NAME", "ADDRESS", "STATUS", "SIX WORDS"], ...rows])) ports.stdout.line(row);
  const [first] = items.filter(({ approved }) => !approved);
  if (first !== undefined)
    ports.stderr.line(
      `If its own screen shows the same six words: fossora node approve ${first.name}; if no screen of yours does: fossora node reject ${first.name}`,
    );
  return EXIT.ok;
}

async function approve(who: string, ports: CliPorts): Promise<number> {
  const { computer } = await ports.client.json<ApproveAnswer>("POST", "/api/v1/approvals", { body: JSON.stringify({ who }) });
  ports.stdout.line(`node/${computer.name} approved`);
  if (!ports.quiet) ports.stderr.line(`  its six words: ${computer.words}`);
  return EXIT.ok;
}

async function reject(who: string, ports: CliPorts): Promise<number> {
  const { computer } = await ports.client.json<RejectAnswer>("POST", "/api/v1/rejections", { body: JSON.stringify({ who }) });
  ports.stdout.line(`node/${computer.name} rejected`);
  if (!ports.quiet) ports.stderr.line(`  its six words: ${computer.words}`);
  return EXIT.ok;
}

function remove(
  name: string,
  { confirm, dryRun = false, force = false, wait: waitOut, timeout: timeoutMs }: RemoveFlags,
  ports: CliPorts,
): Promise<number> {
  const { singular } = namesOf("Membership");
  const options = {
    words: [singular, name],
    files: [],
    recursive: false,
    all: false,
    manager: "cli",
    ignoreNotFound: false,
    wait: false,
    waitOut,
    timeoutMs,
  };
  return runDelete({ ...options, dryRun, force, ...(confirm !== undefined && { confirm }) }, ports);
}

async function replace(former: string, newcomer: string | undefined, ports: CliPorts): Promise<number> {
  const body = JSON.stringify({ former, ...(newcomer !== undefined && { newcomer }) });
  const answer = await ports.client.json<ReplaceAnswer>("POST", "/api/v1/replacements", { body });
  ports.stdout.line(`node/${answer.former} replaced`);
  if (!ports.quiet) ports.stderr.line(`  ${answer.newcomer} comes in again as ${answer.former}: fossora get nodes -w`);
  return EXIT.ok;
}
