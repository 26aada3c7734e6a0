// What befalls computers that become one house: they crash, freeze, are cut off, lose their disks, change their addresses, do not start.
import { quorumOf } from "../../../src/joining/house-view.ts";
import { removalProblem } from "../../../src/joining/voters.ts";
import type { SeededRandom } from "../../fakes/clock.ts";
import type { Host } from "./host.ts";
import { recordsOf } from "./store.ts";
import { viewOf } from "./view.ts";
import type { World } from "./world.ts";

export class Chaos {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #ends = new Set<() => void>();
  /** Addresses that nobody has any more, and who has had one of those last. */
  readonly #left: string[] = [];
  #heir: Host | undefined;
  #active = true;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  start(): void {
    const random = this.#random;
    const { network } = this.#world;
    network.loss = random.pick([0, 0.05, 0.2]);
    network.doubled = random.pick([0, 0.05, 0.2]);
    network.delayMaxMs = random.pick([20, 500, 2_000]);
    this.#world.lostAnswers = random.pick([0, 0, 0.1]);
    this.#world.crashAfterChange = random.pick([0, 0, 0.1]);
    this.#world.freezeBeforeChange = random.pick([0, 0, 0.1]);
    this.#next();
  }

  /** Everything works from now on. */
  end(): void {
    this.#active = false;
    for (const end of this.#ends) end();
    this.#ends.clear();
    const world = this.#world;
    Object.assign(world.network, { loss: 0, doubled: 0, delayMaxMs: 20 });
    Object.assign(world, { lostAnswers: 0, crashAfterChange: 0, freezeBeforeChange: 0 });
    world.network.mendAll();
    for (const host of world.hosts) {
      world.mendStore(host);
      host.frozenUntilMs = 0;
      world.start(host);
    }
    world.say(undefined, "all faults end");
  }

  #next(): void {
    this.#world.time.after(this.#random.int(500, 15_000), () => {
      if (!this.#active) return;
      this.#begin();
      this.#next();
    });
  }

  #begin(): void {
    const host = this.#random.pick(this.#world.hosts);
    const faults = [
      () => this.#crash(host),
      () => this.#crash(host),
      () => this.#crashLeader(),
      () => this.#freeze(host),
      () => this.#cut(host),
      () => this.#isolate(host),
      () => this.#wipe(host),
      () => this.#move(host),
      () => this.#break(host),
      () => this.#remove(host),
      () => this.#takeOver(host),
    ];
    this.#random.pick(faults)();
  }

  #crash(host: Host): void {
    if (host.agent === undefined) return;
    this.#world.crash(host);
    this.#later(() => this.#world.start(host));
  }

  #crashLeader(): void {
    for (const cluster of this.#world.clusters.values()) {
      const leader = cluster.leaderHost();
      const host = leader === undefined ? undefined : this.#world.hosts[leader];
      if (host !== undefined) this.#crash(host);
    }
  }

  #freeze(host: Host): void {
    if (host.agent !== undefined) this.#world.freeze(host, this.#random.int(500, 20_000));
  }

  #cut(host: Host): void {
    const other = this.#random.pick(this.#world.hosts);
    if (other === host) return;
    this.#world.say(host, `cut from ${other.name}`);
    this.#world.network.cut(host.index, other.index);
    this.#later(() => this.#world.network.mend(host.index, other.index));
  }

  #isolate(host: Host): void {
    this.#world.say(host, "cut off");
    for (const other of this.#world.hosts) this.#world.network.cut(host.index, other.index);
    this.#later(() => {
      for (const other of this.#world.hosts) this.#world.network.mend(host.index, other.index);
    });
  }

  /** A change that is on its way to etcd relies on who was there a moment ago. */
  #isChanging(): boolean {
    return this.#world.hosts.some(({ agent }) => agent?.busy === true);
  }

  /** Only where the house keeps a majority of its disks: what is lost beyond that no protocol brings back. */
  #wipe(host: Host): void {
    if (this.#isChanging()) return;
    const cluster = host.disk.data && this.#world.clusters.get(host.disk.data.clusterId);
    const { data } = host.disk;
    if (cluster !== undefined && data !== undefined) {
      const others = cluster.voters.filter(
        ({ id, peerUrl }) =>
          id !== data.memberId && this.#world.hosts.some((each) => each.disk.data?.memberId === id && each.peerUrl === peerUrl),
      );
      if (cluster.member(data.memberId)?.learner === false && others.length < quorumOf(cluster.voters.length)) return;
    }
    this.#world.crash(host);
    host.wipe();
    this.#world.say(host, `its disk is lost; it is ${host.disk.nodeId.slice(0, 4)} now`);
    this.#later(() => this.#world.start(host));
  }

  /** A majority cannot find itself again when all of it moves at once, as on a new router; where one of it stays, the others find it. */
  #move(host: Host): void {
    const { data } = host.disk;
    const cluster = data && this.#world.clusters.get(data.clusterId);
    if (cluster === undefined || data === undefined || host.agent === undefined || this.#isChanging()) return;
    const others = cluster.voters.filter((member) => member.id !== data.memberId && this.#world.hostOf(cluster, member) !== undefined);
    // Each that moved reaches those that did not.
    if (others.length + 1 < quorumOf(cluster.voters.length)) return;
    const before = host.address;
    host.moveTo(this.#inherited(host));
    this.#left.push(before);
    this.#world.say(host, `has another address: ${host.address}`);
  }

  /** One at a time: of two on a LAN that took each other's no store could have its own. */
  #inherited(host: Host): string | undefined {
    if (this.#left.length === 0 || (this.#heir !== undefined && this.#heir !== host) || !this.#random.chance(0.3)) return undefined;
    this.#heir = host;
    return this.#left.shift();
  }

  #break(host: Host): void {
    const world = this.#world;
    host.broken = true;
    world.say(host, "its etcd does not start");
    world.endStore(host);
    this.#later(() => world.mendStore(host));
  }

  /** Rarely, and only where the house that remains can go on. */
  #remove(host: Host): void {
    const cluster = this.#world.clusterOf(host);
    if (cluster === undefined || !this.#random.chance(0.1) || recordsOf(cluster).roster.size < 3 || this.#isChanging()) return;
    const leader = cluster.leaderHost();
    const asked = leader === undefined ? undefined : this.#world.hosts[leader];
    const view = asked && cluster.serves(asked.index) ? viewOf(this.#world, asked, cluster) : undefined;
    if (view === undefined || !view.roster.has(host.disk.nodeId) || removalProblem(view, host.disk.nodeId) !== undefined) return;
    this.#world.remove(host, cluster);
  }

  /** A person at the standby of a house whose only voter does not answer there. */
  #takeOver(host: Host): void {
    const cluster = this.#world.clusterOf(host);
    const own = host.etcd && cluster?.member(host.etcd.memberId);
    if (cluster === undefined || own?.learner !== true || cluster.voters.length > 1) return;
    if (!recordsOf(cluster).roster.has(host.disk.nodeId)) return;
    const voter = cluster.voters.map((member) => this.#world.hostOf(cluster, member))[0];
    if (voter === undefined || !this.#world.linked(host.index, voter)) this.#world.takeOver(host);
  }

  #later(end: () => void): void {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#world.time.after(this.#random.pick([500, 3_000, 12_000, 35_000, 80_000]), once);
  }
}
