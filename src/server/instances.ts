// Where the instances of a Service are, and which nodes are known to be lost: as the house's own status has it.
import type { Name, NodeName } from "../api/resource.ts";
import type { InstanceStatus, ServiceStatus } from "../api/status.ts";
import type { ServerPorts } from "./ports.ts";

type Ports = Pick<ServerPorts, "statusReader">;

export function instancesOf({ statusReader }: Ports, service: Name): readonly InstanceStatus[] {
  const status = statusReader.status("Service", service) as ServiceStatus | undefined; // the kind says which status it is
  return status?.instances ?? [];
}

export function isDown({ statusReader }: Ports, node: NodeName): boolean {
  return statusReader.status("Membership", node)?.conditions.some(({ reason }) => reason === "Down") === true;
}
