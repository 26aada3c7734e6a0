// Statuses as the kinds' status.ts compute them, in their shortest form, and the manifests that they are of.
import type { Condition } from "../../src/api/resource.ts";
import type { InstanceStatus, MembershipStatus, RouteStatus, ServiceStatus } from "../../src/api/status.ts";

export const JELLYFIN = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: jellyfin, labels: { group: media } }
spec:
  image: jellyfin/jellyfin:10.11
  port: 8096
  volumes: [config:/config]
`;

export const WHOAMI = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "whoami:1", port: 80 }
`;

/** As mighty as root on its node, by all of the ways. */
const MIGHTY = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: mighty }
spec:
  image: "agent:1"
  privileged: true
  network: host
  pid: host
  engine: { HostConfig: { UsernsMode: host } }
  volumes: ["host:/var/run/docker.sock:/var/run/docker.sock:ro"]
`;

const BAD = `apiVersion: fossora.dev/v1
kind: Service
metadata:
  name: Jellyfin
spec:
  image: jellyfin:10
  replica: 3
`;
/** Files as they lie where the commands are typed. */
export const FILES = {
  "jellyfin.yaml": JELLYFIN,
  "whoami.yaml": WHOAMI,
  "bad.yaml": BAD,
  "mighty.yaml": MIGHTY,
  "apps/a.yaml": WHOAMI.replace("name: whoami", "name: a"),
  "apps/more/b.yml": WHOAMI.replace("name: whoami", "name: b"),
  "apps/readme.md": "no manifest",
};
export const IMAGE = "jellyfin/jellyfin:10.11";
const URL_OF_JELLYFIN = "http://jellyfin.home.internal";

export function condition(
  type: string,
  status: Condition["status"],
  reason: string,
  message = "",
  over: Partial<Condition> = {},
): Condition {
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: "2026-01-09T23:58:00.000Z", ...over };
}

export function instance(state: string, over: Partial<InstanceStatus> = {}): InstanceStatus {
  const made = !["waiting", "pulling"].includes(state);
  return {
    name: "jellyfin-k3f9",
    id: "k3f9",
    node: "nas",
    ready: state === "running",
    reason: state === "running" ? "Running" : "Starting",
    message: "",
    revision: "r1",
    generation: 1,
    containers: [
      {
        name: "jellyfin",
        ...(made && { id: "c1", startedAt: "2026-01-08T00:00:00.000Z" }),
        image: IMAGE,
        state,
        health: "none",
        restarts: 0,
        address: "172.30.0.5",
      },
    ],
    ...over,
  };
}

/** Of jellyfin, on its way. */
export function serviceStatus(over: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    conditions: [condition("Ready", "False", "Starting", "not every instance is ready")],
    ready: "0/1",
    replicas: 1,
    readyReplicas: 0,
    nodes: ["nas"],
    url: URL_OF_JELLYFIN,
    instances: [instance("pulling")],
    placement: [{ node: "nas", fits: true, chosen: true, reason: "the only node" }],
    ...over,
  };
}

export function readyService(over: Partial<ServiceStatus> = {}): ServiceStatus {
  return serviceStatus({
    conditions: [condition("Ready", "True", "Ready")],
    ready: "1/1",
    readyReplicas: 1,
    instances: [instance("running")],
    ...over,
  });
}

export const READY_NODE: MembershipStatus = {
  conditions: [condition("Ready", "True", "Ready")],
  role: "voter",
  nodeId: "id-nas",
  address: "192.168.1.10",
  cpus: 4,
  memoryBytes: 8 * 2 ** 30,
  diskBytes: 512 * 2 ** 30,
  devices: ["gpu"],
  version: "0.1.0",
};

export const READY_ROUTE: RouteStatus = {
  conditions: [condition("Ready", "True", "Ready")],
  url: URL_OF_JELLYFIN,
  backends: "1/1 (nas:8096)",
};
