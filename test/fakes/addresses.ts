// Fixed addresses of one node, as its disk keeps them: they outlive every process, and a released one rests for ten minutes.
import type { NetworkSpec } from "../../src/container-ports.ts";
import type { Addresses, BootMs, Clock } from "../../src/ports.ts";
import { LABEL } from "../../src/api/labels.ts";

const REST_MS = 600_000;

export class FakeAddresses implements Addresses {
  readonly shared: NetworkSpec;
  readonly gateway: string;
  readonly #clock: Clock;
  readonly #base: string;
  readonly #taken = new Map<string, string>();
  readonly #networks = new Map<string, NetworkSpec>();
  readonly #resting = new Map<string, BootMs>();

  /** `base`: the first two bytes of the node's /16, such as `10.201`. */
  constructor(clock: Clock, base: string) {
    this.#clock = clock;
    this.#base = base;
    this.gateway = `${base}.0.1`;
    this.shared = network("fossora", `${base}.0.0/17`, this.gateway, false);
  }

  async privateNetwork(key: string): Promise<NetworkSpec> {
    const known = this.#networks.get(key);
    if (known) return known;
    const used = new Set([...this.#networks.values()].map(({ subnet }) => subnet));
    for (let index = 0; index < 2048; index++) {
      const prefix = `${this.#base}.${128 + (index >> 4)}`;
      const subnet = `${prefix}.${(index & 15) * 16}/28`;
      if (used.has(subnet) || this.#rests(subnet)) continue;
      const made = network(`fossora-${key}`, subnet, `${prefix}.${(index & 15) * 16 + 1}`, true);
      this.#networks.set(key, made);
      return made;
    }
    throw new Error("every private network is taken");
  }

  async releaseNetwork(key: string): Promise<void> {
    const known = this.#networks.get(key);
    if (known) this.#resting.set(known.subnet, this.#clock.now() + REST_MS);
    this.#networks.delete(key);
  }

  async take({ gateway, subnet }: NetworkSpec, key: string): Promise<string> {
    const known = this.#taken.get(key);
    if (known !== undefined) return known;
    const used = new Set(this.#taken.values());
    const [a, b, c = 0, d = 0] = gateway.split(".").map(Number);
    const hosts = 2 ** (32 - Number(subnet.split("/")[1])) - 3;
    for (let host = 1; host <= hosts; host++) {
      const low = d + host;
      const address = `${a}.${b}.${c + (low >> 8)}.${low & 255}`;
      if (used.has(address) || this.#rests(address)) continue;
      this.#taken.set(key, address);
      return address;
    }
    throw new Error(`every address of ${subnet} is taken`);
  }

  async release(key: string): Promise<void> {
    const address = this.#taken.get(key);
    if (address !== undefined) this.#resting.set(address, this.#clock.now() + REST_MS);
    this.#taken.delete(key);
  }

  keys(): readonly string[] {
    return [...new Set([...this.#networks.keys(), ...this.#taken.keys()])];
  }

  /** By key: what is handed out now. */
  get taken(): ReadonlyMap<string, string> {
    return this.#taken;
  }

  #rests(what: string): boolean {
    const untilMs = this.#resting.get(what);
    if (untilMs !== undefined && untilMs <= this.#clock.now()) this.#resting.delete(what);
    return this.#resting.has(what);
  }
}

function network(name: string, subnet: string, gateway: string, icc: boolean): NetworkSpec {
  return { name, subnet, gateway, icc, labels: { [LABEL.kind]: "Service" } };
}
