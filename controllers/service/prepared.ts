// Which nodes could start a Service without asking a registry, as they told themselves. Pure.
import type { NodeName } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { HouseFacts } from "./facts.ts";

/** Those that pulled all its images for it. */
export function preparedNodes({ containers }: ServiceSpec, observed: HouseFacts["observed"]): ReadonlySet<NodeName> {
  const prepared = [...observed].filter(([, { value }]) => containers.every(({ image }) => value.pulled?.includes(image) === true));
  return new Set(prepared.map(([node]) => node));
}
