// `node drain`: what runs on a computer moves to the others, so that it can be switched off. Shows first what moves, what cannot, and what
// is away meanwhile; asks; and waits until it is done.
import type { NodeChange } from "../api/computers.ts";
import type { InstanceMove, MovesAnswer } from "../api/moves.ts";
import type { ServiceStatus } from "../api/status.ts";
import type { ApplyAnswer, ServedResource } from "../api/wire.ts";
import { stopwatch } from "./age.ts";
import { askLine } from "./ask.ts";
import { ready } from "./columns.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";
import { sayOutcome } from "./json-output.ts";
import { formatTable } from "./table.ts";
import type { CliPorts } from "./verb.ts";
import { tellWhatGoesOn } from "./what-goes-on.ts";

export interface DrainOptions {
  readonly node: string;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly timeoutMs: number;
  readonly json: boolean;
}

const LOOK_EVERY_MS = 500;

export async function runDrain(options: DrainOptions, ports: CliPorts): Promise<number> {
  const { node, dryRun, wait, json } = options;
  const began = await lookAtMoves(node, ports);
  if (json) ports.stdout.line(JSON.stringify(began, undefined, 2));
  else for (const line of planLines(began, `Stays on ${node}`)) (dryRun ? ports.stdout : ports.stderr).line(line);
  if (dryRun) return EXIT.ok;
  if (!began.drained) await confirm(began, options, ports);
  const unchanged = await drainNode(node, ports);
  const words = `${node} goes on draining; to take that back: fossora node uncordon ${node}`;
  const { stays } = wait ? await tellWhatGoesOn(words, ports, () => untilMoved(began, options, ports)) : began;
  sayOutcome(`node/${node} ${unchanged && isDone(began) ? "unchanged: it is drained" : wait ? "drained" : "drains"}`, json, ports);
  if (ports.quiet) return EXIT.ok;
  const { length } = stays;
  if (length > 0)
    ports.stderr.line(
      `  ${length === 1 ? "1 instance stayed: switched off, it waits" : `${length} instances stayed: switched off, they wait`} for ${node}`,
    );
  ports.stderr.line(`${ports.stderr.colors.dim("next:")}  fossora node uncordon ${node}, once it is back`);
  return EXIT.ok;
}

export function lookAtMoves(node: string, ports: CliPorts): Promise<MovesAnswer> {
  return ports.client.json<MovesAnswer>("GET", `/api/v1/nodes/${encodeURIComponent(node)}/moves`);
}

/** True: it was so already. */
export async function drainNode(node: string, ports: CliPorts): Promise<boolean> {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
  const asked: NodeChange = { drain: true };
  const { results } = await ports.client.json<ApplyAnswer>("PATCH", path, { body: JSON.stringify(asked) });
  return results.every(({ action }) => action === "unchanged");
}

/** `stay`: the heading of those that do not move. */
export function planLines({ node, drained, moves, stays }: MovesAnswer, stay: string): readonly string[] {
  if (moves.length + stays.length === 0) return [`Nothing runs on ${node}.`];
  return [
    ...(moves.length === 0
      ? []
      : [`${drained ? "Still to move" : "Moves"} from ${node}`, ...formatTable(moves.map(moveRow)).map(indented), ...mayDiffer(moves)]),
    ...(stays.length === 0 ? [] : [stay, ...formatTable(stays.map(({ instance, why }) => [instance, why])).map(indented)]),
  ];
}

/** They are foreseen one after the other, and decided each by itself. */
function mayDiffer({ length }: readonly InstanceMove[]): readonly string[] {
  return length < 2 ? [] : ["  Each is placed when its turn comes, by what the others carry then: perhaps elsewhere than shown."];
}

function moveRow({ instance, to = "", why, stopsFirst }: InstanceMove): readonly string[] {
  return [instance, `to ${to}`, stopsFirst ? "is away meanwhile: it stops before it starts there" : "starts there first", why];
}

function indented(line: string): string {
  return `  ${line}`;
}

async function confirm({ node }: MovesAnswer, { yes }: DrainOptions, ports: CliPorts): Promise<void> {
  if (yes) return;
  const again = `fossora node drain ${node} --yes`;
  if (!ports.mayAsk) throw new Failure(EXIT.usage, `Nothing was changed: that ${node} is to be drained has to be confirmed.`, again);
  const answer = await askLine(`Drain ${node}? Nothing new is placed there until it is uncordoned. [y/N] `, ports);
  if (!/^y(es)?$/i.test(answer ?? "")) throw new Failure(EXIT.usage, "Nothing was changed.", again);
}

