// A simulated house: one virtual time, one store, some computers, and everybody who looks on. One seed makes one run, bit by bit.
import { keys, ROOT } from "../../src/api/keys.ts";
import type { Kind, Name, NodeName, Specs } from "../../src/api/resource.ts";
import type { ContainerSpec } from "../../src/container-ports.ts";
import type { Log, StoreEvent } from "../../src/ports.ts";
import { SeededRandom, VirtualClock } from "../fakes/clock.ts";
import type { FakeImage } from "../fakes/containers-engine.ts";
import type { Behaviour } from "../fakes/containers-life.ts";
import { apply, foundHouse, remove } from "../fakes/objects.ts";
import { FakeEtcd } from "../fakes/store.ts";
import type { StoreFaults } from "../fakes/store-client.ts";
import { Hearing } from "./hearing.ts";
import { Network } from "./network.ts";
import { SimNode } from "./node.ts";
import { Trace } from "./trace.ts";
import type { Wiring } from "./wiring.ts";

/** Hears what happens, at the moment when it does. */
export interface Witness {
  storeChanged(events: readonly StoreEvent[]): void;
  beforeDocker(node: SimNode, method: string, subject: unknown): void;
  afterDocker(node: SimNode, method: string, subject: unknown): void;
  /** By the kernel, because its node had no contact to the house. */
  processesEnded(node: SimNode, container: ContainerSpec): void;
  /** About once a second. */
  timePassed(): void;
}

/** Something that must not be so; the seed leads back to it. */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
}

const STEPS_IN_NO_TIME_MAX = 10_000;
const TICK_MS = 1_000;
const CALM: StoreFaults = { latencyMs: 0, failBefore: 0, failAfter: 0, eventDelayMs: 0, breakWatch: 0 };

/** The app that the house, as a resolver, asks. */
export const FILTER = "mqtt";

export class World {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly time = new VirtualClock();
  readonly trace = new Trace(this.time);
  readonly etcd = new FakeEtcd(this.time);
  readonly registry = new Map<string, FakeImage>();
  readonly nodes = new Map<NodeName, SimNode>();
  readonly network = new Network();
  readonly hearing = new Hearing({ hears: (to, from) => this.hears(to, from), voters: () => this.voterIds });
  readonly wiring: Wiring;
  storeFaults: StoreFaults = CALM;
  /** Chance that a batch of a watch is delivered twice. */
  doubledBatches = 0;
  /** Mutations of Docker and of the store: equal counts mean that nothing happened. */
  changes = 0;
  steps = 0;
  #witness: Witness | undefined;
  #failure: string | undefined;
  #revision = 0;
  #nextTickMs = 0;

