// The second half of `apply --prune`: what was applied before and is in no file any more goes, once a person has said yes.
import { namesOf } from "../api/kinds.ts";
import type { ApplyAnswer } from "../api/wire.ts";
import { askLine } from "./ask.ts";
import { runDelete } from "./delete.ts";
import { EXIT, Failure } from "./failure.ts";
import { refOf } from "./rollout.ts";
import type { CliPorts } from "./verb.ts";

export interface PruneOptions {
  readonly dryRun?: "server" | "client";
  readonly force: boolean;
  readonly manager: string;
  readonly timeoutMs: number;
  readonly yes: boolean;
  readonly output?: string;
}

/** Says what goes and what stays of each. Throws Failure where nobody can be asked. */
export async function deleteOrphans(orphans: NonNullable<ApplyAnswer["orphans"]>, options: PruneOptions, ports: CliPorts): Promise<void> {
  if (orphans.length === 0) return;
  const dryRun = options.dryRun !== undefined;
  if (!dryRun && !options.yes && !(await agrees(orphans.map(refOf), ports))) {
    ports.stderr.line("Nothing was deleted.");
    return;
  }
  const { force, manager, timeoutMs, output } = options;
  const isRead = output !== undefined;
  const words = orphans.map(({ kind, name }) => `${namesOf(kind).singular}/${name}`);
  await runDelete(
    { words, files: [], recursive: false, all: false, dryRun, force, manager, ignoreNotFound: true, wait: false, timeoutMs, isRead },
    ports,
  );
}

async function agrees(references: readonly string[], ports: CliPorts): Promise<boolean> {
  if (!ports.mayAsk)
    throw new Failure(
      EXIT.usage,
      `Nothing was deleted: ${references.join(", ")} ${references.length === 1 ? "is" : "are"} in no file any more, and nobody can be asked.`,
      "the same with --yes, or first with --dry-run",
    );
  ports.stderr.line(`In no file any more: ${references.join(", ")}`);
  return /^y(?:es)?$/i.test((await askLine("Delete? [y/N] ", ports)) ?? "");
}
