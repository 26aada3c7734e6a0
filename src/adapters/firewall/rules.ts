// What a firewall of this machine would keep from the house, and the commands that open it. Pure: texts in, commands out.

export interface Ports {
  readonly http: number;
  readonly dns: number;
  /** The bridge of the apps: they ask the house for names on its gateway. */
  readonly bridge: string;
}

export type Command = readonly [program: string, ...args: string[]];

export interface Firewall {
  readonly name: "ufw" | "firewalld" | "nftables";
  /** They open the ports, in this order. */
  readonly open: readonly Command[];
  /** They take that back. nftables' rules are found by their comment instead. */
  readonly close: readonly Command[];
  /** False: gone after a reboot unless the person adds them to their own rules. */
  readonly lasting: boolean;
}

export const ruleComment = "fossora";

/** Outputs of `ufw status`, `firewall-cmd --state` and `nft -j list ruleset`; undefined: not installed, or it failed. */
export function findFirewall(
  outputs: { readonly ufw?: string; readonly firewalld?: string; readonly nft?: string },
  ports: Ports,
): Firewall | undefined {
  if (/^Status: active/m.test(outputs.ufw ?? "")) return ufw(ports);
  if (/^running/m.test(outputs.firewalld ?? "")) return firewalld(ports);
  const chains = droppingChains(outputs.nft);
  return chains.length === 0 ? undefined : nftables(chains, ports);
}

function ufw(ports: Ports): Firewall {
  const rules = [[`${ports.http}/tcp`], [String(ports.dns)], ["in", "on", ports.bridge]];
  return {
    name: "ufw",
    open: rules.map((rule): Command => ["ufw", "allow", ...rule, "comment", ruleComment]),
    close: rules.map((rule): Command => ["ufw", "delete", "allow", ...rule]),
    lasting: true,
  };
}

function firewalld(ports: Ports): Firewall {
  const change = (verb: "add" | "remove"): readonly Command[] => [
    ...[`${ports.http}/tcp`, `${ports.dns}/tcp`, `${ports.dns}/udp`].map((port): Command => [
      "firewall-cmd",
      "--permanent",
      `--${verb}-port=${port}`,
    ]),
    ["firewall-cmd", "--permanent", "--zone=trusted", `--${verb}-interface=${ports.bridge}`],
    ["firewall-cmd", "--reload"],
  ];
  return { name: "firewalld", open: change("add"), close: change("remove"), lasting: true };
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

function nftables(chains: readonly Chain[], ports: Ports): Firewall {
  const open = chains.flatMap(({ family, table, name }) => {
    const insert = (...match: string[]): Command => [
      "nft",
      "insert",
      "rule",
      family,
      table,
      name,
      ...match,
      "accept",
      "comment",
      ruleComment,
    ];
    return [
      insert("tcp", "dport", `{ ${ports.http}, ${ports.dns} }`),
      insert("udp", "dport", String(ports.dns)),
      insert("iifname", ports.bridge),
    ];
  });
  return { name: "nftables", open, close: [], lasting: false };
}

/** Base chains at the input hook whose policy is drop. */
function droppingChains(json: string | undefined): readonly Chain[] {
  return nftObjects(json).flatMap(({ chain }) =>
    chain?.hook === "input" && chain.policy === "drop" ? [{ family: chain.family, table: chain.table, name: chain.name }] : [],
  );
}

/** The commands that remove what `open` made, from `nft -j list ruleset`. */
export function closeNftables(json: string | undefined): readonly Command[] {
  return nftObjects(json).flatMap(({ rule }): readonly Command[] =>
    rule?.comment === ruleComment ? [["nft", "delete", "rule", rule.family, rule.table, rule.chain, "handle", String(rule.handle)]] : [],
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
