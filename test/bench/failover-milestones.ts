// When a house did what on the way from a power cut to an answer: as its name servers, its store and Docker on the other computers say.
import { keys, ROOT } from "../../src/api/keys.ts";
import type { DecidedMembership, DecidedService, ObservedService } from "../../src/api/state.ts";
import type { StoreEvent } from "../../src/ports.ts";
import { askName } from "../support/house-client.ts";
import type { HouseNode } from "../support/house.ts";
import type { LabHouse } from "../support/lab-house.ts";
import type { Milestone } from "./failover-table.ts";

const DNS_EVERY_MS = 20;
const DNS_LIMIT_MS = 500;
const LIST_LIMIT_MS = 5_000;

export interface Watched {
  readonly house: LabHouse;
  readonly service: string;
  readonly lost: HouseNode;
  readonly left: readonly HouseNode[];
  /** Numbers of the computers whose stores are asked; none of them is the lost one. */
  readonly stores: readonly number[];
}

export class MilestoneWatch {
  readonly #watched: Watched;
  readonly #ending = new AbortController();
  readonly #at = new Map<Milestone, number>();
  readonly #running: Promise<unknown>[] = [];
  #placedOn: string | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Resolves when it sees everything. */
  async start(): Promise<void> {
    const { house, stores, left } = this.#watched;
    const store = await house.store(stores);
    const { signal } = this.#ending;
    const { revision } = await store.list(ROOT, AbortSignal.timeout(LIST_LIMIT_MS));
    const follow = async (): Promise<void> => {
      try {
        for await (const { events } of store.watch(ROOT, revision + 1, signal)) for (const event of events) this.#see(event);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        await store.close();
      }
    };
    this.#running.push(follow(), ...left.map((node) => this.#followNames(node, signal)));
  }

  /** ms since `cutMs`, which is of `performance.now()`; the answer is a client's. */
  async stop(cutMs: number, answeredMs: number): Promise<Partial<Record<Milestone, number>>> {
    this.#ending.abort();
    await Promise.all(this.#running);
    const startedMs = await this.#containerStarted();
    if (startedMs !== undefined) this.#at.set("container started", startedMs - performance.timeOrigin);
    this.#at.set("answered", answeredMs);
    return Object.fromEntries([...this.#at].map(([milestone, atMs]) => [milestone, atMs - cutMs]));
  }

  #reach(milestone: Milestone): void {
    if (!this.#at.has(milestone)) this.#at.set(milestone, performance.now());
  }

  #see(event: StoreEvent): void {
    if (event.type === "delete") return;
    const { service, lost } = this.#watched;
    const { key, value } = event.entry;
    if (key === keys.decided("Membership", lost.name)) {
      if ((JSON.parse(value) as DecidedMembership).state === "Down") this.#reach("death recorded"); // written by agents alone
    } else if (key === keys.decided("Service", service)) {
      const [instance] = (JSON.parse(value) as DecidedService).instances; // the same
      if (instance === undefined || instance.node === lost.name) return;
      this.#placedOn = instance.node;
      this.#reach("placed");
    } else if (this.#placedOn !== undefined && key === keys.observed("Service", service, this.#placedOn)) {
      if ((JSON.parse(value) as ObservedService).instances.some(({ ready }) => ready)) this.#reach("ready"); // the same
    }
  }

  /** A computer that is led to no more is told no more. */
  async #followNames(node: HouseNode, signal: AbortSignal): Promise<void> {
    const { service, lost } = this.#watched;
    while (!signal.aborted && !this.#at.has("silence noticed")) {
      const answer = await askName(node.address, `${service}.home.internal`, DNS_LIMIT_MS);
      if (answer !== undefined && answer.addresses.length > 0 && !answer.addresses.includes(lost.address)) this.#reach("silence noticed");
      await new Promise((resolve) => setTimeout(resolve, DNS_EVERY_MS));
    }
  }

  /** By the clock of this machine, which the computers share, ms. */
  async #containerStarted(): Promise<number | undefined> {
    const { service, left } = this.#watched;
    const node = left.find(({ name }) => name === this.#placedOn);
    const [container] = (await node?.containersOf(service)) ?? [];
    if (node === undefined || container === undefined) return undefined;
    return Date.parse((await node.docker("inspect", "--format", "{{.State.StartedAt}}", container)).trim());
  }
}
