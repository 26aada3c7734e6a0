// What this machine is: addresses, size, devices and versions, read anew at each call.
import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, type NetworkInterfaceInfo, networkInterfaces, totalmem, type } from "node:os";
import type { NodeRecord } from "../../api/state.ts";
import type { EngineInfo } from "../../container-ports.ts";
import type { System } from "../../ports.ts";
import { containersWithProcesses } from "./container-processes.ts";
import { readDefaultInterface } from "./default-interface.ts";
import { findDevices } from "./devices.ts";
import { kindOfIpv6, readLastingIpv6 } from "./ipv6.ts";
import { hostResolvers } from "./resolvers.ts";
import { overlap, parseSubnet } from "./subnets.ts";

export interface SystemOptions {
  readonly dataDir: string;
  /** Docker's; undefined while it is away. */
  readonly engine: (signal: AbortSignal) => Promise<EngineInfo | undefined>;
  readonly versions: { readonly fossora: string; readonly etcd: string };
  readonly witness?: boolean;
  /** It is about to be away, or leaves the house. */
  readonly goes: () => NodeRecord["goes"];
  /** In the house's store, now. */
  readonly role: () => NodeRecord["role"];
}

/** Each look reads of every process: many Services ask. */
const RUNNING_FOR_MS = 500;

const archNames: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

export class MachineSystem implements System {
  readonly #options: SystemOptions;

  /** As it last answered: what it can do does not change while it is silent. */
  #lastEngine: EngineInfo | undefined;
  #running: { readonly ids: ReadonlySet<string>; readonly atMs: number } | undefined;

  constructor(options: SystemOptions) {
    this.#options = options;
  }

  runningContainers(): ReadonlySet<string> | undefined {
    if (this.#lastEngine?.remoteNetwork === true) return undefined;
    const nowMs = performance.now();
    if (this.#running === undefined || nowMs - this.#running.atMs >= RUNNING_FOR_MS)
      this.#running = { ids: containersWithProcesses(), atMs: nowMs };
    return this.#running.ids;
  }

  resolvers(): readonly string[] {
    return hostResolvers();
  }

  async disk(): ReturnType<System["disk"]> {
    const { bavail, blocks, bsize } = await statfs(this.#options.dataDir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  async describe(signal: AbortSignal): ReturnType<System["describe"]> {
    const { dataDir, engine, versions, witness } = this.#options;
    const [role, goes] = [this.#options.role(), this.#options.goes()];
    const docker = await engine(signal);
    this.#lastEngine = docker ?? this.#lastEngine;
    const [disk, os, devices, defaultInterface, lastingIpv6] = await Promise.all([
      statfs(dataDir),
      osName(),
      findDevices("/dev", this.#lastEngine?.runtimes ?? []),
      readDefaultInterface(),
      readLastingIpv6(),
    ]);
    return {
      addresses: sortAddresses(networkInterfaces(), { defaultInterface, lastingIpv6 }),
      arch: archNames[process.arch] ?? process.arch,
      os,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      diskBytes: disk.blocks * disk.bsize,
      diskFreeBytes: disk.bavail * disk.bsize,
      devices,
      ...(witness === true && { witness }),
      ...(role !== undefined && { role }),
      ...(goes !== undefined && { goes }),
      ...(this.#lastEngine?.remoteNetwork && { remoteNetwork: true }),
      versions: { ...versions, docker: docker?.version ?? "", dockerApi: docker?.apiVersion ?? "" },
    };
  }
}

const tailnet = { base: 100 * 2 ** 24 + 64 * 2 ** 16, bits: 10 };
const linkLocal = { base: 169 * 2 ** 24 + 254 * 2 ** 16, bits: 16 };
/** Bridges and cables of container engines and virtual machines. A person's own `br0` is a LAN. */
const virtual = /^(lo|docker\d|br-[0-9a-f]{12}|veth|virbr|podman|cni|flannel|cali|lxc|lxd|fossora)/;

/** Of one LAN a computer has two or three that last. */
const IPV6_MAX = 4;

/** Pure. IPv4 first, and of each family the interface of the default route. */
export function sortAddresses(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  known: { readonly defaultInterface: string | undefined; readonly lastingIpv6: ReadonlySet<string> },
): NodeRecord["addresses"] {
  const { defaultInterface, lastingIpv6 } = known;
  const named = Object.entries(interfaces).filter(([name]) => !virtual.test(name));
  const ordered = named.toSorted(([one], [other]) => Number(other === defaultInterface) - Number(one === defaultInterface));
  const addresses = ordered.flatMap(([, infos]) =>
    (infos ?? []).filter(({ internal }) => !internal).map(({ address }) => ({ address, subnet: parseSubnet(address) })),
  );
  const found = addresses.flatMap(({ address, subnet }) =>
    subnet && !overlap(subnet, linkLocal) ? [{ address, isTailnet: overlap(subnet, tailnet) }] : [],
  );
  const ipv6 = (...kinds: readonly ReturnType<typeof kindOfIpv6>[]): readonly string[] =>
    kinds.flatMap((kind) => addresses.map(({ address }) => address).filter((each) => lastingIpv6.has(each) && kindOfIpv6(each) === kind));
  return {
    lan: [...found.filter(({ isTailnet }) => !isTailnet).map(({ address }) => address), ...ipv6("local", "global").slice(0, IPV6_MAX)],
    tailnet: [...found.filter(({ isTailnet }) => isTailnet).map(({ address }) => address), ...ipv6("tailnet")],
  };
}

async function osName(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(text)?.[1] ?? type();
}
