// A house of lab hosts in trouble: episodes of faults, one after the other, each until the house is itself again, while clients ask on and on.
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { SeededRandom } from "../fakes/clock.ts";
import type { HouseNode } from "../support/house.ts";
import type { LabHost } from "../support/lab.ts";
import type { LabHouse } from "../support/lab-house.ts";
import { until } from "../support/until.ts";
import type { ChaosApp } from "./apps.ts";
import { ChaosClients, type Wrong } from "./clients.ts";
import { runningContainers } from "./containers.ts";
import { drawEpisodes, inTurn, sentence, takesAway, type Episode, type Fault, type FaultKind } from "./faults.ts";
import { Inflictor } from "./inflict.ts";
import { HouseNews } from "./news.ts";
import { overlaps, withLook, type Run } from "./overlaps.ts";
import { tallyOf, type Span, type Tally } from "./tally.ts";

export interface TroubleOptions {
  readonly house: LabHouse;
  readonly apps: readonly ChaosApp[];
  readonly seed: number;
  readonly forMs: number;
  readonly calm: boolean;
  readonly say: (text: string) => void;
  /** On a computer that was wiped. */
  readonly install: (number: number) => Promise<void>;
}

export interface TroubleReport {
  readonly tallies: readonly Tally[];
  readonly wrong: readonly Wrong[];
  /** Why the house was not itself again in time; undefined: it was. */
  readonly broken: string | undefined;
  readonly episodes: number;
  /** How often each kind of fault was carried out. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly acknowledged: number;
  readonly verdicts: number;
  readonly moves: number;
}

/** A busy machine takes its time: whoever is not back by then does not come back. */
const RECOVERY_LIMIT_MS = 600_000;
const LOOK_EVERY_MS = 500;
const STATUS_LIMIT_MS = 2_000;
/** What a frozen computer runs on until its agent has had its turn: a limit that the documentation names for folders of hosts. */
const THAW_MS = 15_000;

export class Trouble {
  readonly #options: TroubleOptions;
  readonly #began = performance.now();
  readonly #clients: ChaosClients;
  readonly #inflictor: Inflictor;
  readonly #sick = new Set<string>();
  readonly #strangers = new Set<string>();
  readonly #excused = new Map<string, Span[]>();
  readonly #spans: Span[] = [];
  readonly #faults = new Map<FaultKind, number>();
  #beyond = false;
  #wellFromMs = 0;
  #runs: readonly Run[] = [];
  #looking: Promise<void> | undefined;
  #ended = false;

