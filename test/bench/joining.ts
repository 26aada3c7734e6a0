// How long computers take to become one house, and a house without its leader to write again: lab hosts in a real tailnet; prints rows for
// the README.
import { readFileSync } from "node:fs";
import path from "node:path";
import { openStore, type EtcdStore } from "../../src/adapters/etcd3/store.ts";
import type { Timing } from "../../src/joining/timing.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { EtcdCluster } from "../support/etcd.ts";
import { joinAtOnce } from "../support/join-at-once.ts";
import { Lab } from "../support/lab.ts";
import { LabHouse } from "../support/lab-house.ts";
import { realClock, silentLog } from "../support/real.ts";
import { StoreWrites } from "../support/store-writes.ts";
import { until } from "../support/until.ts";

export interface FigureRow {
  readonly figure: string;
  readonly fossora: string;
  readonly peers: string;
  readonly aim: string;
  readonly ok: boolean;
}

const ROUNDS = 5;
const AIM_TWO_MS = 5_000;
const AIM_THREE_MS = 30_000;
const AIM_ELECTION_RATIO = 1.5;
const TEN = 10;
const LOSS_LIMIT_MS = 120_000;

/** Throws where this machine can have no lab or no tailnet. */
export async function benchJoining(say: (text: string) => void): Promise<readonly FigureRow[]> {
  const two = await times(say, "two computers", () => freshHouse(2, "are one house"));
  const three = await times(say, "three computers", () => freshHouse(3, "all vote"));
  say("ten computers at once");
  const ten = await freshHouse(TEN, "are one house");
  say("seven at once into a house of three");
  const seven = await withHouse(TEN, async (house, all) => {
    const [three, others] = [all.slice(0, 3), all.slice(3)];
    await house.startAgents(...three);
    await house.areOneHouse(three);
    await house.hasVoters(3);
    return joinAtOnce(house, three, others);
  });
  const { house: lost, timing } = await leaderLost(say);
  const bare = await bareLeaderLost(say, timing);
  const ratio = median(lost) / median(bare);
  return [
    row("two fresh computers to one house", two, { aimMs: AIM_TWO_MS }),
    row("three started together to three voters", three, { aimMs: AIM_THREE_MS }),
    { figure: "ten started together to one house of ten", fossora: seconds([ten]), peers: "", aim: "", ok: true },
    {
      figure: "seven at once into a house of three",
      fossora: `${seconds([seven.tookMs])}, ${seven.atOnce} at a time`,
      peers: "",
      aim: "one at a time",
      ok: seven.atOnce === 1,
    },
    {
      figure: `the leader's computer lost to the next write (election ${timing.electionMs} ms)`,
      fossora: seconds(lost),
      peers: `bare etcd ${seconds(bare)}`,
      aim: `${AIM_ELECTION_RATIO} x; ${ratio.toFixed(2)} x`,
      ok: ratio <= AIM_ELECTION_RATIO,
    },
  ];
}

function row(figure: string, took: readonly number[], { aimMs }: { readonly aimMs: number }): FigureRow {
  return { figure, fossora: seconds(took), peers: "", aim: `${aimMs / 1000} s`, ok: median(took) <= aimMs };
}

async function times(say: (text: string) => void, what: string, run: () => Promise<number>): Promise<readonly number[]> {
  const took: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    took.push(await run());
    say(`${what}, round ${round}: ${seconds(took.slice(-1))}`);
  }
  return took;
}

/** From the start of their agents, ms. */
async function freshHouse(count: number, wanted: "are one house" | "all vote"): Promise<number> {
  return withHouse(count, async (house, all) => {
    const began = performance.now();
    await house.startAgents(...all);
    await house.areOneHouse(all);
    if (wanted === "all vote") await house.hasVoters(count);
    return performance.now() - began;
  });
}

async function withHouse<T>(count: number, run: (house: LabHouse, all: readonly number[]) => Promise<T>): Promise<T> {
  const house = new LabHouse(new Lab(`j${process.pid % 100_000}`));
  try {
    const absent = await house.up(count);
    if (absent !== undefined) throw new Error(`Cannot measure: ${absent}`);
    const all = Array.from({ length: count }, (_, index) => index + 1);
    await house.joinTailnet(...all);
    return await run(house, all);
  } finally {
    await house.lab.down();
  }
}

/** A power cut of the computer whose etcd leads, a few times in one house, each time until the next write; ms. */
async function leaderLost(say: (text: string) => void): Promise<{ readonly house: readonly number[]; readonly timing: Timing }> {
  return withHouse(3, async (house, all) => {
    await house.startAgents(...all);
    await house.areOneHouse(all);
    await house.hasVoters(3);
    const took: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const leader = await house.leader(all);
      const store = await house.store(all.filter((number) => number !== leader));
      took.push(await gapOf(store, () => house.lab.kill(`h${leader}`)));
      say(`leader lost, round ${round}: ${seconds(took.slice(-1))}`);
      await house.lab.boot(`h${leader}`);
      await house.areOneHouse(all);
    }
    const { root } = await house.node(1).host();
    const text = readIfThere(path.join(root, "var/lib/fossora/etcd/timing.json"));
    return { house: took, timing: text === undefined ? { heartbeatMs: 100, electionMs: 1_000 } : (JSON.parse(text) as Timing) }; // of the agent
  });
}

/** The same members, flags and patience without Fossora, on this machine's loopback; ms. */
async function bareLeaderLost(say: (text: string) => void, timing: Timing): Promise<readonly number[]> {
  const program = findEtcd(say);
  if (program === undefined) throw new Error("Cannot measure: there is no etcd");
  const cluster = await EtcdCluster.start(program, 3, { timing });
  try {
    return await times(say, "bare etcd, leader lost", async () => {
      const { hosts, credentials } = cluster;
      const store = openStore({ hosts, credentials, clock: realClock, log: silentLog });
      const took = await gapOf(store, async () => void (await cluster.killLeader()));
      await cluster.startAll();
      return took;
    });
  } finally {
    await cluster.close();
  }
}

/** The longest time between two writes about a loss, ms. */
async function gapOf(store: EtcdStore, lose: () => Promise<unknown>): Promise<number> {
  const writes = new StoreWrites(store);
  await until("the writer writes", () => writes.done > 10);
  await lose();
  const before = writes.done;
  await until("writes after the loss", () => writes.done > before + 50, LOSS_LIMIT_MS);
  const { longestGapMs } = await writes.stop();
  await store.close();
  return longestGapMs;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Median, and the worst where there are several. */
function seconds(took: readonly number[]): string {
  const text = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return took.length < 2 ? text(took[0] ?? Number.NaN) : `${text(median(took))} (${text(Math.max(...took))})`;
}
