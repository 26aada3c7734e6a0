// `dns check`: asks the real servers the real questions, from the computer where it is typed, and says what is wrong.
import { isIpv4, isIpv6, isLocalIpv6 } from "../api/addresses.ts";
import type { DnsFacts } from "../api/dns-facts.ts";
import type { DnsProbe, NameServer } from "../ports.ts";
import {
  judgeLocal,
  judgePorts,
  judgeResolver,
  judgeServer,
  judgeTailnet,
  type App,
  type Finding,
  type Group,
  type Outcome,
  type ServerAnswers,
} from "./dns-judge.ts";
import { findFacts, SERVER, type FactFlags } from "./dns-facts.ts";
import { EXIT, Failure } from "./failure.ts";
import { parseFormat, yaml } from "./print.ts";
import type { Output } from "./terminal.ts";
import type { CliPorts } from "./verb.ts";

export interface CheckFlags extends FactFlags {
  readonly output?: string;
}

const DNS_PORT = 53;
const SERVERS_MAX = 32;
/** Reserved for such uses (RFC 2606), and always there. */
const OUTSIDE = "example.com";
const GROUPS: readonly Group[] = ["servers", "this computer", "tailnet", "local names"];

export async function runDnsCheck(name: string | undefined, flags: CheckFlags, ports: CliPorts): Promise<number> {
  const format = parseFormat(flags.output);
  const probe = await ports.dns();
  const facts = await findFacts(flags, ports, probe);
  const app = appFor(facts, name);
  const findings = await examine(facts, app, probe);
  const problems = findings.filter(({ mark }) => mark === "error").length;
  const warnings = findings.filter(({ mark }) => mark === "warn").length;
  const report = { kind: "DnsCheck", zone: facts.zone, ...(app && { app: app.fqdn }), findings, problems, warnings };
  if (format.kind === "json") ports.stdout.line(JSON.stringify(report, undefined, 2));
  else if (format.kind === "yaml") ports.stdout.line(await yaml(report));
  else print(ports.stdout, { facts, app, findings, summary: summaryOf(problems, warnings) });
  return problems > 0 ? EXIT.failed : EXIT.ok;
}

interface Asked {
  readonly node: string;
  readonly server: NameServer;
  readonly network: "lan" | "tailnet";
  /** It should know the names of everybody else too. */
  readonly resolves: boolean;
}

async function examine(facts: DnsFacts, app: App, probe: DnsProbe): Promise<readonly Finding[]> {
  const [servers, resolver, routes, local] = await Promise.all([
    Promise.all(serversOf(facts).map((server) => askServer(facts, app, server, probe))),
    askResolver(probe, nameToFind(facts, app)),
    probe.splitDns().catch(() => undefined),
    askLocal(facts, app, probe),
  ]);
  const whole = { ...facts, nodes: [...facts.nodes, { name: "", lan: answeredBy(servers), tailnet: [] }] };
  const asks = { nameServers: probe.nameServers(), platform: probe.platform };
  const found = judgeResolver(whole, nameToFind(facts, app), resolver, asks);
  return [
    ...judgePorts(facts, found.mark === "ok"),
    ...servers.map((answers) => judgeServer(facts, app, answers)),
    found,
    ...judgeTailnet(facts, routes),
    ...judgeLocal(whole, localName(app), local),
  ];
}

/** What the house's own servers say is right, wherever it leads. */
function answeredBy(servers: readonly ServerAnswers[]): readonly string[] {
  const replies = servers
    .flatMap(({ ns, app, ipv6 }) => [ns, app, ipv6])
    .flatMap((each) => (each !== undefined && "reply" in each ? [each.reply] : []));
  return replies.flatMap(({ answers }) => answers.map(({ data }) => data));
}

/** Over the tailnet, and by IPv6, only from a computer that has an address there; or where that was asked for. */
function serversOf({ nodes, node, resolves }: DnsFacts): readonly Asked[] {
  const own = nodes.find(({ name }) => name === node);
  const networks = (own?.tailnet.length ?? 0) > 0 ? (["lan", "tailnet"] as const) : (["lan"] as const);
  const isAsked = (address: string, network: "lan" | "tailnet"): boolean =>
    isIpv4(address) || (isLocalIpv6(address) && own?.[network].some(isLocalIpv6) === true);
  return nodes
    .flatMap(({ name, port = DNS_PORT, ...addresses }) =>
      networks.flatMap((network) =>
        addresses[network]
          .filter((address) => name === SERVER || isAsked(address, network))
          .flatMap((address) =>
            (["udp", "tcp"] as const).map((protocol) => ({
              node: name,
              server: { address, port, protocol },
              resolves: resolves.includes(network),
              network,
            })),
          ),
      ),
    )
    .slice(0, SERVERS_MAX);
}

