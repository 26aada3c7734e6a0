// Taking a node out of the house is for good: its name is typed, or given with --confirm.
import { askLine } from "./ask.ts";
import { EXIT, Failure } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

/** Throws Failure where nobody can be asked, and where something else is typed. */
export async function confirmNode(name: string, confirm: string | undefined, ports: CliPorts): Promise<void> {
  if (confirm === name) return;
  const again = `fossora node remove ${name} --confirm=${name}`;
  const what = `node/${name} would leave the house for good: its key is never believed again`;
  if (confirm !== undefined || !ports.mayAsk)
    throw new Failure(EXIT.usage, `Nothing was removed: ${what}, and --confirm does not say "${name}".`, again);
  ports.stderr.line(`${what.charAt(0).toUpperCase()}${what.slice(1)}.`);
  if ((await askLine(`Type "${name}" to remove it: `, ports)) !== name) throw new Failure(EXIT.usage, "Nothing was removed.", again);
}
