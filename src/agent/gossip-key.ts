// The key that signs of life are signed with: one for the house, in the store and on every node's disk, another one after each removal.
import { randomBytes } from "node:crypto";
import path from "node:path";
import { keys } from "../api/keys.ts";
import type { BootMs, Clock, Store, Write } from "../ports.ts";
import { readIfThere, writeWhole } from "./files.ts";

const KEY_BYTES = 32;
/** Every node has looked into the store meanwhile; whoever was removed still knows the former key. */
const FORMER_MS = 10_000;

export class GossipKey {
  readonly #file: string;
  readonly #clock: Pick<Clock, "now">;
  #value: string | undefined;
  #former: { readonly key: Buffer; readonly untilMs: BootMs } | undefined;

  constructor(dataDir: string, clock: Pick<Clock, "now">) {
    this.#file = path.join(dataDir, "gossip.key");
    this.#clock = clock;
    this.#value = readIfThere(this.#file)?.trim();
  }

  /** The first signs; all are believed. */
  get all(): readonly Buffer[] {
    const own = this.#value === undefined ? [] : [Buffer.from(this.#value, "base64")];
    if (this.#former !== undefined && this.#former.untilMs <= this.#clock.now()) this.#former = undefined;
    return this.#former === undefined ? own : [...own, this.#former.key];
  }

  /** What the store has counts from now on; a house without one gets one. Throws StoreUnavailable. */
  async takeOver(store: Pick<Store, "get" | "commit">, signal: AbortSignal): Promise<void> {
    const stored = (await store.get(keys.gossip, signal))?.value ?? (await make(store, signal));
    if (stored === undefined || stored === this.#value) return;
    if (this.#value !== undefined) this.#former = { key: Buffer.from(this.#value, "base64"), untilMs: this.#clock.now() + FORMER_MS };
    this.#value = stored;
    writeWhole(this.#file, `${stored}\n`);
  }
}

/** Beside whatever else a removal writes. */
export function anotherGossipKey(): Write {
  return { put: keys.gossip, value: randomBytes(KEY_BYTES).toString("base64") };
}

/** Undefined: another node was faster, the next look tells. */
async function make(store: Pick<Store, "get" | "commit">, signal: AbortSignal): Promise<string | undefined> {
  const write = anotherGossipKey();
  const { committed } = await store.commit({ compare: [{ key: keys.gossip, modRevision: 0 }], writes: [write] }, signal);
  return committed && "value" in write ? write.value : undefined;
}
