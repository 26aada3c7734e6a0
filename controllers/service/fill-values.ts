// What this node puts into its containers: what `${url}` and the like stand for, secrets, devices, name servers.
import type { FillValues } from "../../src/api/fill.ts";
import { forContainers } from "../../src/api/name-servers.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import { secretsOf } from "../../src/api/service-rules.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { fqdn, httpUrl } from "../../src/api/urls.ts";
import type { Ports } from "../../src/engine/contract.ts";
import type { Fillings, Part } from "./container-spec.ts";
import type { ContainerSpec } from "./docker-types.ts";

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

/** All that this node puts into a container. */
export function fillingsFor(
  part: Part,
  network: ContainerSpec["network"],
  { mirror, identity, secrets, addresses, system }: Ports,
): Fillings {
  const record = mirror.nodes().get(identity.node)?.value;
  const zone = mirror.desired("House", "house")?.spec.zone ?? ZONE_DEFAULT;
  const remoteNetwork = record?.remoteNetwork ?? false;
  const references = secretsOf(part.container).map((reference) => [reference, secrets.get(reference) ?? ""] as const);
  return {
    values: fillValues(part.service, part.spec, {
      zone,
      node: identity.node,
      proxies: addresses.gateway,
      httpPort: record?.ports.http ?? 80,
    }),
    secrets: Object.fromEntries(references),
    devices: record?.devices ?? [],
    network,
    // A gateway that lies in another network cannot be ours.
    nameServers: [...(remoteNetwork ? [] : [addresses.gateway]), ...forContainers(system.resolvers())],
    remoteNetwork,
  };
}
