// How long until the app of a computer without power answers again: a house, a house of five, and a Docker Swarm with its default patience
// and with a shorter one. Prints a table for the README, and where a house's time went.
import type { Say } from "../../tools/machine.ts";
import { FossoraContest, type Role } from "./failover-fossora.ts";
import { SwarmContest } from "./failover-swarm.ts";
import { failoverTable, isMissed, phaseTable, type Case, type Round } from "./failover-table.ts";

interface Contest {
  round(role: string, turn: number): Promise<Round>;
  /** What a reader of the figures should know. */
  notes?(): Promise<string>;
  close(): Promise<void>;
}

interface Entry {
  readonly who: string;
  readonly start: () => Promise<Contest>;
  readonly cases: readonly { readonly role: Role; readonly what: string; readonly times: number; readonly aim?: Case["aim"] }[];
}

const FAILOVER_PARTS = ["fossora", "five", "swarm", "swarm-1s"] as const;
export const FAILOVER_TIMES = 10;
const FOLLOWER_AIM = { medianMs: 4_000, worstMs: 6_000 };
const LEADER_AIM = { medianMs: 6_000, worstMs: 8_000 };

function entries(times: number): Readonly<Record<(typeof FAILOVER_PARTS)[number], Entry>> {
  const both = [
    { role: "follower", what: "a follower of three", times },
    { role: "leader", what: "the leader of three", times },
  ] as const;
  return {
    fossora: {
      who: "Fossora",
      start: () => FossoraContest.start(3),
      cases: both.map((each) => ({ ...each, aim: each.role === "leader" ? LEADER_AIM : FOLLOWER_AIM })),
    },
    five: {
      who: "Fossora",
      start: () => FossoraContest.start(5),
      cases: [{ role: "worker", what: "a worker of five", times: Math.ceil(times / 2), aim: FOLLOWER_AIM }],
    },
    swarm: { who: "Docker Swarm", start: () => SwarmContest.start(), cases: both },
    "swarm-1s": { who: "Docker Swarm, --dispatcher-heartbeat 1s", start: () => SwarmContest.start("1s"), cases: both },
  };
}

/** False: an aim was missed. */
export async function benchFailover(
  say: Say,
  { times, part }: { readonly times: number; readonly part: string | undefined },
): Promise<boolean> {
  const all = Object.entries(entries(times));
  const wanted = all.filter(([name]) => part === undefined || name === part);
  if (wanted.length === 0) throw new Error(`Cannot measure the part "${part}": it is none of ${FAILOVER_PARTS.join(", ")}`);
  const cases: Case[] = [];
  for (const [, entry] of wanted) cases.push(...(await measure(entry, say)));
  process.stdout.write(`${[failoverTable(cases), phaseTable(cases)].filter((table) => table !== undefined).join("\n\n")}\n\n`);
  return !cases.some(isMissed);
}

async function measure({ who, start, cases }: Entry, say: Say): Promise<readonly Case[]> {
  const contest = await start();
  try {
    const found: Case[] = [];
    for (const { role, what, times, aim } of cases) {
      const rounds: Round[] = [];
      for (let turn = 0; turn < times; turn += 1) {
        const round = await contest.round(role, turn);
        rounds.push(round);
        say(`${who}, ${what}, ${turn + 1} of ${times}: ${round.clientsMs.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(", ")}`);
      }
      found.push({ who, what, rounds, ...(aim && { aim }) });
    }
    const notes = await contest.notes?.();
    if (notes !== undefined) say(`${who}: ${notes}`);
    return found;
  } finally {
    await contest.close();
  }
}
