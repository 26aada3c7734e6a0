// `dns setup`: what a person does elsewhere so that names of the zone come to the house, with the addresses that answer now. Pure.
import { isIpv4, isIpv6, isLocalIpv6 } from "../api/addresses.ts";
import type { DnsFacts } from "../api/dns-facts.ts";

export const SETUP_WORDS = ["tailscale", "router", "pihole", "adguard", "resolved", "macos"] as const;
export type SetupWord = (typeof SETUP_WORDS)[number];

interface Servers {
  readonly zone: string;
  /** On the LAN, those on port 53 first. */
  readonly lan: readonly Server[];
  /** The same by IPv6: beside the others, for who has it has IPv4 as well. */
  readonly lanIpv6: readonly Server[];
  readonly tailnet: readonly Server[];
  /** An app's full name, to try it. */
  readonly example: string;
  readonly resolves: DnsFacts["resolves"];
}

interface Server {
  readonly address: string;
  readonly port: number;
}

const DNS_PORT = 53;
/** `MAXNS` of macOS: it reads no more. */
const MACOS_SERVERS_MAX = 3;

const TITLES: Readonly<Record<SetupWord, string>> = {
  tailscale: "Tailscale: every device of the tailnet, at home and away",
  router: "Router: every device at home",
  pihole: "Pi-hole",
  adguard: "AdGuard Home",
  resolved: "systemd-resolved: one Linux computer",
  macos: "macOS: one Mac",
};

/** Each a title and lines that can be copied. */
export function setupText(facts: DnsFacts, words: readonly SetupWord[]): readonly string[] {
  const servers = serversOf(facts);
  const sections = words.flatMap((word) => ["", TITLES[word], ...linesOf(word, servers).map((line) => (line === "" ? "" : `  ${line}`))]);
  return [...introduction(facts, servers), ...sections, "", `Then try: fossora dns check`];
}

function introduction({ zone, nodes }: DnsFacts, { lan, tailnet }: Servers): readonly string[] {
  const shown = nodes.map(
    ({ name, lan: own, tailnet: away, port }) =>
      `${name} ${[...own.filter(isAsked), ...away.filter(isIpv4)].join(" ") || "without an address"}${port === undefined || port === DNS_PORT ? "" : `, port ${port}`}`,
  );
  const head = [`Names below ${zone} are answered by: ${shown.join("; ") || "no computer yet"}`];
  if (![...lan, ...tailnet].some(({ port }) => port === DNS_PORT))
    head.push(`! None of them has port 53, which routers, phones and tailnets ask: fossora dns check says who has it`);
  return head;
}

function serversOf({ zone, nodes, apps, resolves }: DnsFacts): Servers {
  const of = (network: "lan" | "tailnet", isWanted: (address: string) => boolean): readonly Server[] =>
    nodes
      .flatMap(({ port = DNS_PORT, ...node }) => node[network].filter(isWanted).map((address) => ({ address, port })))
      .toSorted((a, b) => Number(b.port === DNS_PORT) - Number(a.port === DNS_PORT));
  const [lan, lanIpv6, tailnet] = [of("lan", isIpv4), of("lan", isLocalIpv6), of("tailnet", isIpv4)];
  return { zone, lan, lanIpv6, tailnet, example: apps[0]?.fqdn ?? `ns.${zone}`, resolves };
}

