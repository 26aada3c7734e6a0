// Newcomers without a proof, written down in the store until a person has compared six words; any node may show and approve them.
import type { WaitingComputer } from "../api/computers.ts";
import { MeshRefusal, UserError } from "../api/errors.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { MeshPeer } from "../mesh-ports.ts";
import type { BootMs, Clock, Store } from "../ports.ts";
import { findNewcomers, mayWait, WAITING_MAX, WAITING_MS, type Newcomer } from "../trust/approvals.ts";
import { wordsOf } from "../trust/words.ts";
import { plainHost } from "./joining/addresses.ts";
import { publicDerOf } from "../adapters/x509/read.ts";

const ADDRESSES_MAX = 1_024;
const NAME_CHARACTERS_MAX = 63;

export class Approvals {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;
  /** When a newcomer from an address was last written down, the oldest first. */
  readonly #asked = new Map<string, BootMs>();

  constructor({ store, clock }: { readonly store: Store; readonly clock: Pick<Clock, "now"> }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A newcomer asks, and asks again: it waits, or it was approved. Throws MeshRefusal when it cannot even wait. */
  async ask(peer: MeshPeer, name: string, signal: AbortSignal): Promise<Newcomer> {
    const { entries } = await this.#store.list(`${PREFIX.house}waiting/`, signal);
    const waiting = entries.map(({ value }) => JSON.parse(value) as Newcomer); // written below alone
    const last = this.#asked.get(peer.address);
    const verdict = mayWait(waiting, peer.nodeId, last === undefined ? undefined : this.#clock.now() - last);
    if (verdict.kind === "known") return verdict.newcomer;
    if (verdict.kind === "refused") throw new MeshRefusal("CannotWait", verdict.why);
    const newcomer = newcomerOf(peer, name);
    const key = keys.waiting(peer.nodeId);
    // Whoever else was written down meanwhile has changed the store: the places are counted once more below.
    await this.#store.commit(
      { compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: JSON.stringify(newcomer) }], ttlMs: WAITING_MS },
      signal,
    );
    this.#remember(peer.address);
    const { entries: now } = await this.#store.list(`${PREFIX.house}waiting/`, signal);
    const first = now.toSorted((a, b) => a.createRevision - b.createRevision).slice(0, WAITING_MAX);
    if (first.some((entry) => entry.key === key)) return newcomer;
    await this.#store.commit({ compare: [], writes: [{ delete: key }] }, signal);
    throw new MeshRefusal("CannotWait", "Too many computers wait to be approved already");
  }

  async isApproved(nodeId: string, signal: AbortSignal): Promise<boolean> {
    const entry = await this.#store.get(keys.waiting(nodeId), signal);
    return entry !== undefined && (JSON.parse(entry.value) as Newcomer).approved; // written here alone
  }

  async list(signal: AbortSignal): Promise<readonly Newcomer[]> {
    const { entries } = await this.#store.list(`${PREFIX.house}waiting/`, signal);
    return entries.map(({ value }) => JSON.parse(value) as Newcomer); // written here alone
  }

  /** By name, id or words. Throws UserError when none or several are meant. */
  async approve(typed: string, signal: AbortSignal): Promise<Newcomer> {
    const waiting = await this.list(signal);
    const [found, ...others] = findNewcomers(waiting, typed);
    if (found === undefined) throw new UserError(`Cannot approve "${typed}": ${describeWaiting(waiting)}`);
    if (others.length > 0)
      throw new UserError(
        `Cannot approve "${typed}": several computers call themselves so. Say the six words that the right one shows:\n${linesOf([found, ...others])}`,
      );
    const approved: Newcomer = { ...found, approved: true };
    const key = keys.waiting(found.nodeId);
    await this.#store.commit({ compare: [], writes: [{ put: key, value: JSON.stringify(approved) }], ttlMs: WAITING_MS }, signal);
    return approved;
  }

  #remember(address: string): void {
    this.#asked.delete(address);
    this.#asked.set(address, this.#clock.now());
    for (const [oldest] of this.#asked) {
      if (this.#asked.size <= ADDRESSES_MAX) break;
      this.#asked.delete(oldest);
    }
  }
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
