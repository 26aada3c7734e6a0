// Whether the apps of this machine can ask the house for names, by trying it: rules that drop without a policy are found by nothing else.
import { ask } from "../adapters/dns/ask.ts";
import type { DockerContainers } from "../adapters/dockerode/containers.ts";
import { answersContainer, type ContainerCheck } from "../adapters/firewall/container-check.ts";
import { sharedNetworkName } from "../adapters/system/addresses.ts";
import type { HouseSummary } from "../api/wire.ts";
import type { Terminal } from "../cli/node-commands.ts";

const containersLimitMs = 5_000;
const dnsPort = 53;

export interface AppsCheckOptions {
  readonly summary: Pick<HouseSummary, "listeners" | "zone">;
  readonly docker: Pick<DockerContainers, "processes">;
}

export interface Askers {
  readonly fromContainer: (check: ContainerCheck) => Promise<boolean>;
  readonly fromHost: (check: ContainerCheck) => Promise<boolean>;
}

/** Says nothing where no app runs to try it from. */
export async function checkApps(
  { docker, summary }: AppsCheckOptions,
  terminal: Pick<Terminal, "note" | "mark">,
  { fromContainer, fromHost }: Askers = { fromContainer: answersContainer, fromHost: answersHost },
): Promise<void> {
  const containers = await docker.processes(AbortSignal.timeout(containersLimitMs)).catch(() => []); // away: `up` has said so
  const one = containers.find(({ pid, gateway }) => pid > 0 && gateway !== "");
  const listens = summary.listeners?.some(
    ({ protocol, address, port }) => protocol === "dns" && address === one?.gateway && port === dnsPort,
  );
  if (!one || !listens) return;
  const check = { ...one, port: dnsPort, zone: summary.zone };
  if (await fromContainer(check)) return;
  const problem = `apps cannot ask the house for names: ${one.gateway}:${dnsPort} does not answer`;
  if (!(await fromHost(check))) {
    terminal.note(terminal.mark("warn", `${problem}, this computer neither. Look at \`fossora status\``));
    return;
  }
  terminal.note(terminal.mark("warn", `${problem} them. Let them in:`));
  terminal.note(`         nft insert rule inet filter input iifname '${sharedNetworkName}*' accept`);
  terminal.note(`         or: iptables -I INPUT -i ${sharedNetworkName}+ -j ACCEPT`);
}

/** What does not answer this computer either no firewall keeps from the apps. */
function answersHost({ gateway, port, zone }: ContainerCheck): Promise<boolean> {
  return ask({ address: gateway, port, protocol: "udp" }, zone, "SOA").then(
    () => true,
    () => false,
  );
}
