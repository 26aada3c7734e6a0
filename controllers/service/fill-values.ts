// What `${url}` and the like stand for in a Service's env and files.
import type { FillValues } from "../../src/api/fill.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { fqdn, httpUrl } from "../../src/api/urls.ts";

export const ZONE_DEFAULT = "home.internal";

export interface NodeValues {
  readonly zone: string;
  readonly node: NodeName;
  readonly proxies: string;
  /** The port that the node's ingress really holds. */
  readonly httpPort: number;
}

/** By the Service's first host; one without a Route has the name that a Route would give it. */
export function fillValues(service: Name, spec: ServiceSpec, { zone, node, proxies, httpPort }: NodeValues): FillValues {
  const host = spec.routes?.[0]?.host ?? service;
  return { url: httpUrl(host, zone, [httpPort]), host: fqdn(host, zone), zone, node, proxies };
}
