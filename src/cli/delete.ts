// `delete`: removes objects, and says what goes with them and what stays.
import { namesOf } from "../api/kinds.ts";
import type { DeleteAnswer, ServedKind } from "../api/wire.ts";
import { manyTargets } from "./delete-many.ts";
import { emptyNode } from "./empty-node.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";
import { follow, keyOf } from "./follow.ts";
import { sayOutcome } from "./json-output.ts";
import { addDuration, collect } from "./options.ts";
import { refOf } from "./rollout.ts";
import { parseNamedTargets, pathOf, type NamedTarget } from "./targets.ts";
import { untilOut } from "./until-out.ts";
import type { CliPorts, Verb } from "./verb.ts";

export interface DeleteOptions {
  readonly words: readonly string[];
  readonly files: readonly string[];
  readonly recursive: boolean;
  /** Of one kind, every object; with `selector`, those that have the labels. */
  readonly all: boolean;
  readonly selector?: string;
  readonly confirm?: string;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly manager: string;
  readonly ignoreNotFound: boolean;
  readonly wait: boolean;
  /** A node is waited for until the house can do without it, unless this says otherwise. */
  readonly waitOut?: boolean;
  readonly timeoutMs: number;
  /** A program reads stdout, and not for this. */
  readonly isRead?: boolean;
}

interface Flags {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly all?: boolean;
  readonly selector?: string;
  readonly confirm?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly manager: string;
  readonly ignoreNotFound?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
}

export const deleteVerb: Verb = {
  define(command, invoke) {
    command
      .argument("[kind|kind/name]", "what to delete")
      .argument("[name...]")
      .option("-f, --filename <file|folder|URL|->", "everything in these files; may be given several times", collect)
      .option("-R, --recursive", "folders in folders too")
      .option("--all", "every object of the kind, once its name was typed")
      .option("-l, --selector <labels>", "those of the kind with these labels, once its name was typed")
      .option("--confirm <kind>", "in place of typing: --confirm=services, or of a node its name")
      .option("--dry-run", "only say what would go and what would stay")
      .option("--force", "also what somebody else manages, and a node without moving first what runs there")
      .option("--manager <name>", "as whom", "cli")
      .option("--ignore-not-found", "what is not there is no failure")
      .option("--wait", "until it is gone");
    addDuration(command, "--timeout <duration>", "how long to wait", "5m")
      .addHelpText(
        "before",
        "Examples:\n  fossora delete svc/jellyfin\n  fossora delete -f jellyfin.yaml\n  fossora delete services -l group=media\n",
      )
      .action((kind: string | undefined, names: readonly string[], flags: Flags) =>
        invoke((ports) =>
          runDelete(
            {
              words: kind === undefined ? [] : [kind, ...names],
              files: flags.filename ?? [],
              recursive: flags.recursive ?? false,
              all: flags.all ?? false,
              ...(flags.selector !== undefined && { selector: flags.selector }),
              ...(flags.confirm !== undefined && { confirm: flags.confirm }),
              dryRun: flags.dryRun ?? false,
              force: flags.force ?? false,
              manager: flags.manager,
              ignoreNotFound: flags.ignoreNotFound ?? false,
              wait: flags.wait ?? false,
              timeoutMs: flags.timeout,
            },
            ports,
          ),
        ),
      );
  },
};

export async function runDelete(options: DeleteOptions, ports: CliPorts): Promise<number> {
  const many = options.all || options.selector !== undefined;
  const named = many ? await manyTargets(options, ports) : parseNamedTargets(options.words, "delete");
  const targets = [...named, ...(await targetsInFiles(options, ports))];
  const empty = async (target: NamedTarget): Promise<void> => {
    if (target.names.kind !== "Membership") return;
    const mayRemove = (): Promise<DeleteAnswer> => requestDelete(target, { ...options, dryRun: true }, ports);
    await emptyNode(target.name, many ? { ...options, confirm: target.name } : options, { ports, mayRemove });
  };
  // All are confirmed before the first goes; many of one kind are already, and none of them stands in the way of the others.
  for (const target of many ? [] : targets) await empty(target);
  if (targets.length === 0 && many) return EXIT.ok;
  if (targets.length === 0) throw new Failure(EXIT.usage, "Cannot delete: nothing was named.", "fossora delete svc/NAME");
  const deleted: NamedTarget[] = [];
  let failure: ApiFailure | undefined;
  for (const target of targets) {
    try {
      if (many) await empty(target);
      if (await deleteOne(target, options, ports)) deleted.push(target);
    } catch (error) {
      if (!(error instanceof ApiFailure) || targets.length === 1) throw error;
      if (failure) ports.stderr.line(`error: ${failure.message}`);
      failure = error;
    }
  }
  if (options.wait && !options.dryRun) await untilGone(deleted, options.timeoutMs, ports);
  if (failure) throw failure;
  return EXIT.ok;
}

/** False: it was not there, and need not be. */
async function deleteOne(target: NamedTarget, options: DeleteOptions, ports: CliPorts): Promise<boolean> {
  const answer = await requestDelete(target, options, ports).catch((error: unknown) => {
    if (options.ignoreNotFound && error instanceof ApiFailure && error.status.reason === "NotFound") return undefined;
    throw error;
  });
  if (answer === undefined) return false;
  // Who reads that it is deleted switches it off.
  if (target.names.kind === "Membership" && !options.dryRun && options.waitOut !== false)
    await untilOut(target.name, options.timeoutMs, ports);
  for (const each of answer.deleted)
    sayOutcome(`${refOf(each)} deleted${options.dryRun ? " (dry run)" : ""}`, options.isRead ?? false, ports);
  if (ports.quiet) return true;
  if (answer.goes.length > 0) ports.stderr.line(`  goes with it: ${answer.goes.join(", ")}`);
  if (answer.stays.length > 0) ports.stderr.line(`  stays: ${answer.stays.join(", ")}`);
  return true;
}

type RequestOptions = Pick<DeleteOptions, "manager" | "force" | "dryRun">;

function requestDelete(target: NamedTarget, { manager, force, dryRun }: RequestOptions, ports: CliPorts): Promise<DeleteAnswer> {
  const query = { manager, ...(force && { force: "1" }), ...(dryRun && { dryRun: "1" }) };
  return ports.client.json<DeleteAnswer>("DELETE", pathOf(target), { query });
}

async function targetsInFiles(options: DeleteOptions, ports: CliPorts): Promise<readonly NamedTarget[]> {
  if (options.files.length === 0) return [];
  const { parseHere, readManifests } = await import("./manifest-files.ts");
  const manifests = await parseHere(await readManifests(options, ports));
  return manifests.map(({ object: { kind, metadata } }) => ({ names: namesOf(kind), name: metadata.name }));
}

async function untilGone(targets: readonly NamedTarget[], timeoutMs: number, ports: CliPorts): Promise<void> {
  const wanted = targets.map(({ names, name }): { readonly kind: ServedKind; readonly name: string } => ({ kind: names.kind, name }));
  if (wanted.length === 0) return;
  const gone = await follow(wanted, ports, timeoutMs, ({ objects }) =>
    wanted.some((each) => objects.has(keyOf(each))) ? undefined : true,
  );
  const [first] = wanted;
  if (!gone && first)
    throw new Failure(EXIT.timeout, `${refOf(first)} was still there after ${timeoutMs / 1000} s.`, `fossora describe ${refOf(first)}`);
}