  constructor(options: TroubleOptions) {
    this.#options = options;
    const { house, apps, install } = options;
    this.#clients = new ChaosClients({
      nodes: house.nodes,
      apps,
      nowMs: () => this.#nowMs(),
      isExpected: ({ name }) => !this.#beyond && !this.#sick.has(name),
      isStranger: ({ name }) => this.#strangers.has(name),
    });
    this.#inflictor = new Inflictor(house, install);
  }

  /** The house has its apps. */
  async run(): Promise<TroubleReport> {
    const { house, apps, seed, forMs, calm } = this.#options;
    const news = new HouseNews(await house.store(house.nodes.map((_, index) => index + 1)), (text) => this.#say(text));
    const hosts = await house.lab.hosts();
    this.#clients.start();
    let [broken, episodes]: [string | undefined, number] = [undefined, 0];
    try {
      await this.#recovered();
      news.start();
      this.#looking = this.#lookAtContainers(hosts);
      this.#wellFromMs = this.#nowMs();
      const endMs = this.#wellFromMs + forMs;
      const { length } = house.nodes;
      for (const episode of drawEpisodes(new SeededRandom(seed), { hosts: length === 5 ? 5 : 3, calm })) {
        if (this.#nowMs() > endMs) break;
        episodes += 1;
        await this.#befall(episode);
        await sleep(episode.restMs);
      }
      await this.#clients.readAll();
    } catch (error) {
      broken = error instanceof Error ? error.message : String(error);
      this.#say(`it is broken: ${broken}`);
    }
    this.#ended = true;
    this.#spans.push({ fromMs: this.#wellFromMs, toMs: this.#nowMs() });
    await Promise.all([this.#clients.stop(), this.#looking, news.stop()]);
    const { wrong, sights, acknowledged } = this.#clients;
    const unseen = this.#exclusive.filter((app) => !this.#runs.some((run) => run.app === app));
    if (unseen.length > 0) broken ??= `Nobody saw ${unseen.join(" and ")} run: that they never run twice is not known`;
    const twice = overlaps(this.#runs, (host) => this.#excused.get(host) ?? []);
    return {
      tallies: apps.map(({ name }) => tallyOf(name, sights, this.#spans)),
      wrong: [...wrong, ...twice],
      broken,
      episodes,
      faults: this.#faults,
      acknowledged,
      verdicts: news.verdicts,
      moves: news.moves,
    };
  }

  /** To the end: all faults are over, and the house is itself again. */
  async #befall({ faults, tolerated }: Episode): Promise<void> {
    this.#say(`${tolerated ? "" : "more than it bears: "}${faults.map(sentence).join("; ")}`);
    if (!tolerated) {
      this.#beyond = true;
      this.#spans.push({ fromMs: this.#wellFromMs, toMs: this.#nowMs() });
    }
    const began = this.#nowMs();
    const byHost = Map.groupBy(inTurn(faults), ({ host }) => host).values();
    await Promise.all(
      byHost.map(async (own) => {
        // The end of one may take longer than was drawn: a boot, an installation.
        for (const fault of own) await this.#inflict(fault, began + fault.atMs);
      }),
    );
    const overMs = this.#nowMs();
    await this.#recovered();
    this.#say(`itself again after ${((this.#nowMs() - overMs) / 1000).toFixed(1)} s`);
    if (this.#beyond) this.#wellFromMs = this.#nowMs();
    this.#beyond = false;
    this.#sick.clear();
    this.#strangers.clear();
  }

  async #inflict(fault: Fault, atMs: number): Promise<void> {
    const { name } = this.#options.house.node(fault.host);
    await sleep(Math.max(0, atMs - this.#nowMs()));
    if (takesAway(fault)) this.#sick.add(name);
    if (fault.kind === "wipe") this.#strangers.add(name);
    const end = await this.#inflictor.begin(fault);
    this.#faults.set(fault.kind, (this.#faults.get(fault.kind) ?? 0) + 1);
    await sleep(fault.forMs);
    await end();
    this.#say(`${name}: ${fault.kind} is over`);
    if (fault.kind !== "pause" && fault.kind !== "hang") return;
    const fromMs = this.#nowMs() - LOOK_EVERY_MS;
    this.#excused.set(name, [...(this.#excused.get(name) ?? []), { fromMs, toMs: fromMs + THAW_MS }]);
  }

  /** Every app has answered at every computer to a question asked since now, all are ready, and each store has a leader. */
  async #recovered(): Promise<void> {
    const { house } = this.#options;
    const sinceMs = this.#nowMs();
    let missing: readonly string[] = [];
    try {
      await until(
        "the house is itself again",
        async () => {
          await sleep(LOOK_EVERY_MS);
          missing = this.#clients.missing(sinceMs);
          if (missing.length > 0) return false;
          missing = await this.#withoutStore();
          if (missing.length > 0) return false;
          const { ready, nodes } = await house.node(1).summary();
          missing = [`${nodes.ready} computers are ready`];
          return ready && nodes.ready === house.nodes.length;
        },
        RECOVERY_LIMIT_MS,
      );
    } catch (error) {
      throw new Error(`After ${RECOVERY_LIMIT_MS / 1000} s the house is not itself again: ${missing.join(", ")}`, { cause: error });
    }
  }

  async #withoutStore(): Promise<readonly string[]> {
    const { house } = this.#options;
    const credentials = await house.credentials();
    const hasLeader = async ({ address, name }: HouseNode): Promise<readonly string[]> => {
      const signal = AbortSignal.timeout(STATUS_LIMIT_MS);
      const { leaderId } = await memberStatus({ host: `${address}:2379`, credentials, signal }).catch(() => ({ leaderId: "0" }));
      return leaderId === "0" ? [`the store of ${name}`] : [];
    };
    return (await Promise.all(house.nodes.map(hasLeader))).flat();
  }

  async #lookAtContainers(hosts: readonly LabHost[]): Promise<void> {
    while (!this.#ended) {
      for (const host of hosts) {
        const running = runningContainers(host);
        if (running === undefined) continue;
        const atMs = this.#nowMs();
        for (const app of this.#exclusive) {
          const containers = running.filter((each) => each.app === app).map(({ container }) => container);
          this.#runs = withLook(this.#runs, { app, host: host.name, atMs, containers });
        }
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  get #exclusive(): readonly string[] {
    return this.#options.apps.flatMap(({ name, exclusive }) => (exclusive ? [name] : []));
  }

  #nowMs(): number {
    return performance.now() - this.#began;
  }

  #say(text: string): void {
    this.#options.say(`${(this.#nowMs() / 1000).toFixed(1).padStart(7)} s  ${text}`);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
