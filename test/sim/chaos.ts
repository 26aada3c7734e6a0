// What befalls a simulated house: computers that die, sleep, say that they go, or are cut off from all, from the store or from some others,
// in one direction or in both; a store without quorum, Docker that restarts, images that are away, containers that crash. One at a time or
// two at once. Each fault ends by itself, and all of them when the time of faults is over.
import type { SeededRandom } from "../fakes/clock.ts";
import type { SimNode } from "./node.ts";
import { EXCLUSIVE } from "./workload.ts";
import type { World } from "./world.ts";

export class Chaos {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #ends = new Set<() => void>();
  #active = true;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  start(): void {
    const random = this.#random;
    this.#world.setStoreFaults({
      latencyMs: random.pick([0, 20, 500]),
      eventDelayMs: random.pick([0, 100, 3_000]),
      failBefore: random.pick([0, 0.02, 0.1]),
      failAfter: random.pick([0, 0.02, 0.1]),
      breakWatch: random.pick([0, 0.02, 0.1]),
    });
    this.#world.doubledBatches = random.pick([0, 0.1]);
    for (const node of this.#world.nodes.values()) {
      node.dockerFaults = { slow: random.pick([0, 0.05]), failBefore: random.pick([0, 0.02, 0.1]), failAfter: random.pick([0, 0.02, 0.1]) };
    }
    this.#nextFault();
  }

  /** Everything works from now on. */
  end(): void {
    this.#active = false;
    for (const end of this.#ends) end();
    this.#ends.clear();
    this.#world.setStoreFaults({});
    this.#world.doubledBatches = 0;
    for (const node of this.#world.nodes.values()) node.dockerFaults = { slow: 0, failBefore: 0, failAfter: 0 };
    this.#world.trace.add("chaos", "all faults end");
  }

  #nextFault(): void {
    this.#world.time.timer(this.#random.int(1_000, 25_000), () => {
      if (!this.#active) return;
      const node = this.#anyNode();
      this.#beginFault(node);
      // Two at the same moment, on one computer or on two.
      if (this.#random.chance(0.2)) this.#beginFault(this.#random.chance(0.5) ? node : this.#anyNode());
      this.#nextFault();
    });
  }

  #anyNode(): SimNode {
    return this.#random.pick(this.#random.chance(0.25) ? this.#exclusiveNodes() : [...this.#world.nodes.values()]);
  }

  #beginFault(node: SimNode): void {
    const random = this.#random;
    const faults: readonly (readonly [string, () => (() => void) | undefined])[] = [
      ["agent killed", () => this.#killAgent(node)],
      ["goes away", () => this.#goAway(node)],
      ["power lost", () => this.#losePower(node)],
      ["asleep", () => this.#sleep(node)],
      ["cut off", () => this.#cutOff(node)],
      ["cut off from the store", () => this.#cutOffStore(node)],
      ["hears some no more", () => this.#cutLinks(node)],
      ["docker stopped", () => this.#stopDocker(node)],
      ["docker hangs", () => this.#hangDocker(node)],
      ["container crashes", () => this.#crash(node)],
      ["image away", () => this.#hideImage()],
      ["disk full", () => this.#fillDisk(node)],
      ["date set", () => this.#setDate(node)],
      ["store compacted", () => this.#compact()],
      ["no quorum", () => this.#loseQuorum()],
    ];
    const [what, begin] = random.pick(faults);
    const end = begin();
    this.#world.trace.add("chaos", `${node.name}: ${what}`);
    if (end !== undefined) this.#endLater(`${node.name}: ${what}`, end);
  }

  /** Where something runs that must not run twice. */
  #exclusiveNodes(): readonly SimNode[] {
    const all = [...this.#world.nodes.values()];
    const found = all.filter((node) => EXCLUSIVE.some((name) => node.labelled(name).length > 0));
    return found.length > 0 ? found : all;
  }

  #endLater(what: string, end: () => void): void {
    const once = (): void => {
      if (!this.#ends.delete(once)) return;
      this.#world.trace.add("chaos", `${what} ends`);
      end();
    };
    this.#ends.add(once);
    this.#world.time.timer(this.#random.pick([500, 5_000, 20_000, 60_000, 150_000]), once);
  }

  #killAgent(node: SimNode): (() => void) | undefined {
    if (!node.alive) return undefined;
    node.killAgent();
    return () => {
      if (node.power !== "off" && node.agent === undefined) node.startAgent();
    };
  }

  #losePower(node: SimNode): (() => void) | undefined {
    if (node.power !== "on") return undefined;
    node.powerOff();
    return () => {
      if (node.power === "off") node.powerOn();
    };
  }

  /** It hands its apps over, is shut down or suspended, sooner than it is ready or later or never, and comes back. */
  #goAway(node: SimNode): (() => void) | undefined {
    if (!node.alive || node.goes !== undefined) return undefined;
    node.goes = "away";
    const isSuspended = this.#random.chance(0.4);
    this.#world.time.timer(this.#random.pick([500, 5_000, 30_000]), () => {
      if (!node.alive || node.goes === undefined) return;
      if (isSuspended) node.sleep();
      else node.powerOff();
    });
    return () => {
      if (node.power === "off") node.powerOn();
      if (node.power === "asleep") node.wake();
      node.goes = undefined;
    };
  }

  #sleep(node: SimNode): (() => void) | undefined {
    if (!node.alive) return undefined;
    node.sleep();
    return () => {
      if (node.power === "asleep") node.wake();
    };
  }

  #cutOff(node: SimNode): (() => void) | undefined {
    if (node.cutOff) return undefined;
    node.cutOff = true;
    return () => {
      // Cut off for long, it must list again.
      if (this.#random.chance(0.3)) this.#compact();
      node.cutOff = false;
    };
  }

  /** The others hear it, and it hears them. */
  #cutOffStore(node: SimNode): (() => void) | undefined {
    if (node.storeCutOff) return undefined;
    node.storeCutOff = true;
    return () => {
      node.storeCutOff = false;
    };
  }

  /** One way or both, of one other or of all; all of them reach the store. Of two one would always be thought dead. */
  #cutLinks({ name }: SimNode): (() => void) | undefined {
    const { network, nodes } = this.#world;
    const others = [...nodes.keys()].filter((other) => other !== name);
    if (others.length < 2) return undefined;
    const cutFrom = this.#random.chance(0.3) ? others : [this.#random.pick(others)];
    const way = this.#random.pick(["deaf", "mute", "both"]);
    const mends = cutFrom.flatMap((other) => [
      ...(way === "mute" ? [] : [network.cut(other, name)]),
      ...(way === "deaf" ? [] : [network.cut(name, other)]),
    ]);
    return () => {
      for (const mend of mends) mend();
    };
  }

  #stopDocker(node: SimNode): (() => void) | undefined {
    if (node.power !== "on" || !node.docker.daemonUp) return undefined;
    node.docker.stopDaemon();
    return () => {
      if (node.power !== "off" && !node.docker.daemonUp) node.docker.startDaemon();
    };
  }

  #hangDocker(node: SimNode): (() => void) | undefined {
    if (node.power !== "on" || !node.docker.daemonUp || node.docker.hangs) return undefined;
    node.docker.hang();
    return () => node.docker.goOn();
  }

  #crash(node: SimNode): undefined {
    const containers = [...node.docker.containers.values()];
    if (containers.length > 0) this.#random.pick(containers).crash(this.#random.pick([1, 137]), this.#random.chance(0.2));
  }

  #hideImage(): (() => void) | undefined {
    const [reference, image] = this.#random.pick([...this.#world.registry]);
    if (image.refused !== undefined) return undefined;
    this.#world.registry.set(reference, { ...image, refused: this.#random.pick(["imageNotFound", "registryUnreachable", "rateLimited"]) });
    return () => this.#world.registry.set(reference, image);
  }

  #setDate({ clock }: SimNode): undefined {
    clock.setWallSkew(this.#random.int(-3_600_000, 3_600_000));
  }

  #fillDisk(node: SimNode): () => void {
    node.docker.diskFull = true;
    return () => {
      node.docker.diskFull = false;
    };
  }

  #compact(): undefined {
    const { etcd } = this.#world;
    if (etcd.revision > etcd.compactRevision) etcd.compact();
  }

  #loseQuorum(): (() => void) | undefined {
    const { etcd } = this.#world;
    if (!etcd.running) return undefined;
    etcd.stop();
    return () => etcd.start();
  }
}
