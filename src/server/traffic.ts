// What the ingress has counted of a route, node by node. An ingress that does not answer is said to be silent, and holds up nobody.
import type { Name } from "../api/resource.ts";
import type { NodeTraffic } from "../api/traffic.ts";
import type { ServerPorts } from "./ports.ts";

const ANSWERS_WITHIN_MS = 2_000;

export async function trafficOf(
  { ingress, identity }: Pick<ServerPorts, "ingress" | "identity">,
  route: Name,
  signal: AbortSignal,
): Promise<readonly NodeTraffic[]> {
  const { node } = identity;
  try {
    const { routes, forMs, recentMs } = await ingress.traffic(AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]));
    return [{ node, forMs, recentMs, traffic: routes.find((each) => each.route === route) }];
  } catch {
    return [{ node, unknown: "its ingress does not answer" }];
  }
}
