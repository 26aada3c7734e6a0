// What must hold at every moment of a simulation, whatever befalls the house. Looks at the store and at Docker themselves, never at what
// a node believes; where a node may not know better yet, it has a grace.
import { LABEL } from "../../src/api/labels.ts";
import { parseKey } from "../../src/api/keys.ts";
import type { Name, NodeName, StoredResource } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedMembership, DecidedService, NodeRecord, ObservedService } from "../../src/api/state.ts";
import type { ContainerSpec } from "../../src/container-ports.ts";
import type { StoreEvent } from "../../src/ports.ts";
import { isLastWord } from "../../controllers/service/last-word.ts";
import { isExclusive } from "../../controllers/service/traits.ts";
import type { SimNode } from "./node.ts";
import { OnceWatch } from "./once.ts";
import { OrderWatch } from "./order.ts";
import { withoutReason } from "./reasons.ts";
import type { Witness, World } from "./world.ts";

/**
 * How long a node may act on what is no longer so: a mirror is stale after 12 s, an event may come 13 s late, a call under way may take
 * 20 s.
 */
const GRACE_MS = 45_000;

interface InstanceHistory {
  readonly node: NodeName;
  readonly sinceMs: number;
  /** Undefined: it is decided now. */
  untilMs: number | undefined;
}

interface ServiceHistory {
  /** Newest last; undefined: deleted. */
  readonly desired: { readonly atMs: number; readonly spec: StoredResource<"Service">["spec"] | undefined }[];
  readonly instances: Map<string, InstanceHistory>;
  decided: DecidedService | undefined;
  /** By instance: whether its node last reported it as ready, and since when; whether by a word of its engine of then, and until when. */
  readonly ready: Map<string, { readonly isReady: boolean; readonly sinceMs: number; readonly isHeard: boolean; readonly untilMs: number }>;
}

export class Invariants implements Witness {
  readonly #world: World;
  readonly #services = new Map<Name, ServiceHistory>();
  readonly #downSinceMs = new Map<NodeName, number>();
  readonly #hearsSinceMs = new Map<NodeName, number>();
  readonly #upSinceMs = new Map<NodeName, number>();
  readonly #cordonedSinceMs = new Map<NodeName, number>();
  readonly #goesSinceMs = new Map<NodeName, number>();
  /** Until when it was to be left, for whatever reason; `Infinity`: it still is. */
  readonly #leftUntilMs = new Map<NodeName, number>();
  readonly #order: OrderWatch;
  readonly #once: OnceWatch;

  constructor(world: World) {
    this.#world = world;
    this.#order = new OrderWatch(world, GRACE_MS);
    this.#once = new OnceWatch(world);
  }

