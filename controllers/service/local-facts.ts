// What can be known of this node's own containers without waiting: ages, background work, health checks, addresses.
import { keys } from "../../src/api/keys.ts";
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { ObservedService } from "../../src/api/state.ts";
import type { Mirror, Ports } from "../../src/engine/contract.ts";
import type { Part } from "./container-spec.ts";
import type { Container, JobState } from "./docker-types.ts";
import type { AgedContainer, LocalFacts } from "./facts.ts";
import { addressOf, probeOf } from "./health.ts";
import { isDecidedName } from "./house-facts.ts";
import { isOf } from "./parts.ts";
import { publishedOf } from "./published.ts";

const LOOPBACK = "127.0.0.1";

/** What Docker says was then, and is later than now by more than a look takes: the machine's date was set back since. */
const SET_BACK_MS = 10_000;

/**
 * Docker's times and `wallMs` are of the same machine. What its date was set back over counts as long ago: nobody waits for it. What ran before
 * the boot, at `bootedMs` of the same wall clock, ended with the computer, whatever Docker says of when and how.
 */
export function aged(container: Container, { wallMs, bootedMs }: { readonly wallMs: number; readonly bootedMs: number }): AgedContainer {
  const startedMs = Date.parse(container.startedAt ?? "") || 0;
  const endedMs = Date.parse(container.finishedAt ?? "") || 0;
  const isLater = startedMs > wallMs + SET_BACK_MS;
  const isOver = container.state === "exited" || container.state === "dead" || container.state === "restarting";
  return {
    ...container,
    // Of two that started the one whose time lies ahead of now started first.
    startedMs: isLater ? 0 : startedMs,
    // What was started at a time that is still to come may be of before the boot, too: a computer without a clock of its own wakes in the past.
    ranMs: isOver ? (startedMs < bootedMs || isLater ? Infinity : Math.max(0, endedMs - startedMs)) : since(startedMs, wallMs),
    endedAgoMs: since(endedMs, wallMs),
  };
}

function since(thenMs: number, wallMs: number): number {
  return thenMs > wallMs + SET_BACK_MS ? Infinity : Math.max(0, wallMs - thenMs);
}

export function jobStates(names: readonly string[], { jobs }: Pick<Ports, "jobs">): Readonly<Record<string, JobState | undefined>> {
  return Object.fromEntries(names.map((name) => [name, jobs.get(name)]));
}

/** Instances of which the store has this node's report. */
export function heardOf(name: Name, mirror: Pick<Mirror, "stored">, node: NodeName): ReadonlySet<string> {
  const stored = mirror.stored("Service", name, node) as ObservedService | undefined; // written by this very controller
  return new Set(stored?.instances.map(({ id }) => id));
}

/** By the object itself: the mirror makes another one when it changes. */
const seenAtMs = new WeakMap<Resource<"Service">, number>();

export function firstSeenMs(desired: Resource<"Service"> | undefined, { clock }: Pick<Ports, "clock">): number {
  if (desired === undefined) return 0;
  const known = seenAtMs.get(desired) ?? clock.now();
  seenAtMs.set(desired, known);
  return known;
}

/** By mirror: one lives as long as an agent does in its house. */
const announcedAt = new WeakMap<Mirror, NonNullable<LocalFacts["announced"]>>();

/**
 * The record is written again and again; what others wrote after its first one they wrote after this node's boot. By the lease: the mirror
 * shows it before the store has it, at a revision that a copy from disk had.
 */
export function firstAnnounced({
  mirror,
  identity,
  lease,
  clock,
}: Pick<Ports, "mirror" | "identity" | "clock"> & {
  readonly lease: Pick<Ports["lease"], "writtenAt">;
}): LocalFacts["announced"] {
  const revision = lease.writtenAt(keys.node(identity.node));
  if (!announcedAt.has(mirror) && revision !== undefined) announcedAt.set(mirror, { revision, atMs: clock.now() });
  return announcedAt.get(mirror);
}

/** Taken for containers that are neither here nor to be made: whatever was cut short, they do not stay taken. */
export function strayAddresses(
  name: Name,
  present: readonly string[],
  { addresses, mirror, identity }: Pick<Ports, "mirror" | "identity"> & { readonly addresses: Pick<Ports["addresses"], "keys"> },
): readonly string[] {
  const own = addresses.keys().filter((key) => key.startsWith(`${name}-`) && !present.includes(key));
  return own.filter((key) => !isDecidedName(key, mirror) && !isOfLongerName(key, name, { mirror, identity }));
}

/** `immich-db-ab12` begins with `immich-`, and is of `immich-db` where there is one: it may still run, decided or not. */
function isOfLongerName(key: string, name: Name, { mirror, identity }: Pick<Ports, "mirror" | "identity">): boolean {
  const longer = [...key.matchAll(/-/g)].map(({ index }) => key.slice(0, index)).filter((other) => other.length > name.length);
  return longer.some(
    (other) =>
      mirror.desired("Service", other) !== undefined ||
      mirror.decided("Service", other) !== undefined ||
      mirror.written("Service", other, identity.node) !== undefined,
  );
}

/** Services that nothing is left of but a taken address: all names that its key may begin with, for names may have dashes themselves. */
export function holdersOf(addressKeys: readonly string[], known: readonly Name[]): readonly Name[] {
  const orphans = addressKeys.filter((key) => !known.some((name) => key.startsWith(`${name}-`)));
  return orphans.flatMap((key) => [...key.matchAll(/-/g)].map(({ index }) => key.slice(0, index)));
}

/** Begins or goes on with the agent's own checks of what runs, and ends the others. */
export function probeStates(
  name: Name,
  parts: readonly Part[],
  containers: readonly Container[],
  { probes, mirror, identity }: Pick<Ports, "probes" | "mirror" | "identity">,
): LocalFacts["probes"] {
  const nodeAddress = mirror.nodes().get(identity.node)?.value.addresses.lan[0] ?? LOOPBACK;
  const wanted = parts.flatMap((part) => {
    const docker = containers.find((each) => isOf(part, each));
    const those = containers.filter(({ instance }) => instance === part.instance);
    const host = addressOf(part.container, those, nodeAddress);
    const reach = host === undefined ? undefined : { host, published: publishedOf(part.container, those) };
    const probe = docker?.state === "running" && reach !== undefined ? probeOf(part.spec, part.container, docker, reach) : undefined;
    return docker && probe ? [{ id: docker.id, probe }] : [];
  });
  probes.keep(
    name,
    wanted.map(({ id }) => id),
  );
  return Object.fromEntries(wanted.map(({ id, probe }) => [id, probes.watch(id, name, probe)]));
}
