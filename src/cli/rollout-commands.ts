// `rollout`: how a change of a Service is brought out, and what a person does with that.
import type { Command } from "commander";
import type { Resource } from "../api/resource.ts";
import type { Revision, RolloutChange } from "../api/rollout-change.ts";
import type { ServiceStatus } from "../api/status.ts";
import type { ApplyAnswer } from "../api/wire.ts";
import { EXIT, Failure } from "./failure.ts";
import { addDuration, wholeNumber } from "./options.ts";
import { addGlobalFlags } from "./program.ts";
import { refOf } from "./rollout.ts";
import { formatTable } from "./table.ts";
import { parseTargets } from "./targets.ts";
import type { CliPorts, Run, Verb } from "./verb.ts";
import { waitForAll } from "./wait-for-ready.ts";

type Invoke = (run: Run) => Promise<void>;
type Service = Resource<"Service"> & { readonly status?: ServiceStatus };

interface WaitFlags {
  readonly wait?: boolean;
  readonly timeout: number;
}

const DONE: Readonly<Record<RolloutChange["action"], string>> = {
  pause: "paused",
  resume: "resumed",
  restart: "restarted",
  undo: "rolled back",
};
const NOTHING: Readonly<Record<RolloutChange["action"], string>> = {
  pause: "it is paused",
  resume: "it is not paused",
  restart: "it was restarted at this very moment",
  undo: "it is as it was then",
};

export const rollout: Verb = {
  define(command, invoke) {
    command.addHelpText(
      "before",
      "Examples:\n  fossora rollout status svc/jellyfin\n  fossora rollout restart svc/jellyfin\n  fossora rollout pause svc/whoami\n  fossora rollout undo svc/whoami --to 3\n",
    );
    const status = sub(command, "status", "Watch a change until it is brought out.", "fossora rollout status svc/jellyfin --timeout 10m");
    addWait(status, "until it is brought out; the default").action((words: readonly string[], flags: WaitFlags) =>
      invoke((ports) => showStatus(nameOf(words), flags, ports)),
    );
    defineChange(command, invoke, "pause", "Bring out nothing more of a change; what runs goes on, lost instances are replaced.");
    defineChange(command, invoke, "resume", "Go on with what was paused.");
    defineChange(command, invoke, "restart", "Make new instances of the same spec, one after the other as in any update.");
    const undo = sub(command, "undo", "Return to the spec before, or to an earlier one.", "fossora rollout undo svc/jellyfin --to 3");
    addWait(undo, WAIT)
      .option("--to <generation>", "which one; `rollout history` lists them", wholeNumber)
      .action((words: readonly string[], flags: WaitFlags & { readonly to?: number }) =>
        invoke((ports) => change(nameOf(words), { action: "undo", ...(flags.to !== undefined && { to: flags.to }) }, flags, ports)),
      );
    sub(command, "history", "The generations that undo can return to.", "fossora rollout history svc/jellyfin").action(
      (words: readonly string[]) => invoke((ports) => showHistory(nameOf(words), ports)),
    );
  },
};

const WAIT = "until it is ready; the default on a terminal";

function defineChange(command: Command, invoke: Invoke, action: "pause" | "resume" | "restart", summary: string): void {
  const made = sub(command, action, summary, `fossora rollout ${action} svc/jellyfin`);
  if (action === "pause")
    made.action((words: readonly string[]) => invoke((ports) => change(nameOf(words), { action }, { wait: false, timeout: 0 }, ports)));
  else
    addWait(made, WAIT).action((words: readonly string[], flags: WaitFlags) =>
      invoke((ports) => change(nameOf(words), { action }, flags, ports)),
    );
}

function sub(command: Command, name: string, description: string, examples: string): Command {
  const made = command.command(name).description(description).addHelpText("before", `Examples:\n  ${examples}\n`);
  addGlobalFlags(made);
  return made.argument("<svc/name...>", "of which Service");
}

function addWait(command: Command, how: string): Command {
  return addDuration(command.option("--wait", how).option("--no-wait", "do not wait"), "--timeout <duration>", "how long to wait", "5m");
}

/** `svc/jellyfin`, `svc jellyfin`, `jellyfin`. Throws Failure. */
function nameOf(words: readonly string[]): string {
  const [first = ""] = words;
  const targets = words.length === 1 && !first.includes("/") ? [{ names: { kind: "Service" }, name: first }] : parseTargets(words);
  const [target] = targets;
  if (targets.length === 1 && target?.names.kind === "Service" && target.name !== undefined) return target.name;
  throw new Failure(EXIT.usage, `Cannot tell which rollout is meant by "${words.join(" ")}": give one service.`, "fossora get services");
}

function pathOf(name: string): string {
  return `/api/v1/services/${encodeURIComponent(name)}`;
}

async function change(name: string, asked: RolloutChange, { wait, timeout }: WaitFlags, ports: CliPorts): Promise<number> {
  const { results } = await ports.client.json<ApplyAnswer>("PATCH", `${pathOf(name)}/rollout`, { body: JSON.stringify(asked) });
  const unchanged = results.every(({ action }) => action === "unchanged");
  ports.stdout.line(`${refOf({ kind: "Service", name })} ${unchanged ? `unchanged: ${NOTHING[asked.action]}` : DONE[asked.action]}`);
  return (wait ?? ports.stderr.isTty) ? waitForAll(results, timeout, ports) : EXIT.ok;
}

async function showStatus(name: string, { wait = true, timeout }: WaitFlags, ports: CliPorts): Promise<number> {
  const { metadata, status } = await ports.client.json<Service>("GET", pathOf(name));
  const conditions = status?.conditions ?? [];
  const ongoing = conditions.find(({ type, status: is }) => (type === "Reconciling" || type === "Stalled") && is === "True");
  if (wait && ongoing?.reason !== "Paused") return waitForAll([{ kind: "Service", name, generation: metadata.generation }], timeout, ports);
  const said = ongoing ?? conditions.find(({ type }) => type === "Ready");
  ports.stdout.line(`${refOf({ kind: "Service", name })} ${said?.message ?? "nothing is known of it yet"} (${said?.reason ?? "Unknown"})`);
  return EXIT.ok;
}

async function showHistory(name: string, ports: CliPorts): Promise<number> {
  const { revisions } = await ports.client.json<{ readonly revisions: readonly Revision[] }>("GET", `${pathOf(name)}/rollout`);
  if (revisions.length === 0) {
    ports.stderr.line(`No generations of ${refOf({ kind: "Service", name })}.`);
    return EXIT.ok;
  }
  const rows = revisions.map(({ generation, spec }) => [
    String(generation),
    String(spec.replicas),
    spec.containers.map(({ image }) => image).join(", "),
  ]);
  for (const line of formatTable([["GENERATION", "REPLICAS", "IMAGES"], ...rows])) ports.stdout.line(line);
  return EXIT.ok;
}
