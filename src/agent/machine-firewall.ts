// What `up` says and does about this machine's firewall, and how `down` takes it back.
import type { DockerContainers } from "../adapters/dockerode/containers.ts";
import { closeFirewall, lookAtFirewall, openFirewall, type Failed } from "../adapters/firewall/firewall.ts";
import { shellWords, type Firewall, type Port, type Ports } from "../adapters/firewall/rules.ts";
import { outerAddresses } from "../adapters/sockets/local-addresses.ts";
import { sharedNetworkName } from "../adapters/system/addresses.ts";
import type { HouseSummary } from "../api/wire.ts";
import type { Terminal } from "../cli/node-commands.ts";
import { checkApps } from "./apps-check.ts";
import { etcdPorts } from "./etcd.ts";
import { readInstallation, writeInstallation } from "./installation.ts";
import { isRoot } from "./settings.ts";

const dnsPort = 53;

export interface FirewallOptions {
  readonly summary: HouseSummary;
  readonly docker: DockerContainers;
  readonly dataDir: string;
  readonly mdns: boolean;
  /** Of the agent; the ingress has the next one. */
  readonly meshPort: number;
  readonly mayOpen: boolean;
}

export async function seeToFirewall(options: FirewallOptions, terminal: Terminal): Promise<void> {
  if (!isRoot()) return;
  const { summary, mayOpen, dataDir, mdns, meshPort } = options;
  const portOf = (protocol: string, usual: number): number => summary.listeners?.find((each) => each.protocol === protocol)?.port ?? usual;
  const { client, peer } = etcdPorts(dataDir);
  const tcp = [meshPort, meshPort + 1, client, peer].map((port) => ({ port, protocol: "tcp" as const }));
  const ports: Ports = {
    http: portOf("http", 80),
    dns: portOf("dns", dnsPort),
    mdns,
    house: [...tcp, { port: meshPort, protocol: "udp" }],
    routes: portsOfRoutes(summary.listeners, outerAddresses(sharedNetworkName)),
    bridge: sharedNetworkName,
  };
  const firewall = await lookAtFirewall(ports);
  if (firewall && firewall.open.length > 0) sayFirewall(mayOpen ? await open(ports, dataDir, terminal) : firewall, mayOpen, terminal);
  if (mayOpen || !firewall || firewall.open.length === 0) await checkApps(options, terminal);
}

/** What `--open-firewall` opened, and nothing else. What could not be taken back is told, and stays written down for the next time. */
export async function takeBackFirewall(dataDir: string, terminal: Pick<Terminal, "note" | "mark">): Promise<void> {
  const { firewall, ...rest } = readInstallation(dataDir);
  if (!firewall) return;
  const failed = await closeFirewall(firewall);
  const left = stillOpen(firewall, failed);
  writeInstallation(dataDir, { ...rest, ...(left !== undefined && { firewall: left }) });
  for (const { command, why } of failed)
    terminal.note(terminal.mark("warn", `${firewall.name} still lets others in: \`${shellWords(command)}\` failed (${why})`));
}

/** Undefined: nothing. A change of firewalld counts once it has reloaded. */
export function stillOpen(firewall: Firewall, failed: readonly Failed[]): Firewall | undefined {
  if (failed.length === 0) return undefined;
  const words = new Set(failed.map(({ command }) => shellWords(command)));
  return { ...firewall, open: [], close: firewall.close.filter((each) => words.has(shellWords(each)) || each.includes("--reload")) };
}

/** Raw ports that other computers may reach: not those on the apps' gateway alone. */
export function portsOfRoutes(listeners: HouseSummary["listeners"] = [], outer: readonly string[]): readonly Port[] {
  return listeners.flatMap(({ protocol, address, port, problem }) => {
    const isOuter = address === "::" || address === "0.0.0.0" || outer.includes(address);
    return (protocol === "tcp" || protocol === "udp") && isOuter && problem === undefined ? [{ port, protocol }] : [];
  });
}

/** What was opened for other ports is taken back before, and looked at anew: the rest of it would pass for the person's own. */
async function open(ports: Ports, dataDir: string, terminal: Terminal): Promise<Firewall | undefined> {
  await takeBackFirewall(dataDir, terminal);
  const firewall = await lookAtFirewall(ports);
  if (firewall === undefined) return undefined;
  const installation = readInstallation(dataDir);
  const close = [...(installation.firewall?.close ?? []), ...firewall.close];
  writeInstallation(dataDir, { ...installation, firewall: { ...firewall, close } });
  await openFirewall(firewall);
  return firewall;
}

function sayFirewall(firewall: Firewall | undefined, opened: boolean, terminal: Terminal): void {
  if (firewall === undefined) return; // it was switched off meanwhile
  const { name, lasting, open: commands } = firewall;
  if (opened)
    terminal.note(
      terminal.mark("ok", `${name} is open for the house${lasting ? "" : " until the next boot: add these rules to your own"}`),
    );
  else
    terminal.note(terminal.mark("warn", `${name} keeps other computers and the apps from the house. \`fossora up --open-firewall\` runs:`));
  if (!opened || !lasting) for (const command of commands) terminal.note(`         ${shellWords(command)}`);
}
