// The house as the demo sees it from outside: through the program's own commands, its DNS and its proxy.
import { Resolver } from "node:dns/promises";
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import type { HouseSummary } from "../src/api/wire.ts";
import { runCommand } from "./command.ts";
import { projectRoot } from "./machine.ts";

export const program = path.join(projectRoot, "dist/fossora");
const commandLimitMs = 180_000;
const answerLimitMs = 10_000;

/** Runs the built program; throws what it said when it fails. */
export async function fossora(...args: readonly string[]): Promise<string> {
  const { code, output } = await runCommand([program, ...args], { cwd: projectRoot, limitMs: commandLimitMs });
  if (code !== 0) throw new Error(`fossora ${args.join(" ")} exited with ${code ?? "a signal"}:\n${output.trimEnd()}`);
  return output;
}

/** Undefined while no node answers here. */
export async function houseSummary(): Promise<HouseSummary | undefined> {
  const { output } = await runCommand([program, "status", "-o", "json"], { cwd: projectRoot, limitMs: commandLimitMs });
  try {
    return JSON.parse(output) as HouseSummary; // the form that `status -o json` keeps
  } catch {
    return undefined;
  }
}

/** Its Services and nodes, as `service/jellyfin`. Undefined while no node answers here, or it is in no house. */
export async function houseThings(): Promise<readonly string[] | undefined> {
  const { code, output } = await runCommand([program, "get", "services,nodes", "-o", "name"], {
    cwd: projectRoot,
    limitMs: commandLimitMs,
  });
  return code === 0 ? output.split("\n").filter((line) => /^(service|node)\//.test(line)) : undefined;
}

/** As a person can type it: `fossora` where `up` has put it on the PATH. */
export function commandName(): string {
  const installed = (process.env["PATH"] ?? "").split(":").some((entry) => existsSync(path.join(entry, "fossora")));
  return installed ? "fossora" : path.relative(".", program);
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Why it is not the usual port. */
  readonly problem?: string;
}

/** Where the node answers for HTTP or DNS; a listener on all addresses is asked at loopback. */
export function listenerOf(house: HouseSummary, protocol: "http" | "dns"): Listener {
  const found = house.listeners?.find((listener) => listener.protocol === protocol);
  if (!found) throw new Error(`the node says that it does not listen for ${protocol}: fossora status`);
  return { ...found, address: ["0.0.0.0", "::", ""].includes(found.address) ? "127.0.0.1" : found.address };
}

/** What the house's own DNS answers, without the machine's resolver. */
export async function askHouse(name: string, dns: Listener): Promise<string> {
  const resolver = new Resolver({ timeout: 2_000, tries: 5 });
  resolver.setServers([`${dns.address}:${dns.port}`]);
  const [address] = await resolver.resolve4(name);
  if (address === undefined) throw new Error(`the house's DNS knows no address of ${name}`);
  return address;
}

/** The page under the name, fetched from an address of the house. */
export function fetchByName(name: string, address: string, port: number): Promise<string> {
  const host = port === 80 ? name : `${name}:${port}`;
  return new Promise((resolve, reject) => {
    const request = http.get({ host: address, port, path: "/", headers: { host }, timeout: answerLimitMs }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve(body) : reject(new Error(`http://${host}/ answered ${response.statusCode}:\n${body}`)),
      );
    });
    request.on("timeout", () => request.destroy(new Error(`http://${host}/ did not answer within ${answerLimitMs / 1000} s`)));
    request.on("error", reject);
  });
}
