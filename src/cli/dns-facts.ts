// Which servers `fossora dns` is about: those that a node of this computer tells, or on any other computer those that are named or found.
import { isIpv4 } from "../api/addresses.ts";
import type { DnsFacts } from "../api/dns-facts.ts";
import type { DnsProbe } from "../ports.ts";
import { EXIT, Failure } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

export interface FactFlags {
  readonly server?: readonly string[];
  readonly zone?: string;
}

/** In place of a node's name: somebody named its address. */
export const SERVER = "server";
export const ZONE_DEFAULT = "home.internal";
const DNS_PORT = 53;

/** Throws Failure where no node runs here and no server is known. */
export async function findFacts({ server, zone }: FactFlags, ports: CliPorts, probe: DnsProbe): Promise<DnsFacts> {
  if (server !== undefined) return factsOf(zone ?? ZONE_DEFAULT, server);
  try {
    const facts = await ports.client.json<DnsFacts>("GET", "/api/v1/dns-facts");
    return zone === undefined ? facts : { ...facts, zone };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== EXIT.unreachable) throw error;
    const wanted = zone ?? ZONE_DEFAULT;
    const found = await probe.lookup(`ns.${wanted}`).catch(() => []);
    // By IPv6, which this computer need not have, only where nothing else is known.
    const ipv4 = found.filter(isIpv4);
    if (found.length > 0) return factsOf(wanted, ipv4.length > 0 ? ipv4 : found);
    throw new Failure(
      EXIT.unreachable,
      `${error.message} And nobody that this computer asks knows ns.${wanted}.`,
      "fossora dns check --server 192.168.1.10, with the address of a computer of the house",
      { cause: error },
    );
  }
}

function factsOf(zone: string, addresses: readonly string[]): DnsFacts {
  const nodes = addresses.map((text) => {
    const [, address = text, port] = /^(\d+(?:\.\d+){3}):(\d+)$/.exec(text) ?? /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? [];
    return { name: SERVER, lan: [address], tailnet: [], port: port === undefined ? DNS_PORT : Number(port) };
  });
  return { kind: "DnsFacts", zone, node: "", nodes, resolves: [], apps: [], localNames: [] };
}
