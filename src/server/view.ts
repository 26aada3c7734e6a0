// Objects as the API serves them: with their status, and instances as objects of their own though they live in a Service's status.
import { API_VERSION, type AnyResource, type Kind, type Name, type Resource } from "../api/resource.ts";
import type { ServiceStatus } from "../api/status.ts";
import type { InstanceObject, ServedObject, ServedResource } from "../api/wire.ts";
import type { ObjectReader, ServerPorts } from "./ports.ts";

export type ViewPorts = Pick<ServerPorts, "reader" | "statusReader">;
/** What a client may watch and list out of the mirror. */
export type ViewKind = Kind | "Instance";

/** `Kind` not narrowed: the mirror answers the union of all kinds. */
export function resourcesOf(reader: Pick<ObjectReader, "all">, kind: Kind): Iterable<AnyResource> {
  return reader.all(kind) as Iterable<AnyResource>; // each of them is of that kind
}

export function resourceOf(reader: Pick<ObjectReader, "desired">, kind: Kind, name: Name): AnyResource | undefined {
  return reader.desired(kind, name) as AnyResource | undefined; // it is of that kind
}

export function serve(ports: ViewPorts, resource: AnyResource): ServedResource {
  const status = ports.statusReader.status(resource.kind, resource.metadata.name);
  return status === undefined ? resource : { ...resource, status };
}

/** Undefined: there is none of that name. */
export function viewOne(ports: ViewPorts, kind: ViewKind, name: Name): ServedObject | undefined {
  if (kind === "Instance") return viewAll(ports, "Instance").find((instance) => instance.metadata.name === name);
  const resource = resourceOf(ports.reader, kind, name);
  return resource && serve(ports, resource);
}

/** Sorted by name. */
export function viewAll(ports: ViewPorts, kind: ViewKind): readonly ServedObject[] {
  const objects =
    kind === "Instance" ? allInstances(ports) : [...resourcesOf(ports.reader, kind)].map((resource) => serve(ports, resource));
  return objects.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function allInstances(ports: ViewPorts): InstanceObject[] {
  return [...ports.reader.all("Service")].flatMap((service) => instancesOf(ports, service));
}

function instancesOf(ports: ViewPorts, service: Resource<"Service">): readonly InstanceObject[] {
  const { name, labels, resourceVersion, creationTimestamp } = service.metadata;
  const status = ports.statusReader.status("Service", name) as ServiceStatus | undefined; // the kind says which status it is
  return (status?.instances ?? []).map((instance) => ({
    apiVersion: API_VERSION,
    kind: "Instance",
    metadata: { name: instance.name, ...(labels && { labels }), owner: `Service/${name}`, resourceVersion, creationTimestamp },
    spec: { service: name, node: instance.node },
    status: {
      ...instance,
      conditions: [{ type: "Ready", status: instance.ready ? "True" : "False", reason: instance.reason, message: instance.message }],
    },
  }));
}
