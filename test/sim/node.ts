// One simulated computer: its Docker engine, its disk and its clock, and on it an agent made of the real engine and controllers, which
// can be killed, started again, put to sleep or lose its power at any moment.
import { FenceKeeper } from "../../src/agent/fence.ts";
import { LEASE_TTL_MS } from "../../src/api/fence-times.ts";
import { keys } from "../../src/api/keys.ts";
import { LABEL } from "../../src/api/labels.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { NodeRecord } from "../../src/api/state.ts";
import type { Ports } from "../../src/engine/contract.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { OwnWord } from "../../src/engine/own-word.ts";
import type { StoreMirror } from "../../src/engine/mirror.ts";
import type { Containers } from "../../src/container-ports.ts";
import type { Events, Jobs, Lease, Store, WatchBatch } from "../../src/ports.ts";
import { FakeAddresses } from "../fakes/addresses.ts";
import type { SeededRandom } from "../fakes/clock.ts";
import { FakeEngine } from "../fakes/containers-engine.ts";
import { type CallFault, FakeContainers } from "../fakes/containers.ts";
import { FakeJobs } from "../fakes/jobs.ts";
import { FakeEvents, fakeLog, FakeProxy, FakeSecrets, FakeSystem, FakeVolumes } from "../fakes/machine.ts";
import { FakeProbes } from "../fakes/probes.ts";
import type { FakeStore } from "../fakes/store-client.ts";
import { SimIngress } from "./ingress.ts";
import { NodeClock } from "./node-clock.ts";
import { observe } from "./observer.ts";
import { patched } from "./patched.ts";
import type { World } from "./world.ts";

/** What a killed program ends with. */
const KILLED = 137;

export interface Agent {
  readonly stop: AbortController;
  readonly store: FakeStore;
  readonly mirror: StoreMirror;
  readonly engine: Engine;
  readonly proxy: FakeProxy;
  readonly probes: FakeProbes;
  readonly lease: Lease;
  readonly jobs: Jobs;
  readonly events: Events;
}

export class SimNode {
  readonly name: NodeName;
  readonly nodeId: string;
  readonly docker: FakeEngine;
  readonly clock: NodeClock;
  readonly addresses: FakeAddresses;
  readonly volumes: FakeVolumes;
  /** Lives while the computer has power. */
  ingress: SimIngress | undefined;
  agent: Agent | undefined;
  power: "on" | "off" | "asleep" = "off";
  wokeAtMs = -Infinity;
  /** On its own clock. */
  bootedAtMs = 0;
  poweredAtMs = -Infinity;
  /** Chances that a call to Docker is slow, or fails before or after it took effect. */
  dockerFaults = { slow: 0, failBefore: 0, failAfter: 0 };
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #address: string;
  #cutOff = false;
  #storeCutOff = false;
  #goes: NodeRecord["goes"];
  #boots = 0;
  #bootId = "";

