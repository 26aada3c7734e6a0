// What a firewall of this machine would keep from the house, and the commands that open it. Pure: texts in, commands out.

export interface Ports {
  readonly http: number;
  readonly dns: number;
  /** Names are announced on the LAN. */
  readonly mdns: boolean;
  /** Between computers of the house. */
  readonly house: readonly { readonly port: number; readonly protocol: "tcp" | "udp" }[];
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
const commentPrefix = "fossora-";

/** Undefined: none is active, or none that would be in the way. */
export function findFirewall(outputs: FirewallOutputs, ports: Ports): Firewall | undefined {
  if (/^Status: active/m.test(outputs.ufw ?? "")) return ufw(outputs.ufw ?? "", ports);
  if (outputs.firewalld !== undefined) return firewalld(outputs.firewalld, outputs.trusted ?? "", ports);
  const objects = nftObjects(outputs.nft);
  const chains = droppingChains(objects);
  return chains.length === 0 ? undefined : nftables(chains, objects, ports);
}

/** A rule that is there already is the person's own: adding it again would make it ours to take away. */
function ufw(status: string, { http, dns, house, bridge }: Ports): Firewall {
  const rules = [
    { words: [`${http}/tcp`], listed: `${http}/tcp` },
    { words: [String(dns)], listed: String(dns) },
    ...house.map(({ port, protocol }) => ({ words: [`${port}/${protocol}`], listed: `${port}/${protocol}` })),
    { words: ["in", "on", bridge], listed: `Anywhere on ${bridge}` },
  ].filter(({ listed }) => !status.split("\n").some((line) => line.startsWith(`${listed} `) && line.includes(" ALLOW ")));
  return {
    name: "ufw",
    open: rules.map(({ words }): Command => ["ufw", "allow", ...words, "comment", "fossora"]),
    close: rules.map(({ words }): Command => ["ufw", "delete", "allow", ...words]),
    lasting: true,
  };
}

function firewalld(listed: string, trusted: string, { http, dns, mdns, house, bridge }: Ports): Firewall {
  const others = house.map(({ port, protocol }) => `${port}/${protocol}`);
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

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

/** The comment says for which ports. One rule a port: iptables, which shows these chains too, would misread a set. */
function nftables(chains: readonly Chain[], objects: readonly NftObject[], { http, dns, mdns, house, bridge }: Ports): Firewall {
  const names = mdns ? [mdnsPort] : [];
  const comment = `${commentPrefix}${[...new Set([http, dns, ...names, ...house.map(({ port }) => port)])].join("-")}`;
  const matches = [
    ["tcp", "dport", String(http)],
    ["tcp", "dport", String(dns)],
    ["udp", "dport", String(dns)],
    ...names.map((port) => ["udp", "dport", String(port)]),
    ...house.map(({ port, protocol }) => [protocol, "dport", String(port)]),
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

/** For a person to type: the shell would take `fossora*` for names of files. */
export function shellWords(command: Command): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(" ");
}