function linesOf(word: SetupWord, servers: Servers): readonly string[] {
  const { zone, lan, lanIpv6, tailnet, example, resolves } = servers;
  const both = [...lan, ...lanIpv6];
  switch (word) {
    case "tailscale": {
      const addresses = tailnet.filter(onPort53).map(({ address }) => address);
      if (addresses.length === 0) return ["No computer of the house is in a tailnet and has port 53."];
      return [
        "https://login.tailscale.com/admin/dns → Nameservers → Add nameserver → Custom",
        ...addresses.map((address) => `  Nameserver ${address}   Restrict to domain: ${zone}`),
        ...(resolves.includes("tailnet")
          ? ["The house resolves everything for the tailnet: the same without a domain sends it all names."]
          : []),
        `Headscale, in its config.yaml:  dns: { nameservers: { split: { ${zone}: [${addresses.join(", ")}] } } }`,
      ];
    }
    case "router":
      return router(servers);
    case "pihole":
      if (lan.length === 0) return [NO_LAN];
      return [
        "Version 6: Settings → All settings → Miscellaneous → misc.dnsmasq_lines. Version 5: a file /etc/dnsmasq.d/90-fossora.conf.",
        ...both.map(({ address, port }) => `server=/${zone}/${address}${port === DNS_PORT ? "" : `#${port}`}`),
        `rebind-domain-ok=/${zone}/`,
      ];
    case "adguard":
      if (lan.length === 0) return [NO_LAN];
      return [
        "Settings → DNS settings → Upstream DNS servers, a line of its own:",
        `[/${zone}/]${both.map((server) => withPort(server)).join(" ")}`,
      ];
    case "resolved":
      if (lan.length === 0) return [NO_LAN];
      return [
        "sudo mkdir -p /etc/systemd/resolved.conf.d",
        `printf '[Resolve]\\nDNS=${both.map((server) => withPort(server)).join(" ")}\\nDomains=~${zone}\\n' | sudo tee /etc/systemd/resolved.conf.d/fossora.conf`,
        "sudo systemctl restart systemd-resolved",
        `resolvectl query ${example}`,
      ];
    case "macos":
      return macos(servers);
  }
}

const NO_LAN = "No computer of the house has an address on a LAN.";

function router({ zone, resolves, ...servers }: Servers): readonly string[] {
  const [addresses, ipv6] = [servers.lan, servers.lanIpv6].map((each) => each.filter(onPort53).map(({ address }) => address)) as [
    string[],
    string[],
  ]; // a list for each
  if (addresses.length === 0) return ["No computer of the house has an address on a LAN and port 53 there."];
  if (resolves.includes("lan"))
    return [
      `The house is the resolver of the LAN: in the router's DHCP settings name ${addresses.join(" and ")} as DNS server, and no other.`,
      ipv6.length > 0
        ? `The same for IPv6 (DHCPv6, and RDNSS in router advertisements): ${ipv6.join(" and ")}, and no other.`
        : "For IPv6 (DHCPv6, and RDNSS in router advertisements) let it name none: devices would ask that one instead.",
    ];
  const [first = ""] = addresses;
  return [
    `Let it send ${zone} to ${addresses.join(" and ")} ("conditional forwarding", "domain override"), and let it accept private addresses`,
    `in answers for ${zone} ("DNS rebind protection": an exception).`,
    "OpenWrt:",
    ...addresses.map((address) => `  uci add_list dhcp.@dnsmasq[0].server='/${zone}/${address}'`),
    `  uci add_list dhcp.@dnsmasq[0].rebind_domain='${zone}'; uci commit dhcp; /etc/init.d/dnsmasq restart`,
    `OPNsense, pfSense: Services → Unbound or DNS Resolver → Domain Overrides: ${zone} to ${first}`,
    "A router that can do neither: fossora explain house.spec.resolver makes the house the name server of the whole LAN.",
  ];
}

/** One file a zone; each `nameserver` shares its port. */
function macos({ zone, lan, lanIpv6, example }: Servers): readonly string[] {
  const [first] = lan;
  if (first === undefined) return [NO_LAN];
  const alike = [...lan, ...lanIpv6].filter(({ port }) => port === first.port).slice(0, MACOS_SERVERS_MAX);
  const text = [...alike.map(({ address }) => `nameserver ${address}`), ...(first.port === DNS_PORT ? [] : [`port ${first.port}`])];
  return [
    "sudo mkdir -p /etc/resolver",
    `printf '${text.join("\\n")}\\n' | sudo tee /etc/resolver/${zone}`,
    `dscacheutil -q host -a name ${example}`,
  ];
}

function withPort({ address, port }: Server): string {
  if (port === DNS_PORT) return address;
  return isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function onPort53({ port }: Server): boolean {
  return port === DNS_PORT;
}

function isAsked(address: string): boolean {
  return isIpv4(address) || isLocalIpv6(address);
}
