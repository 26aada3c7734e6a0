// All ports of one node over fakes, for tests of one controller or of the engine; the simulator wires whole nodes by itself.
import type { Ports } from "../../src/engine/contract.ts";
import type { StoreMirror } from "../../src/engine/mirror.ts";
import type { Kind, Name, NodeName } from "../../src/api/resource.ts";
import type { Clock, Log, Store } from "../../src/ports.ts";
import { FakeAddresses } from "./addresses.ts";
import { SeededRandom } from "./clock.ts";
import { FakeEngine } from "./containers-engine.ts";
import { FakeContainers } from "./containers.ts";
import { FakeJobs } from "./jobs.ts";
import { FakeEvents, FakeFence, fakeLog, FakeProxy, FakeSecrets, FakeSystem, FakeVolumes } from "./machine.ts";
import { FakeProbes } from "./probes.ts";

export interface FakePortsOptions {
  readonly node: NodeName;
  readonly clock: Clock;
  readonly store: Store;
  readonly mirror: StoreMirror;
  readonly docker?: FakeEngine;
  readonly wake?: (kind: Kind, name: Name) => void;
  readonly log?: Log;
}

const LEASE_TTL_MS = 20_000;

export function fakePorts({ node, clock, store, mirror, wake = () => {}, log = fakeLog(), docker }: FakePortsOptions): Ports {
  const random = new SeededRandom(1);
  const engine = docker ?? new FakeEngine({ clock, random });
  return {
    identity: { node, nodeId: `id-${node}`, bootId: `boot-${node}`, bootedAtMs: 0 },
    mirror,
    store,
    lease: store.lease(LEASE_TTL_MS),
    containers: new FakeContainers(engine),
    probes: new FakeProbes({ clock, answers: (host) => engine.serving(host) !== undefined, wake: (name) => wake("Service", name) }),
    jobs: new FakeJobs({ clock, wake, signal: new AbortController().signal }),
    addresses: new FakeAddresses(clock, "10.201"),
    volumes: new FakeVolumes((path) => !engine.missingPaths.has(path)),
    secrets: new FakeSecrets(),
    proxy: new FakeProxy(),
    system: new FakeSystem("192.168.1.10", engine),
    events: new FakeEvents(),
    fence: new FakeFence(),
    voters: () => 1,
    clock,
    random,
    log,
  };
}