  constructor(world: World, name: NodeName, index: number) {
    this.#world = world;
    this.name = name;
    this.nodeId = `id-${name}`;
    this.#random = world.random.fork();
    this.#address = `192.168.1.${10 + index}`;
    this.clock = new NodeClock(world.time, {
      wallSkewMs: this.#random.int(-3_600_000, 3_600_000),
      rate: 1 + (this.#random.next() - 0.5) / 500,
    });
    this.docker = new FakeEngine({ clock: this.clock, random: this.#random, registry: world.registry, behave: world.behave });
    this.docker.foreign.set("portainer", "172.17.0.2");
    this.addresses = new FakeAddresses(this.clock, `10.${201 + index}`);
    this.volumes = new FakeVolumes((path) => !this.docker.missingPaths.has(path));
  }

  get bootId(): string {
    return this.#bootId;
  }

  /** It could carry out what is decided for it. */
  get alive(): boolean {
    return this.power === "on" && this.agent !== undefined;
  }

  powerOn(): void {
    this.power = "on";
    this.#boots += 1;
    this.poweredAtMs = this.#world.time.now();
    this.#bootId = `${this.name}-boot-${this.#boots}`;
    this.bootedAtMs = this.clock.now();
    this.docker.startDaemon();
    this.ingress = new SimIngress(
      this.clock,
      this.#world.wiring.killProcesses((containers) => this.#killProcesses(containers)),
    );
    this.startAgent();
  }

  powerOff(): void {
    if (this.power === "asleep") this.wake();
    this.killAgent();
    this.ingress?.stop();
    this.ingress = undefined;
    this.docker.stopDaemon("powerLoss");
    this.power = "off";
  }

  /** Nothing on it moves, and nothing reaches it. */
  sleep(): void {
    this.clock.freeze();
    this.power = "asleep";
    this.#connect();
  }

  wake(): void {
    this.power = "on";
    this.wokeAtMs = this.#world.time.now();
    this.#connect();
    this.clock.thaw();
  }

  /** From the store and the other nodes; its containers live on. */
  get cutOff(): boolean {
    return this.#cutOff;
  }

  set cutOff(cutOff: boolean) {
    this.#cutOff = cutOff;
    this.#connect();
  }

  /** From the store alone: the other nodes hear it, and it hears them. */
  set storeCutOff(cutOff: boolean) {
    this.#storeCutOff = cutOff;
    this.#connect();
  }

  /** What it asks the store is answered, while there is quorum. */
  get reachesStore(): boolean {
    return !this.#cutOff && !this.#storeCutOff && this.power === "on";
  }

  get storeCutOff(): boolean {
    return this.#storeCutOff;
  }

  /** It says that it is about to shut down or to sleep, or no longer; whoever starts its agent anew finds nothing of that. */
  set goes(goes: NodeRecord["goes"]) {
    this.#goes = goes;
    this.agent?.engine.wake("Membership", this.name);
  }

  get goes(): NodeRecord["goes"] {
    return this.#goes;
  }

  /** Somebody types `docker rm -f` on all containers of the house. */
  removeByHand(): void {
    for (const container of [...this.docker.containers.values()]) {
      container.end("kill");
      this.docker.containers.delete(container.id);
      this.docker.emit(container, "destroy");
    }
  }

  #connect(): void {
    if (this.#cutOff || this.#storeCutOff || this.power === "asleep") this.#world.etcd.isolate(this.name);
    else this.#world.etcd.rejoin(this.name);
  }

  /** As `kill -9`: nothing of it goes on, and its lease is not given back. */
  killAgent(): void {
    const { agent } = this;
    if (agent === undefined) return;
    this.agent = undefined;
    agent.stop.abort(new Error("the agent was killed"));
    agent.probes.close();
    this.#world.own(agent.store.close());
  }

  /** With an empty memory: what it knows of the containers, it finds out. */
  startAgent(): void {
    const world = this.#world;
    const { clock } = this;
    this.#goes = undefined;
    const stop = new AbortController();
    const random = this.#random.fork();
    const client = world.etcd.client(this.name, { clock, random: this.#random.fork() });
    Object.assign(client.faults, world.storeFaults);
    const store = world.wiring.store(this.#doubling(client));
    const log = fakeLog(({ level, message, fields }) => world.heardLog(this.name, level, message, fields));
    const mirror = world.wiring.mirror({ store, clock, log });
    const proxy = new FakeProxy();
    const wake = (kind: "Service" | "Route" | "DnsRecord" | "Membership" | "House", name: Name): void => engine.wake(kind, name);
    const answers = (host: string): boolean => this.docker.serving(host) !== undefined;
    const probes = new FakeProbes({ clock, answers, wake: (name) => wake("Service", name) });
    const containers = world.wiring.containers(this.#containers());
    const { ingress } = this;
    const ownWord = new OwnWord({ node: this.name, store, mirror, log });
    ownWord.run(stop.signal);
    const lease = ownWord.lease(LEASE_TTL_MS);
    const killer = world.wiring.containers(this.#containers());
    const fence = new FenceKeeper({
      lease,
      key: keys.node(this.name),
      mirror,
      kill: (id, signal) => killer.kill(id, signal),
      killProcesses: world.wiring.killProcesses((ids) => this.#killProcesses(ids)),
      tellIngress: async (told) => ingress?.tell(told),
      askIngress: async () => ingress?.told,
      onOpen: () => engine.wakeAll("Service"),
      clock,
      log,
    });
    const ports: Ports = {
      identity: { node: this.name, nodeId: this.nodeId, bootId: this.#bootId, bootedAtMs: this.bootedAtMs },
      mirror,
      store: ownWord,
      lease,
      fence,
      containers,
      probes,
      jobs: new FakeJobs({ clock, wake, signal: stop.signal }),
      addresses: this.addresses,
      volumes: this.volumes,
      secrets: new FakeSecrets(),
      proxy,
      system: new FakeSystem(this.#address, this.docker, () => this.#goes),
      events: new FakeEvents(),
      voters: () => world.voters,
      clock,
      random,
      log,
    };
    const engine = world.wiring.engine({ controllers: world.wiring.controllers(), mirror, ports });
    this.agent = { stop, store: client, mirror, engine, proxy, probes, lease, jobs: ports.jobs, events: ports.events };
    world.own(fence.run(stop.signal));
    world.own(mirror.run(stop.signal));
    world.own(engine.run(stop.signal));
    world.own(this.#followEvents(containers, engine, stop.signal));
  }

  async #followEvents(containers: Containers, engine: Engine, signal: AbortSignal): Promise<void> {
    try {
      for await (const { service } of containers.events(signal)) {
        if (service === undefined) engine.wakeAll("Service");
        else engine.wake("Service", service);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A watch that reconnects may deliver once more what it delivered before. */
  #doubling(store: Store): Store {
    const isDoubled = (): boolean => this.#random.chance(this.#world.doubledBatches);
    async function* doubled(batches: AsyncIterable<WatchBatch>): AsyncIterable<WatchBatch> {
      let before: WatchBatch["events"] = [];
      for await (const batch of batches) {
        yield batch;
        if (batch.events.length === 0) continue;
        if (isDoubled()) yield { revision: batch.revision, events: [...before, ...batch.events] };
        before = batch.events;
      }
    }
    return patched(store, (original) => ({
      watch: (prefix, fromRevision, signal) => doubled(original.watch(prefix, fromRevision, signal)),
    }));
  }

  #containers(): Containers {
    const containers = new FakeContainers(this.docker, () => this.#fault());
    const changes = new Set(["create", "start", "stop", "kill", "remove", "setRestartPolicy"]);
    return observe<Containers>(containers, {
      before: ({ method, args }) => changes.has(method) && this.#world.beforeDocker(this, method, args[0]),
      after: ({ method, args }, error) => changes.has(method) && this.#world.afterDocker(this, method, args[0], error),
    });
  }

  /** As the kernel does it, whatever becomes of the engine. */
  #killProcesses(ids: readonly string[]): number {
    const running = ids.flatMap((id) => this.docker.containers.get(id) ?? []).filter(({ state }) => state === "running");
    for (const container of running) {
      this.#world.processesEnded(this, container.spec);
      container.crash(KILLED);
    }
    return running.length;
  }

  #fault(): CallFault | undefined {
    const { slow, failBefore, failAfter } = this.dockerFaults;
    const delayMs = this.#random.chance(slow) ? this.#random.int(100, 20_000) : 0;
    if (this.#random.chance(failBefore)) return { delayMs, fails: "before" };
    if (this.#random.chance(failAfter)) return { delayMs, fails: "after" };
    return delayMs > 0 ? { delayMs } : undefined;
  }

  /** Containers of ours, by Service and instance, for the invariants. */
  labelled(
    service: Name,
  ): readonly { readonly id: string; readonly instance: string; readonly state: string; readonly serving: boolean }[] {
    return [...this.docker.containers.values()]
      .filter(({ spec }) => spec.labels[LABEL.name] === service)
      .map((container) => ({
        id: container.id,
        instance: container.spec.labels[LABEL.instance] ?? "",
        state: container.state,
        serving: container.serving,
      }));
  }
}
