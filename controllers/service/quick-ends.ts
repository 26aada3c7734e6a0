// How often in a row a container has ended soon after a start: once is bad luck, again and again a loop. Docker counts only what it starts
// again itself, which is neither what ended with 0 nor what has an order or a promise, and it forgets nothing before the next start by a call.
import type { Name } from "../../src/api/resource.ts";
import type { Ports } from "../../src/engine/contract.ts";
import type { AgedContainer, LocalContainer } from "./facts.ts";

/** What ended sooner than this did not work: Docker, too, counts its back-off from there. */
export const STABLE_MS = 10_000;
/** So many quick ends are bad luck, more are a loop. */
export const QUICK_ENDS_LUCKY = 2;

/** What was seen of a container so far. */
interface Ends {
  /** Docker's count of restarts when it had last run for long. */
  readonly forgiven: number;
  /** Quick ends after which Docker did not start it again. */
  readonly own: number;
  /** When it was started that last ended so: each end counts once. */
  readonly ofStartMs: number | undefined;
}

const NONE: Ends = { forgiven: 0, own: 0, ofStartMs: undefined };

function endsOf({ state, restarts, ranMs, startedMs }: AgedContainer, known: Ends = NONE): Ends {
  if (ranMs >= STABLE_MS) return { ...NONE, forgiven: restarts };
  // Fewer than before: it was started by a call, and Docker counts anew.
  const forgiven = restarts < known.forgiven ? 0 : known.forgiven;
  if (state !== "exited" || startedMs === known.ofStartMs) return { ...known, forgiven };
  return { forgiven, own: known.own + 1, ofStartMs: startedMs };
}

/** Of each Service, by container. An agent that starts begins with what Docker counts, and with what the one before told. */
const seenEnds = new WeakMap<Ports["containers"], Map<Name, ReadonlyMap<string, Ends>>>();

export function withQuickEnds(
  name: Name,
  containers: readonly AgedContainer[],
  ports: Pick<Ports, "containers">,
): readonly LocalContainer[] {
  const services = seenEnds.get(ports.containers) ?? new Map<Name, ReadonlyMap<string, Ends>>();
  seenEnds.set(ports.containers, services);
  const ends = new Map(containers.map((each) => [each.id, endsOf(each, services.get(name)?.get(each.id))] as const));
  if (ends.size === 0) services.delete(name);
  else services.set(name, ends);
  return containers.map((each) => ({ ...each, quickEnds: quickEnds(each, ends.get(each.id)) }));
}

function quickEnds({ restarts }: AgedContainer, { forgiven, own }: Ends = NONE): number {
  return restarts - forgiven + own;
}
