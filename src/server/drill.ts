// "Can I unplug this computer now?": what the house would do if a node lost its power, from the decisions that it would really make.
import { LEASE_TTL_MS, TAKEOVER_GRACE_MS } from "../api/fence-times.ts";
import type { HouseComputers } from "../api/computers.ts";
import type { BoundPort, DrillAnswer, InstanceMove } from "../api/moves.ts";
import type { Name } from "../api/resource.ts";
import type { EventObject } from "../api/wire.ts";
import { boundPorts } from "./bound-ports.ts";
import { readEvents } from "./events.ts";
import { notFound } from "./not-found.ts";
import type { ServerPorts } from "./ports.ts";

/** From the last sign of life until its death is recorded (DESIGN, 56). */
const NOTICED_MS = 3_000;
/** What is said to have taken longer was measured by two clocks that differ. */
const START_MAX_MS = 600_000;

export async function drill(ports: ServerPorts, node: Name, signal: AbortSignal): Promise<DrillAnswer> {
  const { reader, foresight, house } = ports;
  if (reader.desired("Membership", node) === undefined) throw notFound(ports, "Membership", node, "drill");
  const store = storeWithout(node, await house?.computers(signal), reader.nodes().size);
  const events = await readEvents(ports.store, signal).then(
    (read) => read.events,
    () => [], // without a store nobody knows how long anything took
  );
  const fates = foresight.ifLost(node);
  // Without quorum nothing is decided.
  const moving = store.keepsQuorum ? fates.filter(({ to }) => to !== undefined) : [];
  const moves = moving.map((move) => ({ ...move, awayMs: awayMs(move, events) }));
  const waits = store.keepsQuorum ? fates.filter(({ to }) => to === undefined) : fates.map(stuck);
  const away = new Set(waits.filter(({ others }) => others === 0).map(({ service }) => service));
  const bound = boundPorts(node, reader);
  const shut = bound.filter(({ name }) => !away.has(name.replace("service/", "")));
  const survives = store.keepsQuorum && away.size === 0 && bound.length === 0;
  return { kind: "Drill", node, survives, answer: answerOf(node, store, [...lost(away), ...lostPorts(shut)]), store, moves, waits, bound };
}

function storeWithout(node: Name, house: HouseComputers | undefined, nodes: number): DrillAnswer["store"] {
  const { voters, votersUp, computers } = house ?? { voters: 1, votersUp: 1, computers: [] };
  const own = computers.find(({ name }) => name === node);
  const isVoter = own === undefined ? nodes === 1 : own.role === "voter";
  const answers = own === undefined || own.self || own.roundTripMs !== undefined;
  const left = votersUp - (isVoter && answers ? 1 : 0);
  const keepsQuorum = left >= Math.floor(voters / 2) + 1;
  const count = `${left} of ${voters} voter${voters === 1 ? "" : "s"} would be left`;
  return {
    keepsQuorum,
    message: keepsQuorum ? `${count}, which is a quorum` : `${count}, which is no quorum: nothing could be changed, and nothing would move`,
  };
}

function stuck({ to: _, ...move }: InstanceMove): InstanceMove {
  return { ...move, why: "without a quorum nothing moves" };
}

/** From the loss of its node until it is started elsewhere, as far as that was ever seen. */
function awayMs({ service, instance, afterMs, others, stopsFirst }: InstanceMove, events: readonly EventObject[]): number {
  if (others > 0) return 0;
  const of = events.filter(({ spec }) => spec.object === `Service/${service}`);
  const started = of.findLast(({ spec }) => spec.reason === "Started" && spec.message.includes(instance));
  const placed = of.findLast(({ spec }) => spec.reason === "Placed" && spec.message.startsWith(`${instance} `));
  const took =
    started === undefined || placed === undefined
      ? 0
      : Date.parse(started.metadata.creationTimestamp) - Date.parse(placed.metadata.creationTimestamp);
  // What must not run twice starts only when its node must have ended it.
  const givenUpMs = Math.max(NOTICED_MS + afterMs, stopsFirst ? LEASE_TTL_MS + TAKEOVER_GRACE_MS : 0);
  return givenUpMs + (took > 0 && took < START_MAX_MS ? took : 0);
}

/** What would be missing, as subject and verb. */
function lost(away: ReadonlySet<Name>): readonly string[] {
  return away.size === 0 ? [] : [`${[...away].sort().join(", ")} would be away`];
}

function lostPorts(shut: readonly BoundPort[]): readonly string[] {
  const names = [...new Set(shut.map(({ name }) => name.replace("service/", "")))];
  return names.length === 0 ? [] : [`${names.join(", ")} would not answer on ${shut.map(({ at }) => at).join(", ")}`];
}

function answerOf(node: Name, { keepsQuorum }: DrillAnswer["store"], missing: readonly string[]): string {
  if (keepsQuorum && missing.length === 0) return `Yes: everything that runs on ${node} goes on without it.`;
  const until = `until ${node} is back`;
  const [first, ...others] = [...missing, ...(keepsQuorum ? [] : ["the house could change nothing"])];
  return `No: ${[`${first} ${until}`, ...others].join(", and ")}.`;
}