  constructor(seed: number, wiring: Wiring) {
    this.seed = seed;
    this.wiring = wiring;
    this.random = new SeededRandom(seed);
    foundHouse(this.etcd);
    // One of its apps is the filter that the LAN asks, wherever it is and as often as it moves.
    const resolver = { serve: ["lan" as const], upstream: [`service/${FILTER}`, "9.9.9.9"] };
    apply(this.etcd, "House", "house", { zone: "home.internal", joining: "auto", resolver });
    this.#revision = this.etcd.revision;
    this.etcd.onChange(() => this.#storeChanged());
  }

  watchedBy(witness: Witness): void {
    this.#witness = witness;
  }

  /** As the house would have them of its computers. */
  get voters(): number {
    return this.nodes.size < 3 ? 1 : this.nodes.size < 5 ? 3 : 5;
  }

  /** Of few, whoever reaches the store reaches the only one that votes. */
  get voterIds(): readonly string[] {
    return this.voters === 1 ? [] : [...this.nodes.values()].slice(0, this.voters).map(({ nodeId }) => nodeId);
  }

  /** A message from the one arrives at the other. */
  hears(to: SimNode, from: SimNode): boolean {
    const areOn = to.power === "on" && from.power === "on" && !to.cutOff && !from.cutOff;
    return to !== from && areOn && this.network.hears(to.name, from.name);
  }

  // ---------------------------------------------------------------- people and power

  addNode(name: NodeName): SimNode {
    const node = new SimNode(this, name, this.nodes.size);
    this.nodes.set(name, node);
    this.apply("Membership", name, { role: "auto", schedulable: true });
    node.powerOn();
    return node;
  }

  apply<K extends Kind>(kind: K, name: Name, spec: Specs[K]): void {
    apply(this.etcd, kind, name, spec);
  }

  delete(kind: Kind, name: Name): void {
    remove(this.etcd, keys.desired(kind, name));
  }

  /** From now on, for the agents that run and for those to come. */
  setStoreFaults(faults: Partial<StoreFaults>): void {
    this.storeFaults = { ...CALM, ...faults };
    for (const { agent } of this.nodes.values()) if (agent) Object.assign(agent.store.faults, this.storeFaults);
  }

  /** How the program of an image behaves is in its tag. */
  readonly behave = (spec: ContainerSpec): Behaviour => {
    if (spec.image.endsWith(":crashing")) return { servesAfterMs: Infinity, exitAfterMs: 300, exitCode: 1 };
    if (spec.image.endsWith(":deaf")) return { servesAfterMs: Infinity };
    if (spec.image.endsWith(":slow")) return { servesAfterMs: 4_000, stopMs: 3_000 };
    return { servesAfterMs: 200, stopMs: 100 };
  };

  // ---------------------------------------------------------------- time

  /** Lets time pass step by step; throws at the first thing that must not be. */
  async run(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** False: the time was over before. */
  async until(condition: () => boolean, ms: number): Promise<boolean> {
    const endMs = this.time.now() + ms;
    await this.time.settle();
    for (let stepsNow = 0, nowMs = this.time.now(); ;) {
      if (this.#failure !== undefined) throw new SimulationFailure(this.#failure);
      if (condition()) return true;
      const next = this.time.nextAtMs();
      if (next === undefined || next > endMs) break;
      await this.time.step();
      this.steps += 1;
      stepsNow = this.time.now() === nowMs ? stepsNow + 1 : 0;
      nowMs = this.time.now();
      this.#tick(nowMs);
      if (stepsNow > STEPS_IN_NO_TIME_MAX) this.fail(`${stepsNow} steps without any time passing`);
    }
    await this.time.advance(endMs - this.time.now());
    return false;
  }

  #tick(nowMs: number): void {
    if (nowMs < this.#nextTickMs) return;
    this.#nextTickMs = nowMs + TICK_MS;
    this.#witness?.timePassed();
  }

  fail(what: string): void {
    this.#failure ??= what;
    this.trace.add("", `FAILED: ${what}`);
  }

  /** Takes charge of something that runs by itself: it must not fail. */
  own(running: Promise<unknown>): void {
    running.catch((error: unknown) =>
      this.fail(`a background task failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    );
  }

  // ---------------------------------------------------------------- what is heard

  beforeDocker(node: SimNode, method: string, subject: unknown): void {
    this.#witness?.beforeDocker(node, method, subject);
  }

  afterDocker(node: SimNode, method: string, subject: unknown, error: unknown): void {
    const what =
      typeof subject === "string"
        ? (node.docker.containers.get(subject)?.spec.name ?? subject.slice(0, 8))
        : (subject as ContainerSpec).name;
    this.trace.add(node.name, `docker ${method} ${what}${error === undefined ? "" : ` failed: ${(error as Error).message}`}`);
    this.changes += 1;
    this.#witness?.afterDocker(node, method, subject);
  }

  processesEnded(node: SimNode, container: ContainerSpec): void {
    this.trace.add(node.name, `${container.name} was killed`);
    this.#witness?.processesEnded(node, container);
  }

  heardLog(node: NodeName, level: keyof Log, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (level === "debug") return;
    const text = Object.entries(fields).map(([field, value]) => `${field}=${value instanceof Error ? value.message : String(value)}`);
    this.trace.add(node, `${message} ${text.join(" ")}`);
  }

  #storeChanged(): void {
    if (this.etcd.revision === this.#revision) return;
    const events = this.etcd.since(ROOT, this.#revision + 1);
    this.#revision = this.etcd.revision;
    for (const event of events) {
      this.trace.add("store", event.type === "put" ? `put ${event.entry.key} ${event.entry.value}` : `delete ${event.key}`);
    }
    this.changes += 1;
    this.#witness?.storeChanged(events);
  }
}
