// What a node remembers of its house on its disk: who belonged to it when it last looked, and where they were.
import path from "node:path";
import type { Membership } from "../../joining/joiner-state.ts";
import type { Address, HouseState, NodeId } from "../../joining/messages.ts";
import type { Log } from "../../ports.ts";
import { readIfThere, writeWhole } from "../files.ts";
import { loadNodeId } from "../identity.ts";
import { houseHash } from "../trust.ts";

export interface Seen {
  readonly house: HouseState;
  /** Of agents. */
  readonly members: readonly Address[];
  readonly voters: readonly NodeId[];
  /** Client endpoints of the voters' stores, this node's own first. */
  readonly hosts: readonly string[];
  readonly nodes: readonly NodeId[];
  /** Members that do not vote. */
  readonly standbys: readonly NodeId[];
  readonly known: readonly KnownNode[];
}

/** Where a node of the house is found, also while nobody answers. */
export interface KnownNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly peerUrl: string;
}

/** Of a house that it has not seen yet. */
export const nobody = { nodes: [], standbys: [], known: [] } as const;

/** Of an admitted node, from the house's letter, until it has seen for itself. */
export function writeHosts(dataDir: string, hosts: readonly string[]): void {
  writeWhole(hostsFile(dataDir), JSON.stringify(hosts));
}

export function readHosts(dataDir: string): readonly string[] {
  const text = readIfThere(hostsFile(dataDir));
  return text === undefined ? [] : (JSON.parse(text) as readonly string[]); // written above alone
}

export function readSeen(dataDir: string, { houseId, epoch }: Membership): Seen | undefined {
  const text = readIfThere(seenFile(dataDir));
  const seen = text === undefined ? undefined : { ...nobody, ...(JSON.parse(text) as Omit<Seen, keyof typeof nobody>) }; // written by HouseSight alone, of an older program perhaps
  return seen?.house.id === houseId && seen.house.epoch === epoch ? seen : undefined;
}

/** What is seen counts, whether the disk takes it or not: one that is full would have kept a node from seeing who belongs to its house. */
export class SeenKeeper {
  readonly #dataDir: string;
  readonly #log: Pick<Log, "warn">;
  #written: string | undefined;
  #fails = false;

  /** `written` is what the disk has. */
  constructor(dataDir: string, log: Pick<Log, "warn">, written?: Seen) {
    this.#dataDir = dataDir;
    this.#log = log;
    this.#written = written && JSON.stringify(written);
  }

  /** Again at the next call where it fails; that is said once. */
  keep(seen: Seen): void {
    const text = JSON.stringify(seen);
    if (text === this.#written) return;
    try {
      writeWhole(seenFile(this.#dataDir), text);
      this.#written = text;
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) this.#log.warn("What was seen of the house was not written down", { error: String(error) });
      this.#fails = true;
    }
  }
}

/** Agents of the house that this node last belonged to. */
export function lastMembers(dataDir: string): readonly Address[] {
  return lastSeen(dataDir).members ?? [];
}

/** Nodes of the house that this node last belonged to, itself among them. */
export function lastKnown(dataDir: string): readonly KnownNode[] {
  return lastSeen(dataDir).known ?? [];
}

/**
 * The house with apps that this node was in when it last saw it, and whose certificates it still has. It counted this node: whom a person took
 * out goes by that person's word.
 */
export function homeOf(dataDir: string): string | undefined {
  const { house } = lastSeen(dataDir);
  const isHome = house?.hasObjects === true && houseHash(dataDir) === house.id && !isCountedOut(dataDir);
  return isHome ? house.id : undefined;
}

/** By a person: when it last saw its house, this node belonged to it no more. */
export function isCountedOut(dataDir: string): boolean {
  return lastSeen(dataDir).nodes?.includes(loadNodeId(dataDir)) === false;
}

/** As if it had seen for itself that it belongs to its house no more. */
export function countOut(dataDir: string): void {
  const seen = lastSeen(dataDir);
  if (seen.nodes === undefined) return;
  const own = loadNodeId(dataDir);
  writeWhole(seenFile(dataDir), JSON.stringify({ ...seen, nodes: seen.nodes.filter((each) => each !== own) }));
}

/** Of whatever house; written by HouseSight alone, of an older program perhaps. */
export function lastSeen(dataDir: string): Partial<Seen> {
  const text = readIfThere(seenFile(dataDir));
  return text === undefined ? {} : (JSON.parse(text) as Partial<Seen>);
}

function hostsFile(dataDir: string): string {
  return path.join(dataDir, "voters.json");
}

function seenFile(dataDir: string): string {
  return path.join(dataDir, "house-seen.json");
}
