// Stored objects in their shortest form, for tests that write to the store what admission would.
import { keys } from "../../src/api/keys.ts";
import { API_VERSION, type Kind, type Name, type Specs, type StoredResource } from "../../src/api/resource.ts";
import type { DecidedMembership, NodeRecord } from "../../src/api/state.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import type { FakeEtcd } from "./store.ts";

const CREATED = "2026-01-01T00:00:00.000Z";

/** Writes an object as admission does; an object made again after a delete has another uid. */
export function apply<K extends Kind>(
  etcd: FakeEtcd,
  kind: K,
  name: Name,
  spec: Specs[K],
  labels: Readonly<Record<string, string>> = {},
): void {
  const key = keys.desired(kind, name);
  const before = etcd.get(key);
  const uid = before === undefined ? `uid-${etcd.revision}` : (JSON.parse(before.value) as StoredResource).metadata.uid;
  const stored: StoredResource<K> = {
    apiVersion: API_VERSION,
    kind,
    metadata: { name, labels, uid, creationTimestamp: CREATED },
    spec,
    manager: "cli",
  };
  put(etcd, key, stored);
}

export function put(etcd: FakeEtcd, key: string, value: unknown): void {
  etcd.commit({ compare: [], writes: [{ put: key, value: JSON.stringify(value) }] });
}

export function remove(etcd: FakeEtcd, key: string): void {
  etcd.commit({ compare: [], writes: [{ delete: key }] });
}

/** What founding stores before anything else. */
export function foundHouse(etcd: FakeEtcd, zone = "home.internal"): void {
  apply(etcd, "House", "house", { zone, joining: "auto" });
}

export function setMembershipState(etcd: FakeEtcd, node: Name, state: DecidedMembership["state"]): void {
  put(etcd, keys.decided("Membership", node), { state } satisfies DecidedMembership);
}

export function nodeRecord(node: Name, bootId: string): NodeRecord {
  return {
    nodeId: `id-${node}`,
    bootId,
    addresses: { lan: ["192.168.1.10"], tailnet: [] },
    arch: "amd64",
    os: "Fake",
    cpus: 4,
    memoryBytes: 8 * 2 ** 30,
    diskBytes: 100 * 2 ** 30,
    devices: [],
    versions: { fossora: "0.1.0", docker: "28.0.0", dockerApi: "1.48", etcd: "3.7.3" },
    ports: { http: 80, dns: 53 },
  };
}

export function containerSpec(name: Name, image: string, over: Partial<Container> = {}): Container {
  return {
    name,
    image,
    pull: "missing",
    run: "always",
    privileged: false,
    init: false,
    tty: false,
    readOnly: false,
    stopGrace: "10s",
    restart: "on-failure",
    network: "default",
    ...over,
  };
}

/** A Service of one container that answers on port 80, unless told otherwise. */
export function serviceSpec(name: Name, image: string, over: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    containers: [containerSpec(name, image)],
    port: { container: name, port: 80 },
    replicas: 1,
    update: { parallel: 1, monitor: "5s", onFailure: "rollback" },
    failover: { after: "15s" },
    ...over,
  };
}
