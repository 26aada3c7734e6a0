// What the answers of name servers mean for a person: is it right, and if not, what to do and what to type next. Pure.
import { isIpv6 } from "../api/addresses.ts";
import type { DnsFacts, DnsReply } from "../api/dns-facts.ts";
import type { NameServer } from "../ports.ts";
import { SERVER, ZONE_DEFAULT } from "./dns-facts.ts";
import type { Mark } from "./terminal.ts";

export type Group = "servers" | "this computer" | "tailnet" | "local names";

export interface Finding {
  readonly group: Group;
  readonly mark: Mark;
  readonly text: string;
  readonly ms?: number;
  /** What to do about it, and the next command. */
  readonly fix?: string;
  readonly next?: string;
}

export type Outcome<T = DnsReply> = { readonly reply: T } | { readonly error: string };

/** The app whose name is asked for; absent: the house has none yet. */
export type App = DnsFacts["apps"][number] | undefined;

export interface ServerAnswers {
  readonly node: string;
  readonly server: NameServer;
  readonly soa: Outcome;
  readonly ns: Outcome;
  readonly app: Outcome | undefined;
  /** The app by IPv6; absent: not every computer of the house has that. */
  readonly ipv6: Outcome | undefined;
  /** Of a name that is not the house's; absent: it does not answer for those here. */
  readonly outside: Outcome | undefined;
}

/** Slower than this a page feels slow, for each name is asked anew after five seconds. */
const SLOW_MS = 100;
const DNS_PORT = 53;
const RESOLVED_STUBS: ReadonlySet<string> = new Set(["127.0.0.53", "127.0.0.54"]);
const MAGIC_DNS = "100.100.100.100";

const ON_ALL = "on the house's computers";

/** What a problem says of who has the port, and behind it how it is got back. */
const FIX_FOLLOWS = ". Nobody asks there: ";

/** `isFound`: this computer's own resolver finds the house's names, as where the LAN's own name server has the port and asks the house. */
export function judgePorts(facts: DnsFacts, isFound: boolean): readonly Finding[] {
  const isNode = facts.node !== "";
  const hasPort = ({ port, problem }: DnsFacts["nodes"][number]): boolean => problem === undefined && port === DNS_PORT;
  const mark = isFound || facts.nodes.some(hasPort) ? "warn" : "error";
  return facts.nodes.flatMap(({ name, lan, port, problem }): readonly Finding[] => {
    if (problem === undefined && (port === undefined || port === DNS_PORT)) return [];
    const [what = "", how] = problem?.split(FIX_FOLLOWS) ?? [`it answers on port ${port}`];
    return [
      {
        group: "servers",
        mark,
        text: `${isNode ? name : lan.join()} does not have port 53, which phones, routers and tailnets ask: ${what}`,
        fix: how ?? "free the port there; then: sudo fossora down && sudo fossora up",
        next: isNode ? `fossora describe node ${name}` : typed(facts, "fossora dns check"),
      },
    ];
  });
}

export function judgeServer(facts: DnsFacts, app: App, answers: ServerAnswers): Finding {
  const { node, server, soa, ns } = answers;
  const isNode = facts.node !== "";
  const host = isIpv6(server.address) ? `[${server.address}]` : server.address;
  const where = `${node} ${host}:${server.port} ${server.protocol}`;
  const finding = (mark: Mark, text: string, { next, ...more }: Partial<Finding> = {}): Finding => ({
    ...more,
    group: "servers",
    mark,
    text: `${where}  ${text}`,
    ...(next !== undefined && { next: typed(facts, next) }),
  });
  if ("error" in soa)
    return finding("error", soa.error, {
      fix: `is ${isNode ? node : host} on, and does its firewall let port ${server.port}/${server.protocol} through?`,
      next: isNode && node !== facts.node ? `fossora describe node ${node}` : "sudo fossora up --open-firewall",
    });
  const wrong = wrongSoa(facts.zone, soa.reply);
  if (wrong !== undefined) return finding("error", wrong.text, wrong);
  if ("error" in ns) return finding("error", `ns.${facts.zone}: ${ns.error}`, { next: "fossora status" });
  if (addressesIn(ns.reply).length === 0)
    return finding("error", `it knows no name server of ${facts.zone}`, {
      fix: "no computer of the house holds port 53",
      next: "fossora status",
    });
  if (app !== undefined && answers.app !== undefined) {
    const unknown = wrongApp(app, answers.app);
    if (unknown !== undefined) return finding("error", unknown, { next: `fossora describe dnsrecord ${app.name}` });
    const wrongIpv6 = answers.ipv6 && wrongByIpv6(facts, app, answers.ipv6);
    if (wrongIpv6 !== undefined) return finding("error", wrongIpv6, { next: `fossora describe dnsrecord ${app.name}` });
  }
  const closed = answers.outside === undefined ? undefined : wrongOutside(answers.outside);
  if (closed !== undefined)
    return finding("error", `it finds nothing outside of ${facts.zone}: ${closed}`, {
      fix: "whom the House's spec.resolver.upstream names does not answer",
      next: "fossora describe house house",
    });
  const ms = soa.reply.ms;
  const said =
    app !== undefined && answers.app !== undefined && "reply" in answers.app
      ? `${app.fqdn} is ${[answers.app, answers.ipv6].flatMap((each) => (each && "reply" in each ? addressesIn(each.reply) : [])).join(", ")}`
      : "it answers for the zone";
  return ms > SLOW_MS
    ? finding("warn", `${said}, but slowly`, { ms, fix: "a poor link, or a busy computer" })
    : finding("ok", said, { ms });
}

