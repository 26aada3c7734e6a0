// Newcomers without a proof, written down in the store until a person has compared six words; any node may show and approve them.
import type { WaitingComputer } from "../api/computers.ts";
import { MeshRefusal } from "../api/errors.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { MeshPeer } from "../mesh-ports.ts";
import type { BootMs, Clock, Store } from "../ports.ts";
import { ApiError } from "../server/api-error.ts";
import {
  findNewcomers,
  mayWait,
  REJECTED_MS,
  WAITING_FROM_ONE_SOURCE_MAX,
  WAITING_MAX,
  WAITING_MS,
  type Newcomer,
} from "../trust/approvals.ts";
import { wordsOf } from "../trust/words.ts";
import { plainHost } from "./joining/addresses.ts";
import { sourceOf } from "../adapters/mesh/gate.ts";
import { publicDerOf } from "../adapters/x509/read.ts";

const SOURCES_MAX = 1_024;
const NAME_CHARACTERS_MAX = 63;

export class Approvals {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;
  /** When a newcomer from a source was last written down, the oldest first. */
  readonly #asked = new Map<string, BootMs>();

  constructor({ store, clock }: { readonly store: Store; readonly clock: Pick<Clock, "now"> }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A newcomer asks, and asks again: it waits, or it was approved. Throws MeshRefusal when it cannot even wait. */
  async ask(peer: MeshPeer, name: string, signal: AbortSignal): Promise<Newcomer> {
    const source = sourceOf(peer.address);
    const newcomers = (await this.#read(signal)).map(({ newcomer }) => newcomer);
    const last = this.#asked.get(source);
    const verdict = mayWait(newcomers, {
      nodeId: peer.nodeId,
      fromItsSource: newcomers.filter((each) => isOutside(each, source)).length,
      ...(last !== undefined && { sinceLastMs: this.#clock.now() - last }),
    });
    if (verdict.kind === "known") return verdict.newcomer;
    if (verdict.kind === "refused") throw new MeshRefusal("CannotWait", verdict.why);
    const newcomer = newcomerOf(peer, name);
    const key = keys.waiting(peer.nodeId);
    // Whoever else was written down meanwhile has changed the store: the places are counted once more below.
    await this.#store.commit(
      { compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: JSON.stringify(newcomer) }], ttlMs: WAITING_MS },
      signal,
    );
    this.#remember(source);
    const all = (await this.#read(signal)).toSorted((a, b) => a.createRevision - b.createRevision).map((each) => each.newcomer);
    const first = all.filter(({ rejected }) => rejected !== true).slice(0, WAITING_MAX);
    const ofSource = all.filter((each) => isOutside(each, source)).slice(0, WAITING_FROM_ONE_SOURCE_MAX);
    if ([first, ofSource].every((places) => places.some(({ nodeId }) => nodeId === peer.nodeId))) return newcomer;
    await this.#store.commit({ compare: [], writes: [{ delete: key }] }, signal);
    throw new MeshRefusal("CannotWait", "Too many computers wait to be approved already");
  }

  /** A person's, as long as it is remembered. */
  async wordOn(nodeId: string, signal: AbortSignal): Promise<"yes" | "no" | undefined> {
    const entry = await this.#store.get(keys.waiting(nodeId), signal);
    if (entry === undefined) return undefined;
    const { approved, rejected } = JSON.parse(entry.value) as Newcomer; // written here alone
    return approved ? "yes" : rejected === true ? "no" : undefined;
  }

  /** Who waits, and who was approved. */
  async list(signal: AbortSignal): Promise<readonly Newcomer[]> {
    return (await this.#read(signal)).map(({ newcomer }) => newcomer).filter(({ rejected }) => rejected !== true);
  }

  /** By name, id or words; also one that was rejected, when nobody else is meant. Throws ApiError when none or several are. */
  async approve(typed: string, signal: AbortSignal): Promise<Newcomer> {
    const all = (await this.#read(signal)).map(({ newcomer }) => newcomer);
    const waiting = all.filter(({ rejected }) => rejected !== true);
    const anybody = findNewcomers(waiting, typed).length > 0 ? waiting : all;
    const { rejected: _, ...found } = meant("approve", typed, { among: anybody, waiting });
    return this.#write({ ...found, approved: true }, WAITING_MS, signal);
  }

  /** One that waits. Throws ApiError when none or several are meant. */
  async reject(typed: string, signal: AbortSignal): Promise<Newcomer> {
    const waiting = (await this.list(signal)).filter(({ approved }) => !approved);
    return this.#write({ ...meant("reject", typed, { among: waiting, waiting }), rejected: true }, REJECTED_MS, signal);
  }

  async #read(signal: AbortSignal): Promise<readonly { readonly newcomer: Newcomer; readonly createRevision: number }[]> {
    const { entries } = await this.#store.list(`${PREFIX.house}waiting/`, signal);
    return entries.map(({ value, createRevision }) => ({ newcomer: JSON.parse(value) as Newcomer, createRevision })); // written here alone
  }

  async #write(newcomer: Newcomer, ttlMs: number, signal: AbortSignal): Promise<Newcomer> {
    const put = keys.waiting(newcomer.nodeId);
    await this.#store.commit({ compare: [], writes: [{ put, value: JSON.stringify(newcomer) }], ttlMs }, signal);
    return newcomer;
  }

  #remember(source: string): void {
    this.#asked.delete(source);
    this.#asked.set(source, this.#clock.now());
    for (const [oldest] of this.#asked) {
      if (this.#asked.size <= SOURCES_MAX) break;
      this.#asked.delete(oldest);
    }
  }
}

function isOutside({ address, approved }: Newcomer, source: string): boolean {
  return !approved && sourceOf(address) === source;
}

function meant(
  verb: "approve" | "reject",
  typed: string,
  { among, waiting }: { readonly among: readonly Newcomer[]; readonly waiting: readonly Newcomer[] },
): Newcomer {
  const [found, ...others] = findNewcomers(among, typed);
  const next = "fossora node approve";
  if (found === undefined) throw new ApiError("NotFound", `Cannot ${verb} "${typed}": ${describeWaiting(waiting)}`, { next });
  if (others.length === 0) return found;
  const all = linesOf([found, ...others]);
  throw new ApiError(
    "NotFound",
    `Cannot ${verb} "${typed}": several computers call themselves so. Say the six words that the right one shows:\n${all}`,
    { next },
  );
}

function newcomerOf({ nodeId, address, publicKey }: MeshPeer, name: string): Newcomer {
  const shown = name
    .replaceAll(/[^a-z0-9-]/gi, "")
    .slice(0, NAME_CHARACTERS_MAX)
    .toLowerCase();
  return {
    nodeId,
    name: shown === "" ? nodeId : shown,
    address: plainHost(address),
    words: wordsOf(publicDerOf(publicKey)),
    approved: false,
  };
}

function describeWaiting(waiting: readonly Newcomer[]): string {
  if (waiting.length === 0) return "no computer waits to be let in. On the new one run `fossora up`, or `fossora join ADDRESS`.";
  return `no computer of that name waits. These do:\n${linesOf(waiting)}`;
}

function linesOf(newcomers: readonly Newcomer[]): string {
  return newcomers.map(({ name, address, words }) => `  ${name}  ${address}  ${words}`).join("\n");
}

export function shown({ name, address, words, approved }: Newcomer): WaitingComputer {
  return { name, address, words, approved };
}
