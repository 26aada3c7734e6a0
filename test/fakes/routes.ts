// Routes and DnsRecords as the mirror has them, for tests of plans.
import { API_VERSION, type Kind, type Metadata, type Name, type Resource } from "../../src/api/resource.ts";
import type { DnsRecordSpec, RouteSpec } from "../../src/api/types.ts";

const CREATED = "2026-01-01T00:00:00Z";

export function route(name: Name, spec: RouteSpec, creationTimestamp = CREATED): Resource<"Route"> {
  return { apiVersion: API_VERSION, kind: "Route", metadata: metadataOf("Route", name, creationTimestamp), spec };
}

/** `owner`: the Route that it is derived from. */
export function record(name: Name, spec: DnsRecordSpec, owner?: string, creationTimestamp = CREATED): Resource<"DnsRecord"> {
  const metadata = { ...metadataOf("DnsRecord", name, creationTimestamp), ...(owner !== undefined && { owner }) };
  return { apiVersion: API_VERSION, kind: "DnsRecord", metadata, spec };
}

function metadataOf(kind: Kind, name: Name, creationTimestamp: string): Metadata {
  return { name, uid: `uid-${kind}-${name}`, generation: 1, resourceVersion: "1", creationTimestamp };
}