function wrongSoa(
  zone: string,
  { rcode, authoritative, answers }: DnsReply,
): { readonly text: string; readonly fix?: string; readonly next?: string } | undefined {
  const [soa] = answers.filter(({ type }) => type === "SOA");
  if (rcode === "SERVFAIL")
    return {
      text: "it does not know the house yet (SERVFAIL)",
      fix: "it has just started, or its agent has no table for it",
      next: "fossora status",
    };
  if (rcode === "REFUSED")
    return {
      text: "it refuses to answer (REFUSED)",
      fix: `its zone is another one than ${zone}, or this computer is in no network that it knows`,
      next: "fossora get house",
    };
  if (soa?.data === `ns.${zone}` && authoritative) return undefined;
  return {
    text: `somebody else answers there (${rcode}${soa === undefined ? "" : `, ${soa.data}`})`,
    fix: "another DNS server has that port",
    next: "fossora status",
  };
}

function wrongApp(app: NonNullable<App>, outcome: Outcome): string | undefined {
  if ("error" in outcome) return `${app.fqdn}: ${outcome.error}`;
  return addressesIn(outcome.reply).length === 0 ? `it has no address for ${app.fqdn} (${outcome.reply.rcode})` : undefined;
}

function wrongByIpv6(facts: DnsFacts, { fqdn }: NonNullable<App>, outcome: Outcome): string | undefined {
  if ("error" in outcome) return `${fqdn} by IPv6: ${outcome.error}`;
  const addresses = addressesIn(outcome.reply);
  if (addresses.length === 0)
    return `it has no IPv6 address for ${fqdn}, though each computer of the house has one (${outcome.reply.rcode})`;
  const strangers = addresses.filter((address) => !isOfHouse(facts, address));
  return strangers.length === 0 ? undefined : `${fqdn} is ${strangers.join(", ")}, which is no computer of this house`;
}

function wrongOutside(outcome: Outcome): string | undefined {
  if ("error" in outcome) return outcome.error;
  return addressesIn(outcome.reply).length === 0 ? outcome.reply.rcode : undefined;
}

/** `resolver`: what this computer's own resolver said of the name. */
export function judgeResolver(
  facts: DnsFacts,
  name: string,
  resolver: Outcome<{ readonly addresses: readonly string[]; readonly ms: number }>,
  asks: { readonly nameServers: readonly string[]; readonly platform: string },
): Finding {
  const setup = `fossora dns setup ${setupWord(asks)}${flagsFor(facts)}`;
  const finding = (mark: Mark, text: string, more: Partial<Finding> = {}): Finding => ({ group: "this computer", mark, text, ...more });
  const asked = asks.nameServers.length === 0 ? "" : `; it asks ${asks.nameServers.join(", ")}`;
  if ("error" in resolver)
    return finding("error", `${name}: ${resolver.error}${asked}`, { fix: "whom it asks does not answer at all", next: setup });
  const { addresses, ms } = resolver.reply;
  if (addresses.length === 0)
    return finding("error", `${name}: it finds no such name${asked}`, {
      fix: `let it, or whom it asks, ask the house for ${facts.zone}`,
      next: setup,
    });
  const strangers = addresses.filter((address) => !isOfHouse(facts, address));
  if (strangers.length > 0)
    return finding("error", `${name} leads to ${strangers.join(", ")}, which is no computer of this house`, {
      fix: `somebody else answers for ${facts.zone}${asked}`,
      next: setup,
    });
  return finding("ok", `${name} is ${addresses.join(", ")}`, { ms });
}

