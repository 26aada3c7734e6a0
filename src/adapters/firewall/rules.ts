// What a firewall of this machine would keep from the house, and the commands that open it. Pure: texts in, commands out.
import { hash } from "../../api/hash.ts";

export interface Port {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

export interface Ports {
  readonly http: number;
  readonly dns: number;
  /** Names are announced on the LAN. */
  readonly mdns: boolean;
  /** Between computers of the house. */
  readonly house: readonly Port[];
  /** Raw ones of Routes. */
  readonly routes: readonly Port[];
  /** The bridge of the apps, and what the names of their private ones begin with: they ask the house for names on its gateway. */
  readonly bridge: string;
}

export type Command = readonly [program: string, ...args: string[]];

export interface Firewall {
  readonly name: "ufw" | "firewalld" | "nftables";
  /** They open what is closed, in this order; empty when all is open. */
  readonly open: readonly Command[];
  /** They take exactly that back. nftables' rules are found by their comment instead. */
  readonly close: readonly Command[];
  /** False: gone after a reboot unless the person adds them to their own rules. */
  readonly lasting: boolean;
}

/** What the machine's tools say; undefined: not installed, not allowed, or not running. */
export interface FirewallOutputs {
  /** `ufw status` */
  readonly ufw?: string | undefined;
  /** `firewall-cmd --permanent --list-ports`: fails unless firewalld runs. */
  readonly firewalld?: string | undefined;
  /** `firewall-cmd --permanent --zone=trusted --list-interfaces` */
  readonly trusted?: string | undefined;
  /** `nft -j list ruleset` */
  readonly nft?: string | undefined;
}

/** Multicast DNS. ufw lets it in by itself (/etc/ufw/before.rules). */
const mdnsPort = 5353;
const programs: ReadonlySet<string> = new Set(["ufw", "firewall-cmd", "nft"]);
const commentPrefix = "fossora-";
/** nft's own limit is 128 bytes, with one at the end. */
const commentLengthMax = 100;

/** Undefined: none is active, or none that would be in the way. */
export function findFirewall(outputs: FirewallOutputs, ports: Ports): Firewall | undefined {
  if (/^Status: active/m.test(outputs.ufw ?? "")) return ufw(outputs.ufw ?? "", ports);
  if (outputs.firewalld !== undefined) return firewalld(outputs.firewalld, outputs.trusted ?? "", ports);
  const objects = nftObjects(outputs.nft);
  const chains = droppingChains(objects);
  return chains.length === 0 ? undefined : nftables(chains, objects, ports);
}

/** A rule that is there already is the person's own: adding it again would make it ours to take away. */
function ufw(status: string, { http, dns, house, routes, bridge }: Ports): Firewall {
  const others = [...house.map(portText("")), ...ranges(routes).map(portText(":"))];
  const rules = [
    { words: [`${http}/tcp`], listed: `${http}/tcp` },
    { words: [String(dns)], listed: String(dns) },
    ...others.map((each) => ({ words: [each], listed: each })),
    // iptables reads `+` as whatever follows.
    { words: ["in", "on", `${bridge}+`], listed: `Anywhere on ${bridge}+` },
  ].filter(({ listed }) => !status.split("\n").some((line) => line.startsWith(`${listed} `) && line.includes(" ALLOW ")));
  return {
    name: "ufw",
    open: rules.map(({ words }): Command => ["ufw", "allow", ...words, "comment", "fossora"]),
    close: rules.map(({ words }): Command => ["ufw", "delete", "allow", ...words]),
    lasting: true,
  };
}

/** Releases differ in what they make of names that begin so. Docker itself puts its bridges into a zone `docker` that lets all in. */
function firewalld(listed: string, trusted: string, { http, dns, mdns, house, routes, bridge }: Ports): Firewall {
  const others = [...house.map(portText("")), ...ranges(routes).map(portText("-"))];
  const wanted = [`${http}/tcp`, `${dns}/tcp`, `${dns}/udp`, ...(mdns ? [`${mdnsPort}/udp`] : []), ...others];
  const ports = wanted.filter((port) => !listed.split(/\s+/).includes(port));
  const isTrusted = trusted.split(/\s+/).includes(bridge);
  const change = (verb: "add" | "remove"): readonly Command[] => {
    const commands: readonly Command[] = [
      ...ports.map((port): Command => ["firewall-cmd", "--permanent", `--${verb}-port=${port}`]),
      ...(isTrusted ? [] : [["firewall-cmd", "--permanent", "--zone=trusted", `--${verb}-interface=${bridge}`] as const]),
    ];
    return commands.length === 0 ? [] : [...commands, ["firewall-cmd", "--reload"]];
  };
  return { name: "firewalld", open: change("add"), close: change("remove"), lasting: true };
}

interface PortRange extends Port {
  readonly endPort?: number;
}

/** Each port once, and those that follow each other as one range. */
function ranges(ports: readonly Port[]): readonly PortRange[] {
  const found: PortRange[] = [];
  for (const protocol of ["tcp", "udp"] as const)
    for (const port of numbersOf(ports, protocol)) {
      const last = found.at(-1);
      if (last?.protocol === protocol && (last.endPort ?? last.port) + 1 === port) found[found.length - 1] = { ...last, endPort: port };
      else found.push({ port, protocol });
    }
  return found;
}

function numbersOf(ports: readonly Port[], wanted: Port["protocol"]): readonly number[] {
  const numbers = ports.filter(({ protocol }) => protocol === wanted).map(({ port }) => port);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** `1883/tcp`, `5000:5009/udp` */
function portText(to: string): (range: PortRange) => string {
  return ({ port, endPort, protocol }) => `${port}${endPort === undefined ? "" : to + endPort}/${protocol}`;
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

/** The comment says for which ports. One rule a port: iptables, which shows these chains too, would misread a set. */
function nftables(chains: readonly Chain[], objects: readonly NftObject[], ports: Ports): Firewall {
  const { http, dns, mdns, house, routes, bridge } = ports;
  const names = mdns ? [mdnsPort] : [];
  const raw = (["tcp", "udp"] as const).flatMap((protocol) => numbersOf(routes, protocol).map((port) => ({ port, protocol })));
  const comment = commentOf([http, dns, ...names, ...house.map(({ port }) => port), ...raw.map(({ port, protocol }) => protocol + port)]);
  const matches = [
    ["tcp", "dport", String(http)],
    ["tcp", "dport", String(dns)],
    ["udp", "dport", String(dns)],
    ...names.map((port) => ["udp", "dport", String(port)]),
    ...[...house, ...raw].map(({ port, protocol }) => [protocol, "dport", String(port)]),
    ["iifname", `${bridge}*`],
  ];
  const closed = chains.filter(
    ({ family, table, name }) =>
      !objects.some(({ rule }) => rule?.family === family && rule.table === table && rule.chain === name && rule.comment === comment),
  );
  const open = closed.flatMap(({ family, table, name }) =>
    matches.map((match): Command => ["nft", "insert", "rule", family, table, name, ...match, "accept", "comment", comment]),
  );
  return { name: "nftables", open, close: [], lasting: false };
}

function commentOf(ports: readonly (number | string)[]): string {
  const text = [...new Set(ports)].join("-");
  return commentPrefix + (text.length > commentLengthMax ? hash(text) : text);
}

/** Base chains at the input hook whose policy is drop. */
function droppingChains(objects: readonly NftObject[]): readonly Chain[] {
  return objects.flatMap(({ chain }) =>
    chain?.hook === "input" && chain.policy === "drop" ? [{ family: chain.family, table: chain.table, name: chain.name }] : [],
  );
}

/** The commands that remove what `open` made, from `nft -j list ruleset`. */
export function closeNftables(json: string | undefined): readonly Command[] {
  return nftObjects(json).flatMap(({ rule }): readonly Command[] =>
    rule?.comment?.startsWith(commentPrefix)
      ? [["nft", "delete", "rule", rule.family, rule.table, rule.chain, "handle", String(rule.handle)]]
      : [],
  );
}

interface NftObject {
  readonly chain?: {
    readonly family: string;
    readonly table: string;
    readonly name: string;
    readonly hook?: string;
    readonly policy?: string;
  };
  readonly rule?: {
    readonly family: string;
    readonly table: string;
    readonly chain: string;
    readonly handle: number;
    readonly comment?: string;
  };
}

function nftObjects(json: string | undefined): readonly NftObject[] {
  if (!json) return [];
  try {
    return (JSON.parse(json) as { nftables?: readonly NftObject[] }).nftables ?? []; // libnftables-json(5)
  } catch {
    return [];
  }
}

/** What is written down to be taken back lies in a file: nothing else is run for it. */
export function isOurs([program]: Command): boolean {
  return programs.has(program);
}

/** For a person to type: the shell would take `fossora*` for names of files. */
export function shellWords(command: Command): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(" ");
}