  storeChanged(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const storeKey = event.type === "put" ? event.entry.key : event.key;
      const value: unknown = event.type === "put" ? JSON.parse(event.entry.value) : undefined;
      const key = parseKey(storeKey);
      if (key.room === "node") this.#goes(key.node, value as NodeRecord | undefined);
      if (key.room === "other" || key.room === "node") continue;
      if (key.room === "desired" && key.kind === "Service") this.#desired(key.name, value as StoredResource<"Service"> | undefined);
      if (key.room === "desired" && key.kind === "Membership") this.#cordoned(key.name, value as StoredResource<"Membership"> | undefined);
      if (key.room === "decided" && key.kind === "Membership") this.#setDown(key.name, value as DecidedMembership | undefined);
      if (key.room === "decided" && key.kind === "Service") this.#decided(key.name, value as DecidedService | undefined);
      if (key.room === "observed" && key.kind === "Service") this.#observed(key.name, key.node, value as ObservedService | undefined);
    }
  }

  beforeDocker(node: SimNode, method: string, subject: unknown): void {
    if (method === "create") this.#brings(node, subject as ContainerSpec);
    const made = method === "start" ? node.docker.containers.get(subject as string) : undefined;
    if (made) this.#brings(node, made.spec);
    if (made) this.#starts(node, made.spec);
    if (made) this.#once.starts(made.id);
    if (method === "stop" || method === "kill" || method === "remove") this.#takesAway(node, method, subject as string);
  }

  afterDocker(node: SimNode, method: string, subject: unknown): void {
    if (method === "start") this.#once.started(subject as string);
    if (node.docker.violations.length > 0)
      this.#fail(`${node.name} touched a container that is not ours: ${node.docker.violations.join(", ")}`);
    const running = new Set<string>();
    for (const { spec, state } of node.docker.containers.values()) {
      if (state !== "running") continue;
      const who = [LABEL.name, LABEL.instance, LABEL.container].map((label) => spec.labels[label]).join("/");
      if (running.has(who)) this.#fail(`${who} runs twice on ${node.name}`);
      running.add(who);
    }
    this.#runsOnce();
  }

  processesEnded(node: SimNode, container: ContainerSpec): void {
    const problem = this.#once.isEnded(container);
    if (problem !== undefined) this.#fail(`${node.name}: ${problem}`);
  }

  #runsOnce(): void {
    const problem = this.#once.runsTwice();
    if (problem !== undefined) this.#fail(problem);
  }

  /** No name leads to a node that is known to be dead. */
  timePassed(): void {
    this.#runsOnce();
    this.#order.timePassed();
    for (const { name, agent } of this.#world.nodes.values()) {
      if (agent === undefined || !this.#isInformed(name)) continue;
      for (const row of [...agent.proxy.routes.values()].flatMap(({ http }) => http)) {
        const dead = row.backends.find(
          ({ node, instance }) => instance !== "" && this.#now - (this.#downSinceMs.get(node) ?? Infinity) > GRACE_MS,
        );
        if (dead) this.#fail(`${name} still leads ${row.host} to ${dead.node}, which has been Down`);
      }
    }
  }

  /** It has been able to hear of everything for a while. */
  #isInformed(name: NodeName): boolean {
    const node = this.#world.nodes.get(name);
    const hears = node?.alive === true && node.reachesStore && this.#world.etcd.running;
    if (!hears) this.#hearsSinceMs.delete(name);
    else if (!this.#hearsSinceMs.has(name)) this.#hearsSinceMs.set(name, this.#now);
    return this.#now - (this.#hearsSinceMs.get(name) ?? this.#now) > GRACE_MS;
  }

  // ---------------------------------------------------------------- what is decided

  #desired(name: Name, stored: StoredResource<"Service"> | undefined): void {
    this.#history(name).desired.push({ atMs: this.#now, spec: stored?.spec });
    this.#order.desired(name, stored?.spec);
    this.#once.desired(name, stored?.spec);
  }

  #decided(name: Name, decided: DecidedService | undefined): void {
    const history = this.#history(name);
    const before = history.decided;
    history.decided = decided;
    this.#order.decided(name, decided);
    this.#once.decided(name, decided);
    const instances = decided?.instances ?? [];
    const known = new Map(before?.instances.map((instance) => [instance.id, instance]));
    const added = instances.filter(({ id }) => !known.has(id));
    const kept = new Set(instances.map(({ id }) => id));
    const removed = (before?.instances ?? []).filter(({ id }) => !kept.has(id));
    for (const instance of added) this.#placed(name, history, instance);
    for (const { id } of removed) Object.assign(history.instances.get(id) ?? {}, { untilMs: this.#now });
    for (const { id, node } of instances) {
      if (history.instances.get(id)?.node !== node)
        this.#fail(`instance ${name}-${id} moved to ${node}: an instance stays where it was placed`);
    }
    if (added.length > 0) this.#countPlaced(name, history, instances);
    if (removed.length > 0) this.#leavesOneServing(name, history, instances, removed);
    if (decided !== undefined) this.#hasReason(name, before, decided);
  }

  #hasReason(name: Name, before: DecidedService | undefined, decided: DecidedService): void {
    const problem = withoutReason({
      name,
      before,
      decided,
      specs: [...this.#recentSpecs(this.#history(name)), decided.revisions[decided.target]?.spec],
      nodes: this.#world.nodes.size,
      isExcused: (node) => this.#wasDownLately(node) || this.#isLeft(node),
    });
    if (problem !== undefined) this.#fail(problem);
  }

  #placed(name: Name, history: ServiceHistory, { id, node }: DecidedInstance): void {
    if (history.instances.has(id)) this.#fail(`instance id ${name}-${id} was given twice`);
    history.instances.set(id, { node, sinceMs: this.#now, untilMs: undefined });
    if (this.#now - (this.#downSinceMs.get(node) ?? Infinity) > GRACE_MS)
      this.#fail(`${name}-${id} was placed on ${node}, which has been Down`);
    if (this.#now - (this.#cordonedSinceMs.get(node) ?? Infinity) > GRACE_MS)
      this.#fail(`${name}-${id} was placed on ${node}, which has been cordoned`);
    // It may have taken that back while the store did not hear it.
    if (this.#world.nodes.get(node)?.goes !== undefined && this.#now - (this.#goesSinceMs.get(node) ?? Infinity) > GRACE_MS)
      this.#fail(`${name}-${id} was placed on ${node}, which has said that it goes`);
    if (this.#recentSpecs(history).every((spec) => spec === undefined)) this.#fail(`${name}-${id} was placed although ${name} is deleted`);
  }

  /** Never more than replicas + surge. */
  #countPlaced(name: Name, history: ServiceHistory, instances: readonly DecidedInstance[]): void {
    // An update that was rolled back brings its older surge, too.
    const target = history.decided?.revisions[history.decided.target]?.spec;
    const limits = [...this.#recentSpecs(history), target].map((spec) => {
      if (spec === undefined) return 0;
      const replicas = spec.replicas === "all" ? this.#world.nodes.size : spec.replicas;
      return replicas + (spec.update.order === "stop-first" ? 0 : spec.update.parallel);
    });
    const limit = Math.max(...limits);
    if (instances.length > limit) this.#fail(`${name} has ${instances.length} instances, and ${limit} are the most it may have`);
  }

  /** Under start-first the last that serves stays until another one does. */
  #leavesOneServing(name: Name, history: ServiceHistory, instances: readonly DecidedInstance[], removed: readonly DecidedInstance[]): void {
    // A roll-back goes by the order of what it returns to, which may be unable to run twice.
    const target = history.decided?.revisions[history.decided.target]?.spec;
    const specs = [...this.#recentSpecs(history), target];
    if (specs.some((spec) => spec === undefined || spec.replicas === 0 || spec.update.order !== "start-first")) return;
    const lost = removed.filter((instance) => {
      const told = history.ready.get(instance.id);
      // What not everybody was told of cannot be spared.
      const isKnown = told?.isReady === true && this.#now - told.sinceMs > GRACE_MS && !this.#wasDownLately(instance.node);
      return isKnown && this.#isServing(name, instance);
    });
    if (lost.length > 0 && !instances.some((instance) => this.#isServing(name, instance) || this.#isThoughtReady(history, instance))) {
      this.#fail(
        `${name} lost its last serving instance ${lost.map(({ id, node }) => `${id} on ${node}`).join(", ")} although its order is start-first`,
      );
    }
  }

  // ---------------------------------------------------------------- what is carried out

  /** Nodes run what is decided for them, and nothing else. */
  #brings(node: SimNode, spec: ContainerSpec): void {
    const name = spec.labels[LABEL.name] ?? "";
    const instance = spec.labels[LABEL.instance] ?? "";
    const decided = this.#history(name).instances.get(instance);
    if (decided?.node !== node.name) this.#fail(`${node.name} would run ${name}-${instance}, which was never placed there`);
    // What was last decided for it holds while it hears of nothing else, unless two at once would do harm.
    else if (this.#hearsNothing(node) && (!this.#isExclusive(name) || this.#once.wasOnEach(name, instance))) return;
    // What it had begun before it slept goes on when it wakes.
    else if (this.#now - Math.max(decided.untilMs ?? Infinity, node.wokeAtMs) > GRACE_MS)
      this.#fail(`${node.name} would run ${name}-${instance}, which has long been taken away`);
  }

  /** Those come first that others come after. */
  #starts(node: SimNode, spec: ContainerSpec): void {
    const name = spec.labels[LABEL.name] ?? "";
    const instance = spec.labels[LABEL.instance] ?? "";
    const history = this.#history(name);
    const revision = history.decided?.instances.find(({ id }) => id === instance)?.revision ?? "";
    const specs = [...this.#recentSpecs(history), history.decided?.revisions[revision]?.spec];
    const placedMs = history.instances.get(instance)?.sinceMs ?? this.#now;
    const wrong = this.#order.starts(node, { name, instance, placedMs, specs });
    if (wrong !== undefined && !this.#hearsNothing(node) && this.#now - node.wokeAtMs > GRACE_MS) this.#fail(wrong);
  }

  /** No delete is made up: what serves and is decided here stays. */
  #takesAway(node: SimNode, method: string, id: string): void {
    const container = node.docker.containers.get(id);
    if (container?.serving !== true) return;
    const name = container.spec.labels[LABEL.name] ?? "";
    const instance = container.spec.labels[LABEL.instance] ?? "";
    const decided = this.#history(name).instances.get(instance);
    if (decided === undefined || decided.node !== node.name || decided.untilMs !== undefined) return;
    if (this.#now - decided.sinceMs > GRACE_MS)
      this.#fail(`${node.name} would ${method} ${container.spec.name}, which serves and is decided for it`);
  }

  #observed(name: Name, node: NodeName, observed: ObservedService | undefined): void {
    this.#order.observed(name, node, observed);
    const history = this.#history(name);
    for (const instance of observed?.instances ?? []) {
      const { id, ready } = instance;
      const before = history.ready.get(id);
      const isHeard = ready && !isLastWord(instance);
      const untilMs = isHeard || before?.isHeard === true ? this.#now : (before?.untilMs ?? -Infinity);
      const sinceMs = before?.isReady === true ? before.sinceMs : this.#now;
      history.ready.set(id, { isReady: ready, sinceMs, isHeard, untilMs });
    }
  }

  /** By a node that may not have heard the latest. What an engine said before it fell silent is nothing to count on. */
  #isThoughtReady({ ready }: ServiceHistory, { id, node }: DecidedInstance): boolean {
    const told = ready.get(id);
    const downForMs = this.#now - (this.#downSinceMs.get(node) ?? this.#now);
    return told !== undefined && (told.isHeard ? downForMs <= GRACE_MS : this.#now - told.untilMs <= GRACE_MS);
  }

  #wasDownLately(node: NodeName): boolean {
    return this.#downSinceMs.has(node) || this.#now - (this.#upSinceMs.get(node) ?? -Infinity) <= GRACE_MS;
  }

  #isServing(name: Name, { id, node }: DecidedInstance): boolean {
    const simNode = this.#world.nodes.get(node);
    const containers = simNode?.power === "on" && !simNode.cutOff ? simNode.labelled(name).filter(({ instance }) => instance === id) : [];
    return containers.length > 0 && containers.every(({ serving }) => serving);
  }

  #setDown(node: NodeName, decided: DecidedMembership | undefined): void {
    const isDown = decided?.state === "Down";
    if (isDown === this.#downSinceMs.has(node)) return;
    const by = decided?.by;
    const whyAlive = isDown && by !== undefined ? this.#world.hearing.whyAlive(node, by, this.#now) : undefined;
    if (whyAlive !== undefined) this.#fail(`${by} condemned ${node}, although ${whyAlive}`);
    if (isDown) this.#downSinceMs.set(node, this.#now);
    else this.#downSinceMs.delete(node);
    if (isDown) return;
    this.#upSinceMs.set(node, this.#now);
    this.#hasStoppedOthers(node);
  }

  /** It comes back only without what others may have taken over. */
  #hasStoppedOthers(node: NodeName): void {
    for (const { spec, state } of this.#world.nodes.get(node)?.docker.containers.values() ?? []) {
      const [name = "", instance = ""] = [spec.labels[LABEL.name], spec.labels[LABEL.instance]];
      const untilMs = this.#history(name).instances.get(instance)?.untilMs ?? Infinity;
      if (state === "running" && this.#now - untilMs > GRACE_MS)
        this.#fail(`${node} is back and still runs ${spec.name}, which has long been taken away`);
    }
  }

  #cordoned(node: NodeName, stored: StoredResource<"Membership"> | undefined): void {
    this.#left(node, stored?.spec.drain === true, this.#leftUntilMs.get(node) === Infinity);
    if (stored?.spec.schedulable !== false && stored?.spec.drain !== true) this.#cordonedSinceMs.delete(node);
    else if (!this.#cordonedSinceMs.has(node)) this.#cordonedSinceMs.set(node, this.#now);
  }

  #left(node: NodeName, isLeft: boolean, wasLeft: boolean): void {
    if (isLeft) this.#leftUntilMs.set(node, Infinity);
    else if (wasLeft) this.#leftUntilMs.set(node, this.#now);
  }

  /** Or was a moment ago; it knows before the store that it goes. */
  #isLeft(node: NodeName): boolean {
    return this.#world.nodes.get(node)?.goes !== undefined || this.#now - (this.#leftUntilMs.get(node) ?? -Infinity) <= GRACE_MS;
  }

  #goes(node: NodeName, record: NodeRecord | undefined): void {
    this.#left(node, record?.goes !== undefined, this.#goesSinceMs.has(node));
    if (record?.goes === undefined) this.#goesSinceMs.delete(node);
    else if (!this.#goesSinceMs.has(node)) this.#goesSinceMs.set(node, this.#now);
  }

  /** What was desired lately: a node may still decide by the older ones. */
  #recentSpecs({ desired }: ServiceHistory): readonly (StoredResource<"Service">["spec"] | undefined)[] {
    const firstRecent = desired.findIndex(({ atMs }) => this.#now - atMs <= GRACE_MS);
    const recent = firstRecent === -1 ? desired.slice(-1) : desired.slice(Math.max(0, firstRecent - 1));
    return recent.length === 0 ? [undefined] : recent.map(({ spec }) => spec);
  }

  /** Or has heard for a moment only. */
  #hearsNothing(node: SimNode): boolean {
    return !node.reachesStore || !this.#world.etcd.running || !this.#isInformed(node.name);
  }

  #isExclusive(name: Name): boolean {
    const last = this.#history(name).desired.findLast(({ spec }) => spec !== undefined)?.spec;
    // Of few voters none may decide for the others: there nothing of it starts elsewhere meanwhile.
    return last !== undefined && isExclusive(last) && this.#world.voters > 1;
  }

  #history(name: Name): ServiceHistory {
    const history = this.#services.get(name) ?? { desired: [], instances: new Map(), decided: undefined, ready: new Map() };
    this.#services.set(name, history);
    return history;
  }

  get #now(): number {
    return this.#world.time.now();
  }

  #fail(what: string): void {
    this.#world.fail(what);
  }
}
