// `delete KIND --all` and `delete KIND -l ...`: which objects those are, and whether a person means it.
import type { ObjectList } from "../api/wire.ts";
import { askLine } from "./ask.ts";
import { EXIT, Failure } from "./failure.ts";
import { refOf } from "./rollout.ts";
import { parseTargets, pathOf, type NamedTarget, type Target } from "./targets.ts";
import type { CliPorts } from "./verb.ts";

export interface ManyOptions {
  readonly words: readonly string[];
  readonly all: boolean;
  readonly selector?: string;
  readonly dryRun: boolean;
  /** The kind's plural, in place of typing it. */
  readonly confirm?: string;
}

/** Throws Failure where it is not said which kind, where nobody can be asked, and where the word is not typed. */
export async function manyTargets(options: ManyOptions, ports: CliPorts): Promise<readonly NamedTarget[]> {
  const kinds = parseTargets(options.words);
  const [kind] = kinds;
  if (options.all === (options.selector !== undefined))
    throw usage("Cannot delete: --all means every object of the kind, -l those with the labels; give one of them.");
  if (kind === undefined || kinds.length > 1 || kind.name !== undefined)
    throw usage(`Cannot delete: ${options.all ? "--all" : "-l"} goes with one kind and no name.`);
  const found = await named(kind, options.selector, ports);
  if (found.length > 0 && !options.dryRun) await confirm(kind.names.plural, found, options, ports);
  return found;
}

/** Not what follows from another object: that one is to be deleted. */
async function named({ names }: Target, selector: string | undefined, ports: CliPorts): Promise<readonly NamedTarget[]> {
  const list = await ports.client.json<ObjectList>("GET", pathOf({ names }), { query: { labelSelector: selector } });
  const found = list.items.filter(({ metadata }) => !("owner" in metadata)).map(({ metadata }) => ({ names, name: metadata.name }));
  if (found.length === 0) ports.stderr.line(`No ${names.plural}${selector === undefined ? "" : " like that"}: nothing was deleted.`);
  return found;
}

async function confirm(plural: string, found: readonly NamedTarget[], options: ManyOptions, ports: CliPorts): Promise<void> {
  if (options.confirm === plural) return;
  const references = found.map(({ names, name }) => refOf({ kind: names.kind, name })).join(", ");
  const again = `the same with --confirm=${plural}, or first with --dry-run`;
  if (options.confirm !== undefined || !ports.mayAsk)
    throw new Failure(EXIT.usage, `Nothing was deleted: ${references} would go, and --confirm does not say "${plural}".`, again);
  ports.stderr.line(`Goes: ${references}`);
  if ((await askLine(`Type "${plural}" to delete: `, ports)) !== plural) throw new Failure(EXIT.usage, "Nothing was deleted.", again);
}

function usage(message: string): Failure {
  return new Failure(EXIT.usage, message, "fossora delete services --all --dry-run");
}
