// What the ingresses have counted of a route, node by node. One that does not answer is said to be silent, and holds up nobody.
import type { Name } from "../api/resource.ts";
import type { NodeTraffic } from "../api/traffic.ts";
import type { NodeReport, ServerPorts } from "./ports.ts";

const ANSWERS_WITHIN_MS = 2_000;

/** This node first. */
export async function trafficOf(
  ports: Pick<ServerPorts, "ingress" | "identity" | "trafficElsewhere">,
  route: Name,
  signal: AbortSignal,
): Promise<readonly NodeTraffic[]> {
  const reports = await Promise.all([ownReport(ports, signal), ports.trafficElsewhere(signal)]);
  return reports.flat().map((each) => {
    if ("unknown" in each) return each;
    const { node, report } = each;
    const { routes, forMs, recentMs } = report;
    return { node, forMs, recentMs, traffic: routes.find((counted) => counted.route === route) };
  });
}

async function ownReport({ ingress, identity }: Pick<ServerPorts, "ingress" | "identity">, signal: AbortSignal): Promise<NodeReport> {
  const { node } = identity;
  try {
    return { node, report: await ingress.traffic(AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)])) };
  } catch {
    return { node, unknown: "its ingress does not answer" };
  }
}
