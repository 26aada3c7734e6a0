// What the ingress should listen on: this machine's own addresses, and the gateway of the apps' bridge once that is there. Told again
// when an address came or went.
import { forIngress } from "../api/name-servers.ts";
import type { IngressSettings } from "../api/table.ts";
import type { Containers } from "../container-ports.ts";
import { isIpv6, isLan, isTailnet } from "../ingress/address.ts";
import type { Addresses, Clock, Log, System } from "../ports.ts";
import type { IngressKeeper } from "./ingress.ts";
import type { IngressTrust } from "./ingress-trust.ts";
import type { Settings } from "./settings.ts";

/** A name leads people only to where the proxy answers them. */
function isHeard(address: string, listen: string): boolean {
  return address === listen || listen === "::" || (listen === "0.0.0.0" && !isIpv6(address));
}

/** At home a provider's IPv6 is on the LAN as well: it counts where the same interface has a home's IPv4. */
function isLed(address: string): boolean {
  return isLan(address) || isIpv6(address);
}

export interface IngressSettingsOptions {
  readonly settings: Settings;
  readonly addresses: Addresses;
  readonly containers: Pick<Containers, "ensureNetwork">;
  readonly system: System;
  /** The kernel has it, whatever Docker says. */
  readonly isOwnAddress: (address: string) => Promise<boolean>;
  readonly keeper: Pick<IngressKeeper, "setSettings" | "listeners">;
  /** undefined: this node has no house, and nobody is let in on 734. */
  readonly trust: () => IngressTrust | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const lookEveryMs = 15_000;
/** Docker is away or the ingress does not answer yet. */
const retryMs = 1_000;
const limitMs = 10_000;

export class IngressSettingsKeeper {
  readonly #options: IngressSettingsOptions;
  #bridgeIsMade = false;
  #look = Promise.withResolvers<void>();

  constructor(options: IngressSettingsOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { keeper, clock, log } = this.#options;
    let told = "";
    while (!signal.aborted) {
      let waitMs = lookEveryMs;
      try {
        if (!(await this.#makeBridge(signal))) waitMs = retryMs;
        const wanted = await this.#settings(signal);
        if (JSON.stringify(wanted) !== told) await keeper.setSettings(wanted, signal);
        told = JSON.stringify(wanted);
      } catch (error) {
        if (signal.aborted) return;
        log.warn("Ingress could not be told where to listen", { error });
        waitMs = retryMs;
      }
      await Promise.race([clock.sleep(waitMs, signal).catch(() => {}), this.#look.promise]); // aborted: the loop ends
      this.#look = Promise.withResolvers<void>();
    }
  }

  /** The house's trust is another: who was removed must not wait for the next look. */
  changed(): void {
    this.#look.resolve();
  }

  async #makeBridge(signal: AbortSignal): Promise<boolean> {
    const { containers, addresses, log } = this.#options;
    if (this.#bridgeIsMade) return true;
    try {
      await containers.ensureNetwork(addresses.shared, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
      this.#bridgeIsMade = true;
    } catch (error) {
      log.warn("Bridge for the apps could not be made", { network: addresses.shared.name, error });
    }
    return this.#bridgeIsMade;
  }

  async #settings(signal: AbortSignal): Promise<IngressSettings> {
    const { settings, addresses, system, trust, isOwnAddress, keeper } = this.#options;
    const shown = trust();
    const { lan, tailnet } = (await system.describe(signal)).addresses;
    const listen = settings.http.address ?? "::";
    // A bridge outlives a silent Docker, and the apps on it go on asking.
    const isThere = this.#bridgeIsMade || (await isOwnAddress(addresses.gateway));
    const gateway = isThere ? [addresses.gateway] : [];
    // Strangers are turned away wherever they ask; on an address of the internet there is nobody else.
    const people = [...lan, ...tailnet].filter((address) => isLan(address) || isTailnet(address));
    return {
      http: { addresses: [listen], ports: settings.http.ports },
      ...(settings.accessLog !== undefined && { accessLog: settings.accessLog }),
      dns: { addresses: ["127.0.0.1", ...gateway, ...people], ports: settings.dnsPorts },
      ...(shown && { mesh: { addresses: ["::"], ports: [settings.meshPort + 1], ...shown } }),
      ...(settings.mdns && {
        mdns: { addresses: lan.filter((address) => isLed(address) && isHeard(address, listen)) },
      }),
      containers: {
        gateway: addresses.gateway,
        subnets: [wholeSubnet(addresses.shared.subnet)],
        upstreams: forIngress(system.resolvers(), keeper.listeners),
      },
    };
  }
}

/** The node's /16, which holds the shared bridge and all private networks. */
function wholeSubnet(shared: string): string {
  const [first, second] = shared.split(".");
  return `${first}.${second}.0.0/16`;
}
