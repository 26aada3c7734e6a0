// Taking a node out of the house is for good: its name is typed, or given with --confirm. What runs on a living one moves first.
import type { DeleteAnswer, ServedObject } from "../api/wire.ts";
import { askLine } from "./ask.ts";
import { ready } from "./columns.ts";
import { drainNode, lookAtMoves, planLines, untilMoved } from "./drain.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

export interface EmptyOptions {
  /** Asked for otherwise. */
  readonly confirm?: string;
  readonly dryRun: boolean;
  /** As it is: nothing moves first. */
  readonly force: boolean;
  readonly timeoutMs: number;
}

/**
 * Shows what moves from it and what cannot, asks, and waits until it has moved; `mayRemove` throws where the house keeps it. One that does
 * not answer is only asked for. Throws Failure where nobody can be asked, where something else is typed, and where time is over.
 */
export async function emptyNode(
  name: string,
  options: EmptyOptions,
  { ports, mayRemove }: { readonly ports: CliPorts; readonly mayRemove: () => Promise<DeleteAnswer> },
): Promise<void> {
  const { confirm, dryRun, force, timeoutMs } = options;
  if (!dryRun) mayConfirm(name, confirm, ports);
  const moves = !force && (await lives(name, ports));
  if (moves && !dryRun) await mayRemove();
  const began = moves ? await lookAtMoves(name, ports) : undefined;
  for (const line of began ? planLines(began, `Cannot move, and leaves with ${name}`) : [])
    (dryRun ? ports.stdout : ports.stderr).line(line);
  if (dryRun) return;
  if (confirm === undefined) await askName(name, ports);
  if (began === undefined || began.moves.length + began.stopping.length === 0) return;
  await drainNode(name, ports);
  try {
    await untilMoved(began, { timeoutMs, isOver: async () => !(await lives(name, ports)) }, ports);
  } catch (error) {
    ports.stderr.line(
      `${name} is still in the house, and drained. To take that back: fossora node uncordon ${name}; to remove it as it is: fossora node remove ${name} --force`,
    );
    throw error;
  }
}

async function lives(name: string, ports: CliPorts): Promise<boolean> {
  try {
    return ready(await ports.client.json<ServedObject>("GET", `/api/v1/nodes/${encodeURIComponent(name)}`))?.status === "True";
  } catch (error) {
    if (error instanceof ApiFailure && error.status.reason === "NotFound") return false; // its removal says so
    throw error;
  }
}

function mayConfirm(name: string, confirm: string | undefined, ports: CliPorts): void {
  if (confirm === name || (confirm === undefined && ports.mayAsk)) return;
  throw new Failure(EXIT.usage, `Nothing was removed: ${what(name)}, and --confirm does not say "${name}".`, again(name));
}

async function askName(name: string, ports: CliPorts): Promise<void> {
  const sentence = what(name);
  ports.stderr.line(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`);
  if ((await askLine(`Type "${name}" to remove it: `, ports)) !== name) throw new Failure(EXIT.usage, "Nothing was removed.", again(name));
}

function what(name: string): string {
  return `node/${name} would leave the house for good: its key is never believed again`;
}

function again(name: string): string {
  return `fossora node remove ${name} --confirm=${name}`;
}
