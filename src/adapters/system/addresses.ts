// Fixed addresses of this node's own networks: on disk before they are used, so that nobody gets another's after a restart.
import { readFile } from "node:fs/promises";
import { Refusal } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { NetworkSpec } from "../../container-ports.ts";
import type { Addresses, BootMs, Clock, Random } from "../../ports.ts";
import { writeWhole } from "./durable.ts";
import {
  candidates,
  formatAddress,
  formatSubnet,
  gateway,
  hosts,
  othersRange,
  overlap,
  parseAddress,
  parseSubnet,
  privateNetworksMax,
  privateSubnet,
  sharedSubnet,
  type Subnet,
} from "./subnets.ts";

export interface AddressesOptions {
  /** `addresses.json` below the data directory. */
  readonly file: string;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  /** What the machine's routes lead to already; asked at the first start only. */
  readonly used: () => Promise<readonly Subnet[]>;
}

/** A name that people's devices still know must not lead to another app meanwhile. */
const restMs = 10 * 60_000;
export const sharedNetworkName = "fossora";

interface Taken {
  readonly network: string;
  readonly address: string;
}

/** The file. Released ones carry no time: after a restart they rest anew, whatever the clocks did. */
interface Kept {
  readonly subnet: string;
  readonly networks: Readonly<Record<string, number>>;
  readonly addresses: Readonly<Record<string, Taken>>;
  readonly resting: readonly (string | number)[];
}

export async function openAddresses(options: AddressesOptions): Promise<Addresses> {
  const kept = await readKept(options.file);
  if (kept) {
    const subnet = parseSubnet(kept.subnet);
    if (!subnet) throw new Error(`Cannot read ${options.file}: "${kept.subnet}" is no subnet`);
    return new NodeAddresses(options, subnet, kept);
  }
  const subnet = await freeSubnet(options);
  const first: Kept = { subnet: formatSubnet(subnet), networks: {}, addresses: {}, resting: [] };
  await writeWhole(options.file, JSON.stringify(first));
  return new NodeAddresses(options, subnet, first);
}

/** Begins somewhere by chance: two nodes of a house seldom take the same, which makes traces easier to read. */
async function freeSubnet({ used, random }: AddressesOptions): Promise<Subnet> {
  const [all, taken] = [candidates(), await used()];
  const start = Math.floor(random.next() * all.length);
  const free = [...all.slice(start), ...all.slice(0, start)].find((each) => !taken.some((other) => overlap(each, other)));
  if (!free)
    throw new Refusal(
      "NoFreeSubnet",
      "Cannot choose addresses for containers: this machine's routes cover all of 10.128.0.0/9 and 172.16.0.0/12. Remove a route that is wider than it need be",
    );
  return free;
}

