// `fossora rebalance --yes`, typed on one of the computers: the moves that its agent proposes are asked for, one after the other.
import { NodeForesight } from "../../src/agent/foresight.ts";
import { InstanceMover } from "../../src/agent/mover.ts";
import type { World } from "./world.ts";

/** How many moves were asked for and written. */
export async function evenOut(world: World): Promise<number> {
  const agents = [...world.nodes.values()].flatMap(({ name, alive, agent }) =>
    alive && agent?.mirror.fresh === true ? [{ name, ...agent }] : [],
  );
  if (agents.length === 0) return 0;
  const { name, mirror, store, stop } = world.random.pick(agents);
  const mover = new InstanceMover(mirror, store);
  let written = 0;
  for (const move of new NodeForesight(mirror).evenly()) {
    world.trace.add(name, `rebalance: ${move.instance} from ${move.from} to ${move.to}`);
    // The store may not answer, or the agent be killed: whoever typed it sees that.
    if (await mover.move(move, stop.signal).catch(() => false)) written += 1;
  }
  return written;
}