async function askServer(facts: DnsFacts, app: App, asked: Asked, probe: DnsProbe): Promise<ServerAnswers> {
  const { node, server, resolves, network } = asked;
  const [soa, ns, forApp, ipv6, outside] = await Promise.all([
    outcome(probe.ask(server, facts.zone, "SOA")),
    outcome(probe.ask(server, `ns.${facts.zone}`, "A")),
    app === undefined ? undefined : outcome(probe.ask(server, app.fqdn, "A")),
    app === undefined || !isIpv6Told(facts, network) ? undefined : outcome(probe.ask(server, app.fqdn, "AAAA")),
    resolves ? outcome(probe.ask(server, OUTSIDE, "A")) : undefined,
  ]);
  return { node, server, soa, ns, app: forApp, ipv6, outside };
}

/** Whichever of the house's computers a name leads to, it has an IPv6 address where the question comes from. */
function isIpv6Told({ nodes }: DnsFacts, network: "lan" | "tailnet"): boolean {
  return nodes.length > 0 && nodes.every((node) => node[network].some(isIpv6)) && nodes.every(({ name }) => name !== SERVER);
}

async function askResolver(
  probe: DnsProbe,
  name: string,
): Promise<Outcome<{ readonly addresses: readonly string[]; readonly ms: number }>> {
  const startedMs = performance.now();
  return outcome(probe.lookup(name).then((addresses) => ({ addresses, ms: performance.now() - startedMs })));
}

/** Only where a name is announced, or where no node tells: nobody is to be blamed for what is switched off. */
async function askLocal({ localNames, node }: DnsFacts, app: App, probe: DnsProbe): Promise<Outcome | undefined> {
  const isAnnounced =
    localNames.some(({ host, state }) => host === app?.name && state === "announced") || (node === "" && app !== undefined);
  return isAnnounced ? outcome(probe.askLocal(localName(app))) : undefined;
}

function nameToFind(facts: DnsFacts, app: App): string {
  return app?.fqdn ?? `ns.${facts.zone}`;
}

function localName(app: App): string {
  return `${app?.name ?? ""}.local`;
}

function appFor({ apps, zone }: DnsFacts, name: string | undefined): App {
  if (name === undefined) return apps[0];
  const label = name.replace(/\.$/, "").toLowerCase();
  const found = apps.find((app) => app.name === label || app.fqdn === label);
  if (found !== undefined || apps.length > 0 || zone === "") {
    if (found === undefined)
      throw new Failure(EXIT.notFound, `Cannot check "${name}": no app of that name is ready.`, "fossora get dnsrecords");
    return found;
  }
  const fqdn = label === zone || label.endsWith(`.${zone}`) ? label : `${label}.${zone}`;
  return { name: label.split(".")[0] ?? label, fqdn, addresses: [] };
}

async function outcome<T>(answer: Promise<T>): Promise<Outcome<T>> {
  try {
    return { reply: await answer };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function summaryOf(problems: number, warnings: number): string {
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
  if (problems + warnings === 0) return "All is well.";
  return `${[problems > 0 ? count(problems, "problem") : "", warnings > 0 ? count(warnings, "warning") : ""].filter(Boolean).join(", ")}.`;
}

function print(
  stdout: Output,
  shown: { readonly facts: DnsFacts; readonly app: App; readonly findings: readonly Finding[]; readonly summary: string },
): void {
  const { facts, app, findings, summary } = shown;
  stdout.line(`${facts.zone}${app === undefined ? "" : `, asked for ${app.fqdn}`}`);
  for (const group of GROUPS) {
    const found = findings.filter((finding) => finding.group === group);
    if (found.length === 0) continue;
    stdout.line("");
    stdout.line(stdout.colors.bold(group));
    for (const { mark, text, ms, fix, next } of found) {
      stdout.line(`  ${stdout.marks[mark]} ${text}${ms === undefined ? "" : `  ${milliseconds(ms)}`}`);
      if (fix !== undefined) stdout.line(`      fix: ${fix}`);
      if (next !== undefined) stdout.line(`      → ${next}`);
    }
  }
  stdout.line("");
  stdout.line(summary);
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
