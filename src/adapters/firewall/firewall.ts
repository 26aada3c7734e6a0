// Looks at the firewall of this machine and runs the commands that a person agreed to.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { closeNftables, findFirewall, type Command, type Firewall, type Ports } from "./rules.ts";

const commandLimitMs = 10_000;
const outputBytesMax = 16 * 1024 * 1024;

/** Undefined: none is active, or none that would be in the way. */
export async function lookAtFirewall(ports: Ports): Promise<Firewall | undefined> {
  const [ufw, firewalld, trusted, nft] = await Promise.all([
    output("ufw", "status"),
    output("firewall-cmd", "--permanent", "--list-ports"),
    output("firewall-cmd", "--permanent", "--zone=trusted", "--list-interfaces"),
    output("nft", "-j", "list", "ruleset"),
  ]);
  return findFirewall({ ufw, firewalld, trusted, nft }, ports);
}

export async function openFirewall(firewall: Firewall): Promise<void> {
  for (const command of firewall.open) await run(command);
}

/** A rule that is gone already is as good as taken back. */
export async function closeFirewall(firewall: Firewall): Promise<void> {
  const commands = firewall.name === "nftables" ? closeNftables(await output("nft", "-j", "list", "ruleset")) : firewall.close;
  for (const command of commands) await run(command).catch(() => {});
}

async function run([program, ...args]: Command): Promise<void> {
  await promisify(execFile)(program, args, { timeout: commandLimitMs });
}

async function output(program: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(program, args, { timeout: commandLimitMs, maxBuffer: outputBytesMax })).stdout;
  } catch {
    return undefined; // not installed, not allowed, or not running: then it is not in the way, as far as can be seen
  }
}
