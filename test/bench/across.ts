// What the way through another node costs: the same app asked where it runs and through a second ingress, in turns. Both ingresses on one
// core, load and app on the other; CPU time is that of both.
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { at, startHouse, type AcrossNode } from "../support/across.ts";
import { AS_BUILT, tableOf } from "../support/ingress.ts";
import { requests, stream } from "./ingress-load.ts";
import { endAll, proxyCore, startNodeApp, startQuickApp, type Peer } from "./ingress-peers.ts";
import { HOST } from "./ingress-shapes.ts";
import type { Sample } from "./ingress-table.ts";
import { processFigures } from "./measure.ts";

type Say = (text: string) => void;

interface Load {
  readonly name: string;
  readonly unit: string;
  readonly run: (peer: Peer) => Sample;
}

const ROUNDS = 5;
const SECONDS = 4;

const small: readonly Load[] = [
  { name: "20 B answers over 32 connections", unit: "/s", run: (peer) => requests(peer, { path: "/", seconds: SECONDS }) },
  {
    name: "8 KiB answers with a browser's headers",
    unit: "/s",
    run: (peer) => requests(peer, { path: "/page", seconds: SECONDS, headers: true }),
  },
  { name: "20 B answers, a connection each", unit: "/s", run: (peer) => requests(peer, { path: "/", seconds: SECONDS, fresh: true }) },
];
const streams: readonly Load[] = [
  { name: "100 MB down", unit: " MB/s", run: (peer) => stream(peer, "down", 5) },
  { name: "100 MB up", unit: " MB/s", run: (peer) => stream(peer, "up", 5) },
];

/** Prints the table of the README. */
export async function benchAcross(say: Say): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-bench-"));
  const house = await startHouse(["near", "far"], AS_BUILT);
  try {
    const [near, far] = house.nodes as readonly [AcrossNode, AcrossNode]; // the two that were asked for
    for (const { child } of house.nodes) execFileSync("taskset", ["-acp", proxyCore, String(child.pid)], { stdio: "ignore" });
    process.stdout.write("| | where it runs | through another node | of it | CPU of both, ratio |\n|---|---|---|---|---|\n");
    for (const [appPort, loads] of [
      [await startQuickApp(folder), small],
      [await startNodeApp(), streams],
    ] as const) {
      const { http } = tableOf([], { host: HOST, backends: [at(far, appPort)] });
      for (const node of house.nodes) await node.serve({ http });
      for (const load of loads) process.stdout.write(`${row(load, near, far, say)}\n`);
    }
  } finally {
    await house.stop();
    await endAll();
    rmSync(folder, { recursive: true });
  }
}

function row({ name, unit, run }: Load, near: AcrossNode, far: AcrossNode, say: Say): string {
  const here: Sample[] = [];
  const through: Sample[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    say(`${name}, round ${round + 1} of ${ROUNDS}`);
    here.push(run(peerOf(far)));
    through.push(withOther(run, peerOf(near), far));
  }
  const [a, b] = [median(here.map(({ value }) => value)), median(through.map(({ value }) => value))];
  const [cpuHere, cpuThrough] = [here, through].map((samples) => median(samples.map(({ cpuUs = NaN }) => cpuUs)));
  const p99 = (samples: readonly Sample[]): string => {
    const times = samples.flatMap(({ p99Ms }) => p99Ms ?? []);
    return times.length === 0 ? "" : `, p99 ${median(times).toFixed(1)} ms`;
  };
  const ratio = (cpuThrough ?? NaN) / (cpuHere ?? NaN);
  return `| ${name} | ${a.toFixed(0)}${unit}${p99(here)} | ${b.toFixed(0)}${unit}${p99(through)} | ${(b / a).toFixed(2)} | ${ratio.toFixed(2)} |`;
}

/** With the processor's time of the other ingress as well. */
function withOther(run: Load["run"], peer: Peer, other: AcrossNode): Sample {
  const pid = other.child.pid ?? 0;
  const [before, beforeOwn] = [processFigures(pid).cpuMs, processFigures(peer.pid).cpuMs];
  const sample = run(peer);
  const [spent, own] = [processFigures(pid).cpuMs - before, processFigures(peer.pid).cpuMs - beforeOwn];
  return sample.cpuUs === undefined ? sample : { ...sample, cpuUs: sample.cpuUs * (1 + spent / own) };
}

function peerOf({ name, child, httpPort }: AcrossNode): Peer {
  return { name, pid: child.pid ?? 0, port: httpPort };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