export function judgeTailnet(facts: DnsFacts, routes: Readonly<Record<string, readonly string[]>> | undefined): readonly Finding[] {
  const finding = (mark: Mark, text: string, more: Partial<Finding> = {}): Finding => ({ group: "tailnet", mark, text, ...more });
  const next = typed(facts, "fossora dns setup tailscale", ON_ALL);
  if (routes === undefined) return [];
  const tailnetOfHouse = new Set(facts.nodes.flatMap(({ tailnet }) => tailnet));
  const servers = routes[facts.zone] ?? [];
  if (servers.length === 0)
    return [finding("warn", `the tailnet sends nobody to the house for ${facts.zone}: away from home the names are not found`, { next })];
  const strangers = servers.filter((server) => !tailnetOfHouse.has(server));
  if (strangers.length > 0)
    return [
      finding("error", `the tailnet asks ${strangers.join(", ")} for ${facts.zone}, which is no computer of this house`, {
        fix: "an address of before: replace it",
        next,
      }),
    ];
  const missing = facts.nodes.filter(
    ({ tailnet, port }) => port === DNS_PORT && tailnet.length > 0 && !tailnet.some((address) => servers.includes(address)),
  );
  const said = `${facts.zone} is asked of ${servers.join(", ")}`;
  if (missing.length > 0) return [finding("warn", `${said}; ${missing.map(({ name }) => name).join(", ")} could answer too`, { next })];
  return [finding("ok", said)];
}

/** `outcome`: absent where nobody was asked, for no name is announced. */
export function judgeLocal(facts: DnsFacts, name: string, outcome: Outcome | undefined): readonly Finding[] {
  const problems = facts.localNames.flatMap(({ host, problem }): readonly Finding[] =>
    problem === undefined
      ? []
      : [
          {
            group: "local names",
            mark: "warn",
            text: `${host}.local is not announced: ${problem}`,
            next: `fossora describe route ${host}`,
          },
        ],
  );
  if (outcome === undefined) return problems;
  const finding = (mark: Mark, text: string, more: Partial<Finding> = {}): Finding => ({ group: "local names", mark, text, ...more });
  if ("error" in outcome)
    return [
      ...problems,
      finding("warn", `${name}: ${outcome.error}`, {
        fix: "a firewall keeps out UDP 5353, or the network keeps its devices apart (guest Wi-Fi)",
        next: typed(facts, "sudo fossora up --open-firewall", ON_ALL),
      }),
    ];
  const addresses = addressesIn(outcome.reply);
  const strangers = addresses.filter((address) => !isOfHouse(facts, address));
  if (strangers.length > 0)
    return [
      ...problems,
      finding("warn", `${name} leads to ${strangers.join(", ")}, another device of that name`, {
        fix: "give it or the Route another name",
      }),
    ];
  return [...problems, finding("ok", `${name} is ${addresses.join(", ")}`, { ms: outcome.reply.ms })];
}

/** Where no node is asked here, commands that need one are typed elsewhere: where the server is that was spoken of. */
function typed({ node }: DnsFacts, command: string, where = "there"): string {
  return node === "" ? `${where}: ${command}` : command;
}

/** Where no node is asked here, whom else. */
function flagsFor({ node, nodes, zone }: DnsFacts): string {
  if (node !== "") return "";
  const servers = nodes.flatMap(({ name, lan, port }) => (name === SERVER ? lan.map((address) => serverFlag(address, port)) : []));
  return [...servers, ...(zone === ZONE_DEFAULT ? [] : [` --zone ${zone}`])].join("");
}

function serverFlag(address: string, port = DNS_PORT): string {
  const host = isIpv6(address) ? `[${address}]` : address;
  return ` --server ${port === DNS_PORT ? host : `${host}:${port}`}`;
}

function isOfHouse({ nodes }: DnsFacts, address: string): boolean {
  return (
    address.startsWith("127.") || address === "::1" || nodes.some(({ lan, tailnet }) => lan.includes(address) || tailnet.includes(address))
  );
}

function addressesIn({ answers }: DnsReply): readonly string[] {
  return answers.filter(({ type }) => type === "A" || type === "AAAA").map(({ data }) => data);
}

function setupWord({ nameServers, platform }: { readonly nameServers: readonly string[]; readonly platform: string }): string {
  if (platform === "darwin") return "macos";
  if (nameServers.some((server) => RESOLVED_STUBS.has(server))) return "resolved";
  return nameServers.includes(MAGIC_DNS) ? "tailscale" : "router";
}
