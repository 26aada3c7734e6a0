// Waits for a node that was just started: until it is ready, or why it will not be. One that is to join a house is ready in that house alone.
import type { JoiningReport, JoinWish } from "../api/computers.ts";
import type { HouseSummary } from "../api/wire.ts";
import type { Client } from "../cli/client.ts";
import { ApiFailure } from "../cli/failure.ts";
import { JoiningSteps } from "../cli/joining-steps.ts";
import type { Terminal } from "../cli/node-commands.ts";
import type { Clock } from "../ports.ts";

export interface ReadyOptions {
  readonly client: Pick<Client, "json">;
  /** Why its agent cannot start. */
  readonly problem: () => string | undefined;
  readonly terminal: Pick<Terminal, "note" | "mark">;
  readonly clock: Pick<Clock, "sleep">;
  /** The house that it is to join. */
  readonly wish?: JoinWish;
  /** It has a house: the wish is not on its disk, and it is told as one that runs. */
  readonly hasHouse: boolean;
  /** Aborted when it took too long, or by Ctrl-C. */
  readonly signal: AbortSignal;
}

export type ReadyOutcome =
  | { readonly kind: "ready"; readonly summary: HouseSummary }
  /** Its agent cannot start, or it is not let in. */
  | { readonly kind: "failed"; readonly why: string }
  /** `report`: the last one of its way into a house. */
  | { readonly kind: "late"; readonly report?: JoiningReport };

interface Seen {
  readonly summary: HouseSummary;
  /** Of one that is to join. */
  readonly report?: JoiningReport;
}

const POLL_MS = 50;

/** Throws ApiFailure where its own house is not given up for the other. */
export async function untilReady(options: ReadyOptions): Promise<ReadyOutcome> {
  const { client, problem, terminal, clock, wish, signal } = options;
  const steps = new JoiningSteps(terminal);
  let isTold = wish === undefined || !options.hasHouse;
  let report: JoiningReport | undefined;
  while (!signal.aborted) {
    const why = problem();
    if (why !== undefined) return { kind: "failed", why };
    const seen = await look(client, wish !== undefined).catch(() => undefined); // not there yet
    report = seen?.report ?? seen?.summary.joining ?? report;
    if (seen !== undefined && !isTold && knowsItsHouse(seen)) {
      isTold = await tell(client, wish);
    } else if (seen !== undefined) {
      const { joining } = seen.summary;
      if (joining !== undefined) steps.tell(joining);
      if (joining?.phase === "refused") return { kind: "failed", why: joining.said.at(-1) ?? "the house does not let this computer in" };
      if (isTold && isReady(seen)) return { kind: "ready", summary: seen.summary };
    }
    await clock.sleep(POLL_MS, signal).catch(() => {}); // too late: the loop ends
  }
  return { kind: "late", ...(report !== undefined && { report }) };
}

async function look(client: Pick<Client, "json">, joins: boolean): Promise<Seen> {
  const report = joins ? await client.json<JoiningReport>("GET", "/api/v1/joining") : undefined;
  const summary = await client.json<HouseSummary>("GET", "/api/v1/status");
  // After `leave`: it looks for a house again.
  if (summary.joining?.phase === "resting") await client.json("POST", "/api/v1/joining", { body: JSON.stringify({ addresses: [] }) });
  return { summary, ...(report !== undefined && { report }) };
}

/** False: it did not answer. */
async function tell(client: Pick<Client, "json">, wish: JoinWish | undefined): Promise<boolean> {
  try {
    await client.json("POST", "/api/v1/joining", { body: JSON.stringify(wish) });
    return true;
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    return false;
  }
}

/** Before that it cannot tell whether anything is in it. */
function knowsItsHouse({ report }: Seen): boolean {
  return report !== undefined && (report.phase !== "member" || report.house !== undefined);
}

function isReady({ summary, report }: Seen): boolean {
  if (!summary.ready || !serves(summary)) return false;
  return report === undefined || (report.phase === "member" && report.wish === undefined && isListed(summary));
}

/** The house counts it among its computers, so that what it survives is said of all of them. */
function isListed({ house }: HouseSummary): boolean {
  return house === undefined || house.computers.some(({ self }) => self);
}

/** The ingress was told where to listen, and has tried. */
function serves({ listeners = [] }: HouseSummary): boolean {
  return (["http", "dns"] as const).every((wanted) => listeners.some(({ protocol }) => protocol === wanted));
}