async function readKept(file: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Kept; // written by this file alone
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

class NodeAddresses implements Addresses {
  readonly shared: NetworkSpec;
  readonly gateway: string;
  readonly #options: AddressesOptions;
  readonly #subnet: Subnet;
  /** Private networks by key. */
  readonly #networks: Map<string, number>;
  readonly #addresses: Map<string, Taken>;
  /** Addresses, and indexes of private networks, since when they were released: the longest first. */
  readonly #resting: Map<string | number, BootMs>;
  #saved: Promise<void> = Promise.resolve();
  #saveWaits = false;

  constructor(options: AddressesOptions, subnet: Subnet, kept: Kept) {
    this.#options = options;
    this.#subnet = subnet;
    this.#networks = new Map(Object.entries(kept.networks));
    this.#addresses = new Map(Object.entries(kept.addresses));
    this.#resting = new Map(kept.resting.map((each) => [each, options.clock.now()]));
    const shared = sharedSubnet(subnet);
    this.gateway = gateway(shared);
    this.shared = {
      name: sharedNetworkName,
      subnet: formatSubnet(shared),
      gateway: this.gateway,
      othersRange: formatSubnet(othersRange(shared)),
      icc: false,
      labels: { [LABEL.kind]: "Membership" },
    };
  }

  async privateNetwork(key: string): Promise<NetworkSpec> {
    const known = this.#networks.get(key);
    if (known !== undefined) return this.#privateSpec(key, known);
    const taken = new Set(this.#networks.values());
    const index = this.#free(
      privateNetworksMax,
      (each) => each,
      (each) => taken.has(each),
    );
    if (index === undefined)
      throw new Refusal("NoFreeSubnet", `Cannot make a network for "${key}": all ${privateNetworksMax} of this node are taken`);
    this.#networks.set(key, index);
    await this.#save();
    return this.#privateSpec(key, index);
  }

  async releaseNetwork(key: string): Promise<void> {
    const index = this.#networks.get(key);
    if (index === undefined) return;
    this.#networks.delete(key);
    this.#rest(index);
    await this.#save();
  }

  keys(): readonly string[] {
    return [...new Set([...this.#networks.keys(), ...this.#addresses.keys()])];
  }

  async take(network: NetworkSpec, key: string): Promise<string> {
    const known = this.#addresses.get(key);
    if (known?.network === network.name) return known.address;
    const address = this.#freeAddress(network);
    if (address === undefined)
      throw new Error(`Cannot give "${key}" an address: network "${network.name}" (${network.subnet}) has no free one`);
    if (known) this.#rest(known.address);
    this.#addresses.set(key, { network: network.name, address });
    await this.#save();
    return address;
  }

  async release(key: string): Promise<void> {
    const known = this.#addresses.get(key);
    if (!known) return;
    this.#addresses.delete(key);
    this.#rest(known.address);
    await this.#save();
  }

  #privateSpec(key: string, index: number): NetworkSpec {
    const subnet = privateSubnet(this.#subnet, index);
    return {
      name: `fossora-${key}`,
      subnet: formatSubnet(subnet),
      gateway: gateway(subnet),
      icc: true,
      labels: { [LABEL.kind]: "Service", [LABEL.instance]: key },
    };
  }

  /** On the shared bridge the rest is kept. A private network has 13 addresses for one app alone: there the longest rested will do. */
  #freeAddress(network: NetworkSpec): string | undefined {
    const subnet = parseSubnet(network.subnet);
    if (!subnet) return undefined;
    const others = network.othersRange === undefined ? undefined : parseSubnet(network.othersRange);
    const { first, last: lastHost } = hosts(subnet);
    const last = others === undefined ? lastHost : others.base - 1;
    const taken = new Set([...this.#addresses.values()].map(({ address }) => address));
    const found = this.#free(
      last - first + 1,
      (each) => formatAddress(first + each),
      (address) => taken.has(address),
    );
    if (found !== undefined || network.name === this.shared.name) return found;
    return [...this.#resting.keys()].find((each): each is string => {
      const address = typeof each === "string" ? parseAddress(each) : undefined;
      return address !== undefined && address >= first && address <= last;
    });
  }

  /** The first that is neither taken nor resting. */
  #free<T extends string | number>(count: number, nth: (index: number) => T, taken: (each: T) => boolean): T | undefined {
    const now = this.#options.clock.now();
    for (let index = 0; index < count; index++) {
      const each = nth(index);
      const since = this.#resting.get(each);
      if (taken(each) || (since !== undefined && now - since < restMs)) continue;
      this.#resting.delete(each);
      return each;
    }
    return undefined;
  }

  #rest(each: string | number): void {
    this.#resting.delete(each); // to the end of the line
    this.#resting.set(each, this.#options.clock.now());
  }

  /** One write at a time; all that change meanwhile share the next one. */
  #save(): Promise<void> {
    if (this.#saveWaits) return this.#saved;
    this.#saveWaits = true;
    const write = async (): Promise<void> => {
      this.#saveWaits = false;
      await writeWhole(this.#options.file, JSON.stringify(this.#kept()));
    };
    this.#saved = this.#saved.then(write, write);
    return this.#saved;
  }

  #kept(): Kept {
    const now = this.#options.clock.now();
    return {
      subnet: formatSubnet(this.#subnet),
      networks: Object.fromEntries(this.#networks),
      addresses: Object.fromEntries(this.#addresses),
      resting: [...this.#resting].filter(([, since]) => now - since < restMs).map(([each]) => each),
    };
  }
}
