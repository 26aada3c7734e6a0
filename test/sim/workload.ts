// What people do with a simulated house: they apply, change and delete Services, Routes and DnsRecords, cordon and drain nodes,
// even out the load.
import type { Name, NodeName, Specs } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { SeededRandom } from "../fakes/clock.ts";
import { containerSpec, serviceSpec } from "../fakes/objects.ts";
import { evenOut } from "./even-out.ts";
import type { World } from "./world.ts";

const SERVICES: readonly Name[] = ["web", "films", "notes", "mqtt"];
/** They write to one share, wherever they run: two at once would do harm, unless each computer is to have its own. */
export const EXCLUSIVE: readonly Name[] = ["ledger", "archive"];
const ROUTES: readonly Name[] = ["router", "alias"];
const RECORDS: readonly Name[] = ["printer", "camera"];
/** Beside those that have names; most houses are small, and large ones take their time. */
const MORE_SERVICES = [4, 12, 34] as const;
const LARGE = 0.03;
const SHARE = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
/** By image: tags that work, in different ways. */
const GOOD_TAGS = ["1", "2", "slow"] as const;
const BAD_TAGS = ["crashing", "deaf"] as const;

export class Workload {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #names: readonly Name[];
  readonly #services = new Map<Name, ServiceSpec>();
  readonly #routes = new Map<Name, Specs["Route"]>();
  readonly #records = new Map<Name, Specs["DnsRecord"]>();
  #active = true;
  #changes = 0;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    const more = this.#random.chance(LARGE) ? this.#random.pick(MORE_SERVICES) : 0;
    this.#names = [...SERVICES, ...Array.from({ length: more }, (_, index) => `app${index + 1}`)];
    for (const name of [...this.#names, ...EXCLUSIVE]) {
      for (const tag of [...GOOD_TAGS, ...BAD_TAGS])
        world.registry.set(`${name}:${tag}`, { pullMs: this.#random.pick([200, 3_000]), bytes: 10_000_000 });
    }
  }

  start(): void {
    for (let i = 0; i < this.#names.length - 1; i++) this.#change();
    this.#nextChange();
  }

  /** People mend what does not work, and leave the house alone. */
  end(): void {
    this.#active = false;
    for (const name of this.#world.nodes.keys()) this.#world.apply("Membership", name, { role: "auto", schedulable: true });
    for (const [name, spec] of this.#services) this.#applyService(name, resumed(isGood(spec) ? spec : this.#service(name, GOOD_TAGS)));
  }

  /** To one that works. */
  changeService(): void {
    const name = this.#random.pick(this.#names);
    this.#applyService(name, this.#service(name, GOOD_TAGS));
  }

  #nextChange(): void {
    this.#world.time.timer(this.#random.int(500, 30_000), () => {
      if (!this.#active) return;
      if (this.#world.etcd.running) this.#change();
      this.#nextChange();
    });
  }

  #change(): void {
    const random = this.#random;
    const kind = random.next();
    if (kind < 0.6) this.#changeService(random.pick(this.#names));
    else if (kind < 0.75) this.#changeService(random.pick(EXCLUSIVE));
    else if (kind < 0.85) this.#changeRoute(random.pick(ROUTES));
    else if (kind < 0.92) this.#changeRecord(random.pick(RECORDS));
    else if (kind < 0.97) this.#changeNode(random.pick([...this.#world.nodes.keys()]));
    else this.#world.own(evenOut(this.#world));
  }

  #changeNode(name: NodeName): void {
    const policy = this.#random.pick([{ schedulable: true }, { schedulable: false }, { schedulable: true, drain: true }]);
    this.#world.apply("Membership", name, { role: "auto", ...policy });
  }

  #changeService(name: Name): void {
    if (this.#services.has(name) && this.#random.chance(0.25)) {
      this.#services.delete(name);
      this.#world.delete("Service", name);
      return;
    }
    const spec = this.#service(name, this.#random.chance(0.15) ? BAD_TAGS : GOOD_TAGS);
    this.#changes++;
    const paused = this.#changes % 6 === 3 && { paused: true };
    const restarted = this.#changes % 5 === 2 && { restartedAt: `2026-01-01T00:00:00.${this.#changes}Z` };
    this.#applyService(name, { ...spec, update: { ...spec.update, ...paused, ...restarted } });
  }

  #applyService(name: Name, spec: ServiceSpec): void {
    this.#services.set(name, spec);
    this.#world.apply("Service", name, spec);
  }

  #service(name: Name, tags: readonly string[]): ServiceSpec {
    const random = this.#random;
    const isExclusive = EXCLUSIVE.includes(name);
    const main = containerSpec(name, `${name}:${random.pick(tags)}`, {
      ...(random.chance(0.2) && { env: { CHANGED: String(random.int(1, 9)) } }),
      ...(isExclusive && { volumes: [SHARE] }),
    });
    const second = containerSpec("db", `${name}:1`);
    const containers = random.chance(0.2) ? [{ ...main, after: ["db"] }, second] : [main];
    const update = {
      order: isExclusive ? ("stop-first" as const) : random.pick(["start-first", "stop-first"] as const),
      parallel: random.pick([1, 1, 2]),
      monitor: random.pick(["2s", "10s"]),
      onFailure: random.pick(["rollback", "pause", "continue"] as const),
    };
    const others = [...SERVICES, ...EXCLUSIVE].filter((other) => other !== name);
    return serviceSpec(name, "", {
      containers,
      ...(random.chance(0.3) && { after: [random.pick(others)] }),
      replicas: isExclusive ? random.pick([0, 1, 1, 1, "all" as const]) : random.pick([0, 1, 1, 2, 3, "all" as const]),
      update,
      failover: random.chance(0.2) ? "never" : { after: random.pick(["0s", "15s"]) },
    });
  }

  #changeRoute(name: Name): void {
    if (this.#routes.delete(name)) {
      this.#world.delete("Route", name);
      return;
    }
    const to = this.#random.chance(0.5) ? { url: "http://192.168.1.1" } : { service: this.#random.pick(SERVICES) };
    // Sometimes a name that a Service has already, or will have.
    const spec: Specs["Route"] = { host: this.#random.chance(0.2) ? this.#random.pick(SERVICES) : name, path: "/", to };
    this.#routes.set(name, spec);
    this.#world.apply("Route", name, spec);
  }

  #changeRecord(name: Name): void {
    if (this.#records.delete(name)) {
      this.#world.delete("DnsRecord", name);
      return;
    }
    const spec: Specs["DnsRecord"] = { name, type: "A", values: [`192.168.1.${this.#random.int(100, 200)}`], ttl: "5m" };
    this.#records.set(name, spec);
    this.#world.apply("DnsRecord", name, spec);
  }
}

function resumed(spec: ServiceSpec): ServiceSpec {
  const { paused: _, ...update } = spec.update;
  return { ...spec, update };
}

function isGood(spec: ServiceSpec): boolean {
  return spec.containers.every(({ image }) => !BAD_TAGS.some((tag) => image.endsWith(`:${tag}`)));
}