interface Waiting {
  readonly timeoutMs: number;
  /** True: nobody waits for that node any more. */
  readonly isOver?: () => Promise<boolean>;
}

/**
 * Says of each instance when it has moved, and answers what is there then. Throws Failure when time is over, when what was to move cannot any
 * more, and when somebody takes the drain back.
 */
export async function untilMoved(began: MovesAnswer, { timeoutMs, isOver }: Waiting, ports: CliPorts): Promise<MovesAnswer> {
  const { node } = began;
  const beganMs = ports.now();
  const told = new Set<string>();
  /** Where each was last seen to go. */
  const places = new Map(began.moves.map(({ instance, to }) => [instance, to] as const));
  let now = began;
  for (;;) {
    if (await isOver?.()) return now;
    now = await lookAtMoves(node, ports);
    if (!now.drained) throw new Failure(EXIT.conflict, `Somebody has uncordoned ${node} meanwhile.`, `fossora describe node/${node}`);
    for (const { instance, to } of now.moves) places.set(instance, to);
    for (const { service, instance, stopsFirst } of began.moves) {
      if (told.has(instance) || isUnderWay(now, instance)) continue;
      const successor = stopsFirst ? await readyElsewhere(service, ports) : {};
      if (successor === undefined) continue;
      told.add(instance);
      const place = successor.node ?? places.get(instance) ?? "";
      if (!ports.quiet) ports.stderr.line(`${ports.stderr.marks.ok} ${instance} moved to ${place}  ${stopwatch(ports.now() - beganMs)}`);
    }
    const starting = began.moves.filter(({ instance }) => !told.has(instance) && !isUnderWay(now, instance));
    const stuck = now.stays.filter(({ instance }) => places.has(instance));
    const isAllDone = isDone(now) && starting.length === 0;
    if (isAllDone && stuck.length === 0) return now;
    if (isAllDone) throw notDrained(now, { starting, stuck });
    if (ports.now() - beganMs >= timeoutMs) throw notDrained(now, { starting, stuck, afterMs: timeoutMs });
    await ports.sleep(LOOK_EVERY_MS, ports.interrupted);
  }
}

/** What has stopped here may not be placed there yet: undefined. Without a node where it is deleted meanwhile. */
async function readyElsewhere(service: string, ports: CliPorts): Promise<{ readonly node?: string } | undefined> {
  try {
    const found = await ports.client.json<ServedResource>("GET", `/api/v1/services/${encodeURIComponent(service)}`);
    if (ready(found)?.status !== "True") return undefined;
    const [node] = (found.status as ServiceStatus).nodes; // a Service's, as its path says
    return node === undefined ? {} : { node };
  } catch (error) {
    if (error instanceof ApiFailure && error.status.reason === "NotFound") return {};
    throw error;
  }
}

function isUnderWay({ moves, stays, stopping }: MovesAnswer, name: string): boolean {
  return stopping.includes(name) || [...moves, ...stays].some(({ instance }) => instance === name);
}

function isDone({ moves, stopping }: MovesAnswer): boolean {
  return moves.length === 0 && stopping.length === 0;
}

interface Left {
  readonly starting: readonly InstanceMove[];
  /** Were to move, and cannot any more. */
  readonly stuck: readonly InstanceMove[];
  /** Absent: nothing else is waited for. */
  readonly afterMs?: number;
}

function notDrained({ node, moves, stopping }: MovesAnswer, { starting, stuck, afterMs }: Left): Failure {
  const waiting = moves.map(({ instance, to = "", state }) => `${instance} waits for ${to}${state === undefined ? "" : ` (${state})`}`);
  const left = [
    ...waiting,
    ...stopping.map((instance) => `${instance} is still stopping`),
    ...starting.map(({ service }) => `${service} is not ready elsewhere`),
    ...stuck.map(({ instance, why }) => `${instance} cannot move any more (${why})`),
  ];
  const [first] = [...moves, ...starting, ...stuck];
  return new Failure(
    EXIT.timeout,
    `node/${node} is not drained${afterMs === undefined ? "" : ` after ${afterMs / 1000} s`}, and goes on draining: ${left.join("; ")}`,
    first === undefined ? `fossora node drain ${node}` : `fossora describe service/${first.service}`,
  );
}
