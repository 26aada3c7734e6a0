// `npm run bench -- ingress`: the data plane beside its peers, one core each, in interleaved rounds: HTTP beside Caddy, nginx and bare
// http-proxy, DNS beside dnsmasq. Prints the tables of the README; answers whether all aims were reached.
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { findCommand, installPackages, type Say } from "../../tools/machine.ts";
import { idleSockets, queries, queryTimes, requests, stream } from "./ingress-load.ts";
import {
  endAll,
  loadCore,
  mayInstall,
  proxyCore,
  startNameServers,
  startNodeApp,
  startProxies,
  startQuickApp,
  type Absent,
  type Peer,
} from "./ingress-peers.ts";
import { columns, head, judge, type Row, type Sample } from "./ingress-table.ts";
import { MIB, processFigures } from "./measure.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
const seconds = Number(process.env["BENCH_SECONDS"] ?? 2);
const streamTimes = Number(process.env["BENCH_STREAMS"] ?? 5);
const socketCount = Number(process.env["BENCH_SOCKETS"] ?? 1000);
const DNS_STEADY_PER_SECOND = 10_000;
const MEMORY_MOST_MIB = 120;

type Measure = (peer: Peer) => Sample | undefined | Promise<Sample | undefined>;

export async function benchIngress(say: Say): Promise<boolean> {
  if (mayInstall) installLoads(say);
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-bench-"));
  try {
    const http = [...(await requestRows(folder, say)), ...(await streamRows(folder, say))];
    const dns = await dnsRows(folder, say);
    const where = proxyCore === loadCore ? "all on one core" : `proxy on core ${proxyCore}, load and app on core ${loadCore}`;
    say(`${where}; ${rounds} rounds; load of the machine ${loadavg()[0]?.toFixed(1)}`);
    return [http, dns].map(print).every((ok) => ok);
  } finally {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

function installLoads(say: Say): void {
  const packages = Object.entries({ wrk: "wrk", dnsperf: "dnsperf", dnsmasq: "dnsmasq-base" });
  const missing = packages.filter(([command]) => findCommand(command) === undefined).map(([, name]) => name);
  try {
    if (missing.length > 0) installPackages(missing, say);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

async function requestRows(folder: string, say: Say): Promise<readonly Row[]> {
  const peers = present(await startProxies(folder, await startQuickApp(folder)), say);
  // A JIT compiles what is asked often: the first seconds are not what people get.
  for (const peer of peers) for (const path of ["/", "/page"] as const) requests(peer, { path, seconds, headers: path === "/page" });
  const aim = { beside: "Caddy", ratio: 1.5, p99Lower: true };
  const small = await row({ name: "20 B, 32 connections", unit: "/s", aim }, peers, (peer) => requests(peer, { path: "/", seconds }));
  const page = await row({ name: "8 KiB, browser's headers", unit: "/s", aim }, peers, (peer) =>
    requests(peer, { path: "/page", seconds, headers: true }),
  );
  const fresh = await row({ name: "a connection each", unit: "/s", aim: { beside: "Caddy", ratio: 1 } }, peers, (peer) =>
    requests(peer, { path: "/", seconds, fresh: true }),
  );
  const memory: Row = {
    name: "memory after that (RSS)",
    unit: "MiB",
    most: MEMORY_MOST_MIB,
    samples: new Map(peers.map((peer) => [peer.name, [{ value: processFigures(peer.pid).rssBytes / MIB }]])),
  };
  await endAll();
  return [small, page, fresh, memory];
}

async function streamRows(folder: string, say: Say): Promise<readonly Row[]> {
  const peers = present(await startProxies(folder, await startNodeApp()), say);
  const sockets = await row(
    { name: "an idle WebSocket", unit: "KiB", aim: { beside: "Caddy", ratio: 1, lower: true }, rounds: 1 },
    peers,
    (peer) => idleSockets(peer, socketCount),
  );
  const down = await row({ name: "100 MB down", unit: "MB/s", aim: { beside: "Caddy", ratio: 0.75 } }, peers, (peer) =>
    stream(peer, "down", streamTimes),
  );
  const up = await row({ name: "100 MB up", unit: "MB/s", aim: { beside: "Caddy", ratio: 1 } }, peers, (peer) =>
    stream(peer, "up", streamTimes),
  );
  await endAll();
  return [down, up, sockets];
}

async function dnsRows(folder: string, say: Say): Promise<readonly Row[]> {
  if (findCommand("dnsperf") === undefined) {
    say("DNS is not measured: dnsperf is not installed");
    return [];
  }
  const peers = present(await startNameServers(folder), say);
  for (const peer of peers) queries(peer, folder, seconds);
  const fast = await row(
    { name: "DNS, as fast as it goes", unit: "/s", aim: { beside: "dnsmasq", ratio: 0.75, byCpu: true } },
    peers,
    (peer) => queries(peer, folder, seconds),
  );
  const steady = await row({ name: `DNS at ${DNS_STEADY_PER_SECOND.toLocaleString("en")}/s: p99`, unit: "ms" }, peers, (peer) =>
    queryTimes(peer, folder, { seconds, perSecond: DNS_STEADY_PER_SECOND }),
  );
  await endAll();
  return [fast, steady];
}

function present(peers: readonly (Peer | Absent)[], say: Say): readonly Peer[] {
  return peers.filter((peer): peer is Peer => {
    if ("pid" in peer) return true;
    say(`${peer.name} is left out: ${peer.reason}`);
    return false;
  });
}

async function row(about: Omit<Row, "samples"> & { readonly rounds?: number }, peers: readonly Peer[], measure: Measure): Promise<Row> {
  const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < (about.rounds ?? rounds); round += 1)
    for (const peer of peers) {
      const sample = await measure(peer);
      if (sample !== undefined) samples.get(peer.name)?.push(sample);
    }
  return { ...about, samples };
}

function print(rows: readonly Row[]): boolean {
  if (rows.length === 0) return true;
  const peers = columns(rows);
  const judged = rows.map((each) => judge(each, peers));
  process.stdout.write(`${head(peers)}\n${judged.map(({ line }) => line).join("\n")}\n\n`);
  return judged.every(({ ok }) => ok);
}
