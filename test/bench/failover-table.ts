// What the rounds of a failover have shown, as tables of Markdown: how long until a client was answered again, and where the time went.
import { median } from "./measure.ts";

/** In the order in which they come. Times are ms since the power was cut. */
export const MILESTONES = ["silence noticed", "death recorded", "placed", "container started", "ready", "answered"] as const;
export type Milestone = (typeof MILESTONES)[number];

export interface Round {
  /** Of each client, until its first answer from another computer. */
  readonly clientsMs: readonly number[];
  /** Of a browser with all that it keeps; it is reported, and has no aim. */
  readonly browserMs?: number;
  readonly milestones?: Readonly<Partial<Record<Milestone, number>>>;
}

export interface Case {
  readonly who: string;
  readonly what: string;
  readonly rounds: readonly Round[];
  readonly aim?: { readonly medianMs: number; readonly worstMs: number };
}

export function failoverTable(cases: readonly Case[]): string {
  const rows = cases.flatMap(withBrowser).map((each) => {
    const { middleMs, worstMs } = summary(each);
    const { aim, rounds } = each;
    const wanted = aim === undefined ? "" : `${seconds(aim.medianMs)}, ${seconds(aim.worstMs)}${isMissed(each) ? " (missed)" : ""}`;
    return `| ${each.what} | ${each.who} | ${rounds.length} | ${seconds(middleMs)} | ${seconds(worstMs)} | ${wanted} |`;
  });
  return ["| power cut of | | times | median | worst | aim |", "|---|---|---|---|---|---|", ...rows].join("\n");
}

/** Medians of each milestone, and how much of the time lies between it and the one before. Undefined: none was seen. */
export function phaseTable(cases: readonly Case[]): string | undefined {
  const measured = cases.filter(({ rounds }) => rounds.some(({ milestones }) => milestones !== undefined));
  if (measured.length === 0) return undefined;
  const rows = measured.map(({ what, rounds }) => {
    let beforeMs = 0;
    const cells = MILESTONES.map((milestone) => {
      const times = rounds.flatMap(({ milestones }) => milestones?.[milestone] ?? []);
      if (times.length === 0) return "not seen";
      const atMs = median(times);
      const cell = `${seconds(atMs, 2)} (+${seconds(atMs - beforeMs, 2)})`;
      beforeMs = atMs;
      return cell;
    });
    return `| ${[what, ...cells].join(" | ")} |`;
  });
  return [`| power cut of | ${MILESTONES.join(" | ")} |`, `|---|${"---|".repeat(MILESTONES.length)}`, ...rows].join("\n");
}

function withBrowser(each: Case): readonly Case[] {
  const times = each.rounds.flatMap(({ browserMs }) => browserMs ?? []);
  if (times.length === 0) return [each];
  return [each, { who: `${each.who}, asked by Chromium`, what: each.what, rounds: times.map((ms) => ({ clientsMs: [ms] })) }];
}

export function isMissed(each: Case): boolean {
  const { middleMs, worstMs } = summary(each);
  return each.aim !== undefined && !(middleMs <= each.aim.medianMs && worstMs <= each.aim.worstMs);
}

function summary({ rounds }: Case): { readonly middleMs: number; readonly worstMs: number } {
  const all = rounds.flatMap(({ clientsMs }) => clientsMs);
  return { middleMs: median(all), worstMs: Math.max(...all) };
}

function seconds(ms: number, digits = 1): string {
  return `${(ms / 1000).toFixed(digits)} s`;
}
