// Power cuts in a house of lab hosts: of a computer that runs an app and is a follower, leads the store, or has none.
import assert from "node:assert/strict";
import { keys, PREFIX } from "../../src/api/keys.ts";
import type { HouseNode } from "../../src/joining/house-view.ts";
import { FOUNDING_TIMING, type Timing } from "../../src/joining/timing.ts";
import { Cluster } from "../../src/adapters/etcd3/cluster.ts";
import { Lab } from "../support/lab.ts";
import { LabHouse } from "../support/lab-house.ts";
import { until } from "../support/until.ts";
import { Browser } from "./failover-browser.ts";
import { byName, Clients } from "./failover-clients.ts";
import { MilestoneWatch } from "./failover-milestones.ts";
import type { Round } from "./failover-table.ts";

export type Role = "follower" | "leader" | "worker";

const SERVICE = "whoami";
const VOTERS = 3;
const SETTLE_LIMIT_MS = 120_000;
const ANSWER_MS = 5_000;

/** Three vote; whatever is more are workers. */
export class FossoraContest {
  readonly #house: LabHouse;
  readonly #voters = [1, 2, 3];
  readonly #all: readonly number[];
  #browser: Browser | undefined;

  private constructor(house: LabHouse, count: number) {
    this.#house = house;
    this.#all = Array.from({ length: count }, (_, index) => index + 1);
  }

  static async start(count: number): Promise<FossoraContest> {
    const house = new LabHouse(new Lab(`f${process.pid % 100_000}`));
    const contest = new FossoraContest(house, count);
    try {
      const absent = await house.up(count);
      if (absent !== undefined) throw new Error(`Cannot measure: ${absent}`);
      await contest.#found();
      contest.#browser = await Browser.start(
        house.lab,
        `http://${SERVICE}.home.internal/`,
        house.nodes.map(({ address }) => address),
      );
      return contest;
    } catch (error) {
      await house.lab.down();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.#house.lab.down();
  }

  /** How patient its stores are by now: slow links, or a machine that is too busy, make them so. */
  async notes(): Promise<string> {
    const { code, stdout } = await this.#house.lab.tryExec(this.#house.node(1).name, "cat", "/var/lib/fossora/etcd/timing.json");
    const { electionMs } = code === 0 ? (JSON.parse(stdout) as Timing) : FOUNDING_TIMING; // written by the agent
    return `${electionMs} ms until an election at the end`;
  }

  async round(role: Role, turn: number): Promise<Round> {
    const house = this.#house;
    const lost = await this.#pick(role, turn);
    const node = house.node(lost);
    const others = this.#all.filter((number) => number !== lost);
    const left = others.map((number) => house.node(number));
    await this.#place(lost);
    const clients = new Clients(
      byName(
        `${SERVICE}.home.internal`,
        house.nodes.map(({ address }) => address),
      ),
    );
    const stores = this.#voters.filter((number) => number !== lost);
    const watch = new MilestoneWatch({ house, service: SERVICE, lost: node, left, stores });
    await watch.start();
    const before = await clients.settled();
    await this.#browser?.settled();
    const cutMs = performance.now();
    await house.lab.kill(node.name);
    const goneMs = performance.now();
    clients.beginAnew();
    const answeredMs = await clients.recovered(before);
    await clients.stop();
    const browserAtMs = await this.#browser?.recovered(goneMs);
    const milestones = await watch.stop(cutMs, Math.min(...answeredMs));
    await house.lab.boot(node.name);
    await this.#settle(others);
    return {
      clientsMs: answeredMs.map((atMs) => atMs - cutMs),
      milestones,
      ...(browserAtMs !== undefined && { browserMs: browserAtMs - cutMs }),
    };
  }

  async #found(): Promise<void> {
    const house = this.#house;
    await house.start(...this.#voters);
    await house.areOneHouse(this.#voters);
    await house.hasVoters(VOTERS);
    const workers = this.#all.slice(VOTERS);
    if (workers.length === 0) return;
    await house.start(...workers);
    await house.areOneHouse(this.#all);
    await this.#makeWorkers(workers.map((number) => house.node(number).name));
    await until(
      "the others are workers",
      async () => (await house.members()).length === VOTERS && (await house.members()).every(({ learner }) => !learner),
      SETTLE_LIMIT_MS,
    );
    await house.areOneHouse(this.#all);
  }

  /** Five of them would all vote. In the roster itself: it is not a command's to say so. */
  async #makeWorkers(names: readonly string[]): Promise<void> {
    const store = await this.#house.store(this.#voters);
    try {
      await until("they are to be workers", async () => {
        const { entries } = await store.list(keys.houseNode(""), AbortSignal.timeout(ANSWER_MS));
        const nodes = entries.map((entry) => ({ ...entry, node: JSON.parse(entry.value) as HouseNode })); // written by agents alone
        const others = nodes.filter(({ node }) => names.includes(node.name) && node.role !== "worker");
        for (const { key, modRevision, node } of others) {
          const writes = [{ put: key, value: JSON.stringify({ ...node, role: "worker" } satisfies HouseNode) }];
          await store.commit({ compare: [{ key, modRevision }], writes }, AbortSignal.timeout(ANSWER_MS));
        }
        return others.length === 0;
      });
    } finally {
      await store.close();
    }
  }

  async #pick(role: Role, turn: number): Promise<number> {
    const leader = await this.#house.leader(this.#voters);
    if (role === "leader") return leader;
    const candidates = role === "worker" ? this.#all.slice(VOTERS) : this.#voters.filter((number) => number !== leader);
    const picked = candidates[turn % candidates.length];
    assert(picked !== undefined, `there is no ${role}`);
    return picked;
  }

  /** The app runs there, alone, and all tell so. */
  async #place(number: number): Promise<void> {
    const node = this.#house.node(number);
    const [first = 0] = this.#all.filter((other) => other !== number);
    const writer = this.#house.node(first);
    if ((await writer.try("get", "service", SERVICE)).code === 0) await writer.run("delete", "service", SERVICE, "--wait");
    const spec = `{ image: "lab/whoami:1", port: 80, placement: { prefer: { nodes: [${node.name}] } } }`;
    await writer.apply(
      `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${SERVICE} }\nspec: ${spec}\n`,
      "--wait",
      "--timeout",
      "2m",
    );
    assert.equal((await node.containersOf(SERVICE)).length, 1, `${SERVICE} does not run on ${node.name}`);
  }

  /** All are there, nobody counts as dead, and the store of each voter answers. */
  async #settle(others: readonly number[]): Promise<void> {
    const house = this.#house;
    await house.areOneHouse(this.#all);
    const store = await house.store(this.#voters.filter((number) => others.includes(number)));
    try {
      await until(
        "nobody counts as dead",
        async () => (await store.list(`${PREFIX.decided}Membership/`, AbortSignal.timeout(ANSWER_MS))).entries.length === 0,
        SETTLE_LIMIT_MS,
      );
    } finally {
      await store.close();
    }
    for (const number of this.#voters) await this.#answers(number);
  }

  async #answers(number: number): Promise<void> {
    const cluster = new Cluster({ host: `${this.#house.node(number).address}:2379`, credentials: await this.#house.credentials() });
    try {
      await until(
        `the store of h${number} answers`,
        async () => (await cluster.members(AbortSignal.timeout(ANSWER_MS))).length >= VOTERS,
        SETTLE_LIMIT_MS,
      );
    } finally {
      cluster.close();
    }
  }
}
