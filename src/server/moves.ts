// What is still to move away from a node that is drained, or would be if it were.
import type { MovesAnswer } from "../api/moves.ts";
import type { Name } from "../api/resource.ts";
import { notFound } from "./not-found.ts";
import type { ServerPorts } from "./ports.ts";

export function movesOf(ports: ServerPorts, node: Name): MovesAnswer {
  const { reader, foresight } = ports;
  const membership = reader.desired("Membership", node);
  if (membership === undefined) throw notFound(ports, "Membership", node, "look at what would move from");
  const fates = foresight.ifLeft(node, "drained");
  return {
    kind: "Moves",
    node,
    drained: membership.spec.drain === true,
    moves: fates.filter(({ to }) => to !== undefined),
    stays: fates.filter(({ to }) => to === undefined),
    stopping: foresight.stoppingOn(node).map(({ instance }) => instance),
  };
}
