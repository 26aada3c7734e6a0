// How each kind of load of the ingress' bench is made, and what one run of it gave.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { findCommand } from "../../tools/machine.ts";
import { MIB, processFigures } from "./measure.ts";
import { dnsNames, loadCore, spawnOn, type Peer } from "./ingress-peers.ts";
import { browserHeaders, HOST } from "./ingress-shapes.ts";
import type { Sample } from "./ingress-table.ts";

const CONNECTIONS = 32;
const STREAM_BYTES = 100_000_000;
const OUTPUT_BYTES_MAX = 256 * MIB;
const LIMIT_MS = 120_000;
const client = path.join(import.meta.dirname, "ingress-client.ts");

interface Ran {
  readonly units: number;
  readonly seconds: number;
  readonly p99Ms?: number;
}

export interface RequestLoad {
  readonly path: "/" | "/page";
  readonly seconds: number;
  /** As browsers send them. */
  readonly headers?: boolean;
  /** A connection for each request. */
  readonly fresh?: boolean;
}

export function requests(peer: Peer, load: RequestLoad): Sample {
  const { path: target, seconds } = load;
  const wrk = findCommand("wrk");
  const headers = { Host: HOST, ...(load.headers && browserHeaders), ...(load.fresh && { Connection: "close" }) };
  const own = JSON.stringify({ ...load, headers, connections: CONNECTIONS });
  if (wrk === undefined) return sample(peer, () => ownLoad("requests", peer.port, own));
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s", "--latency", ...lines];
  return sample(peer, () => parseWrk(run(wrk, [...args, `http://127.0.0.1:${peer.port}${target}`])));
}

export function stream(peer: Peer, direction: "down" | "up", times: number): Sample {
  return sample(peer, () => ownLoad(direction, peer.port, STREAM_BYTES, times));
}

/** Bytes of memory for each WebSocket that is open and says nothing. */
export async function idleSockets(peer: Peer, count: number): Promise<Sample> {
  const before = processFigures(peer.pid).anonymousBytes;
  const child = spawnOn(loadCore, process.execPath, [client, "sockets", String(peer.port), String(count)]);
  if (child.stdout === null) throw new Error("a pipe was asked for");
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => Promise.reject(new Error(`${peer.name} opened no ${count} WebSockets`))),
  ]);
  const each = (processFigures(peer.pid).anonymousBytes - before) / count;
  child.stdin?.end();
  await once(child, "exit");
  return { value: each / 1024 };
}

/** As fast as it goes. */
export function queries(peer: Peer, folder: string, seconds: number): Sample | undefined {
  const dnsperf = findCommand("dnsperf");
  if (dnsperf === undefined) return undefined;
  return sample(peer, () => {
    const text = run(dnsperf, dnsperfArgs(peer, folder, seconds));
    return { units: Number(/Queries completed: +(\d+)/.exec(text)?.[1]), seconds: Number(/Run time \(s\): +([\d.]+)/.exec(text)?.[1]) };
  });
}

/** At a rate that every server bears: how long an answer takes. */
export function queryTimes(peer: Peer, folder: string, load: { readonly seconds: number; readonly perSecond: number }): Sample | undefined {
  const dnsperf = findCommand("dnsperf");
  if (dnsperf === undefined) return undefined;
  const text = run(dnsperf, [...dnsperfArgs(peer, folder, load.seconds), "-Q", String(load.perSecond), "-v"]);
  const times = [...text.matchAll(/^> NOERROR \S+ A ([\d.]+)$/gm)].map((match) => Number(match[1]) * 1000).sort((a, b) => a - b);
  return { value: times[Math.floor(times.length * 0.99)] ?? NaN };
}

function dnsperfArgs(peer: Peer, folder: string, seconds: number): readonly string[] {
  const file = path.join(folder, "queries");
  writeFileSync(file, dnsNames.map((name) => `${name} A\n`).join(""));
  return ["-s", "127.0.0.1", "-p", String(peer.port), "-d", file, "-l", String(seconds), "-c", "8", "-T", "1", "-e"];
}

/** The rate, and the processor's time for each request, megabyte or query: the figure that other work on the machine changes least. */
function sample(peer: Peer, load: () => Ran): Sample {
  const before = processFigures(peer.pid).cpuMs;
  const { units, seconds, p99Ms } = load();
  const cpuMs = processFigures(peer.pid).cpuMs - before;
  return { value: units / seconds, cpuUs: (cpuMs * 1000) / units, ...(p99Ms !== undefined && { p99Ms }) };
}

function ownLoad(...args: readonly (string | number)[]): Ran {
  return JSON.parse(run(process.execPath, [client, ...args.map(String)])) as Ran; // what ingress-client.ts prints
}

function run(file: string, args: readonly string[]): string {
  const options = { encoding: "utf8", maxBuffer: OUTPUT_BYTES_MAX, timeout: LIMIT_MS } as const;
  const { status, stdout, stderr, error } = spawnSync("taskset", ["-c", loadCore, file, ...args], options);
  if (status !== 0) throw error ?? new Error(`Cannot measure: ${path.basename(file)} ended with ${status}: ${stderr}${stdout}`);
  return stdout;
}

const UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

function parseWrk(text: string): Ran {
  const trouble = /^.*(Non-2xx|Socket errors).*$/m.exec(text)?.[0];
  if (trouble !== undefined) throw new Error(`Cannot measure: ${trouble.trim()}`);
  const [, p99, unit = ""] = /^ +99% +([\d.]+)(us|ms|s)$/m.exec(text) ?? [];
  const [, units, seconds] = /^ +(\d+) requests in ([\d.]+)s/m.exec(text) ?? [];
  return { units: Number(units), seconds: Number(seconds), p99Ms: Number(p99) * (UNITS_MS[unit] ?? NaN) };
}
