// Nodes that belong to the house no more, seen to their end beside the etcd leader: once their member is gone, their certificates are struck
// off where a person removed them or another one took their place, and what they had written goes. All of it lies in the store, so whoever
// leads next goes on.
import { keys, parseKey, PREFIX } from "../../api/keys.ts";
import type { DecidedMembership, DecidedService, ObservedService } from "../../api/state.ts";
import { memberOf, nodeOfMember, type Departure, type HouseNode, type Ms } from "../../joining/house-view.ts";
import { departed } from "../../joining/store-change.ts";
import type { Clock, Entry, Log, Store, Transaction } from "../../ports.ts";
import { removeNode } from "../removals.ts";
import { isStillStopping } from "../still-stopping.ts";
import { holdsAuthority } from "../trust.ts";
import type { HouseSight } from "./house-sight.ts";

export interface DeparturesOptions {
  readonly dataDir: string;
  readonly store: Store;
  readonly reads: Pick<Store, "list">;
  readonly sight: Pick<HouseSight, "isFresh" | "members">;
  readonly clock: Clock;
  readonly log: Log;
}

const LIMIT_MS = 5_000;
/** So long it may find out by itself that its member is gone, and put its data aside. */
const GRACE_MS = 5_000;
const WRITES_MAX = 512;

export class Departures {
  readonly #options: DeparturesOptions;
  /** Since when this agent has seen that its member is gone. */
  readonly #goneSinceMs = new Map<string, Ms>();
  /** By this agent: each time the house's signs of life get another key. */
  readonly #struckOff = new Set<string>();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  async look(signal: AbortSignal): Promise<void> {
    const { reads, sight } = this.#options;
    if (!sight.isFresh) return;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const { entries } = await reads.list(keys.leaving(""), limit);
    const there = new Set(entries.map(({ key }) => nodeIn(key)));
    for (const nodeId of this.#goneSinceMs.keys()) if (!there.has(nodeId)) this.#goneSinceMs.delete(nodeId);
    for (const nodeId of this.#struckOff) if (!there.has(nodeId)) this.#struckOff.delete(nodeId);
    for (const entry of entries) await this.#goOn(entry, limit);
  }

  async #goOn(entry: Entry, signal: AbortSignal): Promise<void> {
    const { dataDir, store, sight, clock, log } = this.#options;
    const nodeId = nodeIn(entry.key);
    const { name, removed } = JSON.parse(entry.value) as Departure; // written by `departed` alone
    // One that left by itself and came back first: what holds it up here would be itself.
    const isBack = !removed && (await store.get(keys.houseNode(nodeId), signal)) !== undefined;
    if (!isBack && sight.members.some((member) => nodeOfMember(member) === nodeId)) return void this.#goneSinceMs.delete(nodeId);
    const goneSinceMs = this.#goneSinceMs.get(nodeId) ?? clock.now();
    this.#goneSinceMs.set(nodeId, goneSinceMs);
    const goneForMs = clock.now() - goneSinceMs;
    if (removed && (!holdsAuthority(dataDir) || goneForMs < GRACE_MS)) return;
    if (removed && !this.#struckOff.has(nodeId)) await removeNode(dataDir, store, nodeId, signal);
    this.#struckOff.add(nodeId);
    if (!(await this.#sweep(name, goneForMs, signal))) return;
    await store.commit({ compare: [{ key: entry.key, modRevision: entry.modRevision }], writes: [{ delete: entry.key }] }, signal);
    log.info("A node has left the house", { name, nodeId, removed });
  }

  /**
   * What a node of that name had written, unless another one has the name by now: whoever took its place has, from the same moment on. False:
   * what it may still be stopping is kept until that is over.
   */
  async #sweep(name: string, goneForMs: Ms, signal: AbortSignal): Promise<boolean> {
    const { store } = this.#options;
    const { entries: roster } = await store.list(keys.houseNode(""), signal);
    if (roster.some(({ value }) => (JSON.parse(value) as HouseNode).name === name)) return true; // written by agents alone
    const [observed, events, verdict] = await Promise.all([
      store.list(PREFIX.observed, signal),
      store.list(`${PREFIX.events}${name}/`, signal),
      store.get(keys.decided("Membership", name), signal),
    ]);
    const own = observed.entries.filter(({ key }) => key.endsWith(`/${name}`));
    const kept = new Set<string>();
    // Of a dead one it was waited for before others started anything.
    const isDown = (verdict && (read(verdict.value) as DecidedMembership | undefined))?.state === "Down"; // as its key says, and written by agents alone
    for (const entry of isDown ? [] : own) if (await this.#isStillStopping(entry, goneForMs, signal)) kept.add(entry.key);
    const written = [...own, ...events.entries].map(({ key }) => key).filter((key) => !kept.has(key));
    const gone = [keys.node(name), keys.decided("Membership", name), keys.desired("Membership", name), ...written];
    for (let at = 0; at < gone.length; at += WRITES_MAX)
      await store.commit({ compare: [], writes: gone.slice(at, at + WRITES_MAX).map((key) => ({ delete: key })) }, signal);
    return kept.size === 0;
  }

  async #isStillStopping({ key: observedKey, value }: Entry, goneForMs: Ms, signal: AbortSignal): Promise<boolean> {
    const key = parseKey(observedKey);
    if (key.room !== "observed" || key.kind !== "Service") return false;
    const decided = await this.#options.store.get(keys.decided(key.kind, key.name), signal);
    const told = read(value) as ObservedService | undefined; // as its key says, and written by agents alone
    const placed = decided && (read(decided.value) as DecidedService | undefined); // as above
    return isStillStopping(told, placed, goneForMs);
  }
}

/** Names of those whose store is a member still, which may have to vote; but for names that another one in the roster has by now. */
export async function namesLeaving(
  store: Pick<Store, "list">,
  { members, records }: Pick<HouseSight, "members" | "records">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { entries } = await store.list(keys.leaving(""), signal);
  const roster = [...(records?.roster.values() ?? [])];
  const voting = entries.flatMap(({ key, value }) => {
    const { name } = JSON.parse(value) as Departure; // written by `departed` alone
    const nodeId = nodeIn(key);
    const isTaken = roster.some((other) => other.name === name && other.nodeId !== nodeId);
    return isTaken || memberOf(members, nodeId) === undefined ? [] : [name];
  });
  return voting.sort();
}

/** Takes a node out of the roster, as it was read, and writes down that it goes. */
export function departure(nodeId: string, modRevision: number, going: Departure): Pick<Transaction, "compare" | "writes"> {
  return {
    compare: [{ key: keys.houseNode(nodeId), modRevision }],
    writes: departed(nodeId, going),
  };
}

/** What a person wrote of a node, and what was kept of it. */
export async function membershipWrites(store: Store, name: string, signal: AbortSignal): Promise<Transaction["writes"]> {
  const besides = await Promise.all([PREFIX.applied, PREFIX.history].map((prefix) => store.list(`${prefix}Membership/${name}/`, signal)));
  return [keys.desired("Membership", name), ...besides.flatMap(({ entries }) => entries.map(({ key }) => key))].map((key) => ({
    delete: key,
  }));
}

/** Undefined: it is no JSON. */
function read(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function nodeIn(key: string): string {
  return key.slice(keys.leaving("").length);
}
