// Looks at the firewall of this machine and runs the commands that a person agreed to.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { toolEnv } from "./tool-env.ts";
import { closeNftables, findFirewall, isOurs, type Command, type Firewall, type Ports } from "./rules.ts";

/** A command that did not do what it should, and its words. */
export interface Failed {
  readonly command: Command;
  readonly why: string;
}

const commandLimitMs = 10_000;
const outputBytesMax = 16 * 1024 * 1024;
const listRules: Command = ["nft", "-j", "list", "ruleset"];
/** Of ufw and firewalld. */
const goneAlready = /non-existent rule|NOT_ENABLED/;

/** Undefined: none is active, or none that would be in the way. */
export async function lookAtFirewall(ports: Ports): Promise<Firewall | undefined> {
  const [ufw, firewalld, trusted, nft] = await Promise.all([
    output(["ufw", "status"]),
    output(["firewall-cmd", "--permanent", "--list-ports"]),
    output(["firewall-cmd", "--permanent", "--zone=trusted", "--list-interfaces"]),
    output(listRules),
  ]);
  return findFirewall({ ufw, firewalld, trusted, nft }, ports);
}

export async function openFirewall(firewall: Firewall): Promise<void> {
  for (const command of firewall.open) await run(command);
}

/** Answers what could not be taken back. A rule that is gone already is taken back, and so is one whose firewall is not installed any more. */
export async function closeFirewall({ name, close }: Firewall): Promise<readonly Failed[]> {
  const failed: Failed[] = [];
  const attempt = async (command: Command, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isGone(error)) failed.push({ command, why: whyOf(error) });
    }
  };
  let commands = close.filter(isOurs);
  if (name === "nftables") await attempt(listRules, async () => (commands = [...commands, ...closeNftables(await run(listRules))]));
  for (const command of commands) await attempt(command, () => run(command));
  return failed;
}

async function run([program, ...args]: Command): Promise<string> {
  const options = { timeout: commandLimitMs, maxBuffer: outputBytesMax, env: toolEnv() };
  return (await promisify(execFile)(program, args, options)).stdout;
}

async function output(command: Command): Promise<string | undefined> {
  try {
    return await run(command);
  } catch {
    return undefined; // not installed, not allowed, or not running: then it is not in the way, as far as can be seen
  }
}

function isGone(error: unknown): boolean {
  const { code, stderr = "" } = error as { readonly code?: unknown; readonly stderr?: string }; // of execFile
  return code === "ENOENT" || goneAlready.test(stderr);
}

function whyOf(error: unknown): string {
  const { stderr = "", message } = error as { readonly stderr?: string; readonly message: string }; // of execFile
  return (stderr.trim() === "" ? message : stderr).trim().split("\n").at(-1) ?? "";
}
