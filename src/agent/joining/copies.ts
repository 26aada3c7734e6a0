// Other computers with this one's key: a disk, a card or a virtual machine was copied with Fossora on it, and the house takes both for one
// node. Looked for where this node is said to be and is not; what tells two agents apart is an id that each makes at its start.
import { randomUUID } from "node:crypto";
import { dial } from "../../adapters/mesh/client.ts";
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import { localAddresses } from "../../adapters/sockets/local-addresses.ts";
import type { HouseProblem } from "../../api/wire.ts";
import type { Address, NodeId } from "../../joining/messages.ts";
import type { MeshHandler, MeshPeer } from "../../mesh-ports.ts";
import type { Clock, Log } from "../../ports.ts";
import { plainHost, splitAddress } from "./addresses.ts";
import type { Seen } from "./seen.ts";

export interface CopiesOptions {
  readonly nodeId: NodeId;
  readonly dataDir: string;
  /** Where its own name was heard from by multicast DNS: a hint. */
  readonly namesakes: () => readonly Address[];
  /** What it shows on 733, and where its house knows it, which the other one may have told; undefined: not yet. */
  readonly joining: () => { readonly trust: MeshTrust; readonly seen: Pick<Seen, "known"> | undefined } | undefined;
  /** IP addresses of this computer; of a test its own. */
  readonly ownAddresses?: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Of 733, between two with one key. */
const METHOD = "which-start";
const LOOK_EVERY_MS = 30_000;
const ANSWER_MS = 2_000;
const ASKED_MAX = 8;
const COPIES_MAX = 8;
/** It was met no more. */
const GONE_MS = 150_000;

export class Copies {
  readonly #options: CopiesOptions;
  readonly #start = randomUUID();
  /** By host: when it was last met. */
  readonly #metAtMs = new Map<string, number>();

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  /** For `fossora status`. */
  get problems(): readonly HouseProblem[] {
    this.#forgetGone();
    return [...this.#metAtMs.keys()].map((host) => ({
      severity: "error",
      message: `another computer, at ${host}, has this one's identity: one is a copy of the other's disk, and their house takes both for one`,
      next: `on the copy: sudo fossora down, move ${this.#options.dataDir} away, then: sudo fossora join TOKEN`,
    }));
  }

  /** What is not between two with one key is asked of `inner`. */
  before(inner: MeshHandler): MeshHandler {
    const stream = inner.stream?.bind(inner);
    return {
      ...(stream !== undefined && { stream }),
      request: (peer, method, body, signal) =>
        method === METHOD && peer.nodeId === this.#options.nodeId ? this.#answer(peer, body) : inner.request(peer, method, body, signal),
    };
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined); // aborted: the loop ends
      if (!signal.aborted) await this.look(signal);
    }
  }

  /** Asks wherever it is said to be. */
  async look(signal: AbortSignal): Promise<void> {
    const { nodeId, namesakes, joining, ownAddresses = localAddresses } = this.#options;
    const own = new Set(ownAddresses());
    const known = joining()?.seen?.known.find((each) => each.nodeId === nodeId)?.addresses ?? [];
    const elsewhere = [...new Set([...namesakes(), ...known])].filter((each) => !own.has(splitAddress(each).address)).slice(0, ASKED_MAX);
    for (const address of elsewhere)
      await this.#ask(address, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#options.log.debug("No copy of this node was met", { address, error: String(error) }); // nobody is there, or somebody else
      });
  }

  async #ask(address: Address, signal: AbortSignal): Promise<void> {
    const { nodeId, joining } = this.#options;
    const trust = joining()?.trust;
    if (trust === undefined) return;
    const link = await dial({ ...splitAddress(address), trust, limitMs: ANSWER_MS, signal, expect: { nodeId } });
    try {
      const said = await link.request(METHOD, { start: this.#start }, { limitMs: ANSWER_MS, signal });
      this.#hear(startIn(said), splitAddress(address).address);
    } finally {
      link.close();
    }
  }

  async #answer(peer: MeshPeer, body: unknown): Promise<unknown> {
    this.#hear(startIn(body), plainHost(peer.address));
    return { start: this.#start };
  }

  /** An agent that asks itself, by whatever way round, hears its own. */
  #hear(start: string | undefined, host: string): void {
    if (start === undefined || start === this.#start) return;
    this.#forgetGone();
    const { clock, log } = this.#options;
    if (!this.#metAtMs.has(host)) {
      if (this.#metAtMs.size >= COPIES_MAX) return;
      log.error("Another computer has this one's identity", { address: host });
    }
    this.#metAtMs.set(host, clock.now());
  }

  #forgetGone(): void {
    const nowMs = this.#options.clock.now();
    for (const [host, metAtMs] of this.#metAtMs) if (nowMs - metAtMs >= GONE_MS) this.#metAtMs.delete(host);
  }
}

function startIn(said: unknown): string | undefined {
  const { start } = (typeof said === "object" && said !== null ? said : {}) as { readonly start?: unknown }; // looked at here
  return typeof start === "string" ? start : undefined;
}
