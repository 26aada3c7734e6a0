// The ways into a house as a transcript's test plays them: what the agent would say, and what it was asked.
import type { HandedOver } from "../../src/api/moves.ts";
import type {
  Computer,
  HouseComputers,
  InviteAnswer,
  JoiningReport,
  JoinWish,
  LeaveAnswer,
  ReplaceAnswer,
  WaitingComputer,
} from "../../src/api/computers.ts";
import { ApiError } from "../../src/server/api-error.ts";
import type { HouseControl } from "../../src/server/ports.ts";

export const SIX_WORDS = "amber canoe fossil lantern otter violin";

export function computer(name: string, over: Partial<Computer> = {}): Computer {
  return {
    name,
    nodeId: `id-${name}`,
    role: "voter",
    self: false,
    address: "192.168.1.12:733",
    peerUrl: "https://192.168.1.12:2380",
    roundTripMs: 0.4,
    stateAgeMs: 300,
    versions: { fossora: "0.1.0", etcd: "3.7.3" },
    lastSeen: "2026-01-09T23:59:59.000Z",
    ...over,
  };
}

export class ScriptedHouse implements HouseControl {
  report: JoiningReport = { kind: "Joining", node: "nas", phase: "member", forMs: 1_000, words: SIX_WORDS, said: [], problems: [] };
  /** One at each look; the last one stays. */
  coming: JoiningReport[] = [];
  seen: HouseComputers | undefined;
  people: WaitingComputer[] = [];
  readonly asked: unknown[] = [];

  invite(): Promise<InviteAnswer> {
    return Promise.resolve({ kind: "Invite", token: "fsr1.house.id.secret", until: "2026-01-10T01:00:00.000Z" });
  }

  waiting(): Promise<readonly WaitingComputer[]> {
    return Promise.resolve(this.people);
  }

  approve(typed: string): Promise<WaitingComputer> {
    const found = this.people.find(({ name, words }) => name === typed || words === typed);
    if (found === undefined)
      return Promise.reject(
        new ApiError("NotFound", `Cannot approve "${typed}": no computer of that name waits.`, { next: "fossora node approve" }),
      );
    return Promise.resolve({ ...found, approved: true });
  }

  reject(typed: string): Promise<WaitingComputer> {
    const found = this.people.find(({ name, words }) => name === typed || words === typed);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(
      new ApiError("NotFound", `Cannot reject "${typed}": no computer of that name waits.`, { next: "fossora node approve" }),
    );
  }

  join(wish: JoinWish): Promise<void> {
    this.asked.push(wish);
    return Promise.resolve();
  }

  leave(options: { readonly confirm?: string }): Promise<LeaveAnswer> {
    this.asked.push(options);
    return Promise.resolve({ kind: "Left", stays: ["data in /var/lib/fossora"] });
  }

  joining(): JoiningReport {
    this.report = this.coming.shift() ?? this.report;
    return this.report;
  }

  handedOver: Omit<HandedOver, "kind"> = { left: [], stays: [], leads: false };
  /** Undefined: it stays. */
  stopsWithinMs: number | undefined;

  handOver(withinMs: number): Promise<HandedOver> {
    this.stopsWithinMs = withinMs;
    return Promise.resolve({ kind: "HandedOver", ...this.handedOver });
  }

  stay(): void {
    this.stopsWithinMs = undefined;
  }

  /** How often somebody looked round, which is what who waits does. */
  lookedRound = 0;

  computers(): Promise<HouseComputers | undefined> {
    this.lookedRound += 1;
    return Promise.resolve(this.seen);
  }

  readonly roster = new Set(["nas", "nuc", "pi4", "last", "nameless", "abcdefghijkl2345"]);

  removal(name: string): ReturnType<HouseControl["removal"]> {
    if (name === "last")
      return Promise.reject(
        new ApiError("Conflict", "Cannot remove last: too few voters would answer without it.", { next: "fossora status" }),
      );
    const writes = this.roster.has(name) ? [{ put: `/fossora/house/leaving/id-${name}`, value: "{}" }] : [];
    return Promise.resolve({ compare: [], writes });
  }

  replace({ former, newcomer }: { readonly former: string; readonly newcomer?: string }): Promise<ReplaceAnswer> {
    return Promise.resolve({ kind: "Replaced", former, newcomer: newcomer ?? `${former}-2` });
  }
}
