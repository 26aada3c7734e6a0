// `cache.json`: what the store held when it last answered, kept on this node's disk. From it a node goes on after its own start while there
// is no quorum. Written whole or not at all, at a bounded rate; a file that is torn, or of another house, is set aside and never believed.
import { createHash } from "node:crypto";
import { renameSync, statSync } from "node:fs";
import { utimes } from "node:fs/promises";
import path from "node:path";
import type { HouseCopy } from "../engine/contract.ts";
import type { BootMs, Clock, Entry, Log } from "../ports.ts";
import { readIfThere, saveWhole } from "./files.ts";

/** Whose copy it is. After a take-over the house is the same, and its epoch another. */
export interface CopyOwner {
  readonly houseId: string;
  readonly epoch: number;
  readonly clusterId: string;
}

/** Grows when an older program would misread the file. */
const FORMAT = 1;

interface CopyFile extends CopyOwner {
  readonly format: typeof FORMAT;
  readonly revision: number;
  /** Of the entries as JSON, in hexadecimal. */
  readonly sha256: string;
  readonly entries: readonly Entry[];
}

export interface KeptCopy {
  readonly copy: HouseCopy;
  /** Wall time of this computer, for people. */
  readonly asOfMs: number;
}

const SAVE_EVERY_MS = 2_000;
/** An SD card lives for years at this rate. */
const BYTES_PER_MS = 100;
/** While nothing changes: the file's time says how old it is. */
const TOUCH_EVERY_MS = 300_000;

/** Undefined: there is none that this node may go on from. */
export function readCopy(dataDir: string, owner: CopyOwner, log: Log): KeptCopy | undefined {
  const file = copyFile(dataDir);
  try {
    const text = readIfThere(file);
    if (text === undefined) return undefined;
    const why = problemOf(text, owner);
    if (why === undefined) {
      const { clusterId, revision, entries } = JSON.parse(text) as CopyFile; // checked above
      return { copy: { clusterId, revision, entries }, asOfMs: statSync(file).mtimeMs };
    }
    renameSync(file, path.join(dataDir, "cache.set-aside.json"));
    log.warn("The copy of the house on this disk is not believed; it was set aside", { why });
  } catch (error) {
    log.warn("The copy of the house on this disk cannot be read", { error });
  }
  return undefined;
}

function problemOf(text: string, owner: CopyOwner): string | undefined {
  const { format, houseId, epoch, clusterId, revision, sha256, entries } = parse(text);
  if (format !== FORMAT) return "it is of another version of Fossora, or damaged";
  if (typeof revision !== "number" || !Array.isArray(entries) || sha256 !== digestOf(entries)) return "it is damaged";
  if (houseId !== owner.houseId) return "it is of another house";
  if (epoch !== owner.epoch || clusterId !== owner.clusterId) return "it is from before the house was taken over";
  return undefined;
}

function parse(text: string): Partial<CopyFile> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

export interface CopyKeeperOptions {
  readonly dataDir: string;
  readonly owner: CopyOwner;
  readonly mirror: {
    readonly fresh: boolean;
    copy(): HouseCopy | undefined;
    subscribe(listener: (changes: readonly unknown[]) => void): () => void;
  };
  readonly clock: Clock;
  readonly log: Log;
}

export class CopyKeeper {
  readonly #options: CopyKeeperOptions;
  #isDue = false;
  #bytes = 0;
  #touchedAtMs: BootMs = -TOUCH_EVERY_MS;
  #wake = Promise.withResolvers<void>();

  constructor(options: CopyKeeperOptions) {
    this.#options = options;
  }

  /** Until the signal; what is due then is written before it ends. */
  async run(signal: AbortSignal): Promise<void> {
    const { mirror, clock } = this.#options;
    const unsubscribe = mirror.subscribe((changes) => {
      if (changes.length > 0 && mirror.fresh) this.#isDue = true;
      this.#wake.resolve();
    });
    // No race with a promise of its own: that would keep something of every turn for as long as the agent runs.
    signal.addEventListener("abort", () => this.#wake.resolve(), { once: true });
    while (!signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
      if (this.#isDue) {
        await this.#save();
        await clock.sleep(SAVE_EVERY_MS + this.#bytes / BYTES_PER_MS, signal).catch(() => undefined);
      } else await this.#touch();
    }
    unsubscribe();
    if (this.#isDue) await this.#save();
    else await this.#touch(0);
  }

  async #save(): Promise<void> {
    const { mirror, dataDir, owner, clock, log } = this.#options;
    const copy = mirror.copy();
    // A store that has gone over to another cluster is not the one that this node belongs to.
    if (copy?.clusterId !== owner.clusterId) return;
    this.#isDue = false;
    const { revision, entries } = copy;
    const kept: CopyFile = { format: FORMAT, ...owner, revision, sha256: digestOf(entries), entries };
    const text = JSON.stringify(kept);
    this.#bytes = Buffer.byteLength(text);
    try {
      await saveWhole(copyFile(dataDir), text);
      this.#touchedAtMs = clock.now();
    } catch (error) {
      this.#isDue = true;
      log.warn("The copy of the house could not be kept", { error });
    }
  }

  async #touch(everyMs = TOUCH_EVERY_MS): Promise<void> {
    const { mirror, dataDir, clock } = this.#options;
    if (!mirror.fresh || clock.now() - this.#touchedAtMs < everyMs) return;
    this.#touchedAtMs = clock.now();
    const now = Date.parse(clock.wall()) / 1000;
    await utimes(copyFile(dataDir), now, now).catch(() => undefined); // it was not written yet
  }
}

function digestOf(entries: unknown): string {
  return createHash("sha256").update(JSON.stringify(entries)).digest("hex");
}

function copyFile(dataDir: string): string {
  return path.join(dataDir, "cache.json");
}
