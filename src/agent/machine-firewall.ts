// What `up` says and does about this machine's firewall, and how `down` takes it back.
import type { DockerContainers } from "../adapters/dockerode/containers.ts";
import { closeFirewall, lookAtFirewall, openFirewall } from "../adapters/firewall/firewall.ts";
import { shellWords, type Firewall } from "../adapters/firewall/rules.ts";
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
  const firewall = await lookAtFirewall({
    http: portOf("http", 80),
    dns: portOf("dns", dnsPort),
    mdns,
    house: [...tcp, { port: meshPort, protocol: "udp" }],
    bridge: sharedNetworkName,
  });
  if (firewall && firewall.open.length > 0) {
    if (mayOpen) await open(firewall, dataDir);
    sayFirewall(firewall, mayOpen, terminal);
  }
  if (mayOpen || !firewall || firewall.open.length === 0) await checkApps(options, terminal);
}

/** What `--open-firewall` opened, and nothing else. */
export async function takeBackFirewall(dataDir: string): Promise<void> {
  const { firewall, ...rest } = readInstallation(dataDir);
  if (!firewall) return;
  await closeFirewall(firewall);
  writeInstallation(dataDir, rest);
}

async function open(firewall: Firewall, dataDir: string): Promise<void> {
  await takeBackFirewall(dataDir); // for other ports
  writeInstallation(dataDir, { ...readInstallation(dataDir), firewall });
  await openFirewall(firewall);
}

function sayFirewall({ name, lasting, open: commands }: Firewall, opened: boolean, terminal: Terminal): void {
  if (opened)
    terminal.note(
      terminal.mark("ok", `${name} is open for the house${lasting ? "" : " until the next boot: add these rules to your own"}`),
    );
  else
    terminal.note(terminal.mark("warn", `${name} keeps other computers and the apps from the house. \`fossora up --open-firewall\` runs:`));
  if (!opened || !lasting) for (const command of commands) terminal.note(`         ${shellWords(command)}`);
}
