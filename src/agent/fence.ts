// Ends by itself what another node may start once this one has lost contact with the house: outside of the work queue, by the kernel and
// by the engine at the same time, again and again until the contact is back. The ingress is told the same, for when this agent is gone.
import { StoreUnavailable } from "../api/errors.ts";
import type { Name } from "../api/resource.ts";
import type { FenceTold } from "../api/table.ts";
import { ended, mayStart, newFence, withContact, type Contact, type Fence as FenceState } from "../liveness/fence.ts";
import type { Fence } from "../container-ports.ts";
import type { BootMs, Clock, Lease, Log } from "../ports.ts";

export interface FenceOptions {
  readonly lease: Pick<Lease, "renewedAtMs" | "losses" | "writtenAt">;
  /** Of this node's record, which ends with the lease. */
  readonly key: string;
  readonly mirror: { readonly fresh: boolean; readonly revision: number };
  /** On an engine connection of its own. */
  readonly kill: (container: string, signal: AbortSignal) => Promise<void>;
  /** Of containers, whatever the engine does; answers how many there were. */
  readonly killProcesses: (containers: readonly string[]) => number;
  readonly tellIngress: (told: FenceTold, signal: AbortSignal) => Promise<void>;
  /** What it was told by the agent before this one; throws when there is nobody to ask. */
  readonly askIngress: (signal: AbortSignal) => Promise<FenceTold | undefined>;
  /** It opened again: what waits for it may go on. */
  readonly onOpen: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const TICK_MS = 250;
/** While nothing is under it. */
const IDLE_TICK_MS = 2_000;
const ENGINE_LIMIT_MS = 2_000;
const TELL_LIMIT_MS = 1_000;
/** By then every Service had its turn, counted from the first that had it: an engine that hangs tells of none. */
const ADOPTED_MS = 60_000;

export class FenceKeeper implements Fence {
  readonly #options: FenceOptions;
  readonly #containers = new Map<Name, readonly string[]>();
  /** Of the agent before this one, until this one has looked at them all. */
  #adopted: readonly string[] = [];
  #firstLookAtMs: BootMs | undefined;
  #state: FenceState;
  #askedEngineAtMs = -Infinity;
  #told = "";
  #telling: Promise<void> | undefined;

  constructor(options: FenceOptions) {
    this.#options = options;
    this.#state = newFence(options.clock.now());
  }

  get isOpen(): boolean {
    return this.#look().state === "open";
  }

  keep(service: Name, containers: readonly string[]): void {
    this.#firstLookAtMs ??= this.#options.clock.now();
    if (containers.length === 0) this.#containers.delete(service);
    else this.#containers.set(service, containers);
  }

  async admit(service: Name, container: string, signal: AbortSignal): Promise<void> {
    const others = this.#containers.get(service) ?? [];
    this.#containers.set(service, [...others.filter((id) => id !== container), container]);
    await this.#tell(signal);
    if (!mayStart(this.#look(), this.#contact(), this.#options.clock.now()))
      throw new StoreUnavailable("This node has lost contact with the house, and another one may run it");
  }

  /** A new ingress knows nothing. */
  forgetTold(): void {
    this.#told = "";
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    await this.#adopt(signal).catch((error: unknown) => log.debug("The ingress knows of nothing to end", { error: String(error) }));
    while (!signal.aborted) {
      if (this.#look().state === "closed") this.#end(signal);
      await this.#tell(signal).catch((error: unknown) => {
        if (!signal.aborted) log.debug("The ingress was not told what ends with the contact", { error: String(error) });
      });
      await clock.sleep(this.#containers.size > 0 ? TICK_MS : IDLE_TICK_MS, signal).catch(() => undefined); // aborted: the loop ends
    }
  }

  /** The contact that it had counts on, also where this one finds none. */
  async #adopt(signal: AbortSignal): Promise<void> {
    const { askIngress, clock } = this.#options;
    const told = await this.#limited(TELL_LIMIT_MS, signal, askIngress);
    if (told === undefined) return;
    this.#adopted = told.containers;
    if (this.#state.state === "beginning") this.#state = newFence(Math.min(told.contactAtMs, clock.now()));
  }

  async #limited<T>(ms: number, signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const cancel = this.#options.clock.timer(ms, () => limit.abort(new Error(`no answer within ${ms} ms`)));
    return run(AbortSignal.any([signal, limit.signal])).finally(cancel);
  }

  #look(): FenceState {
    const { clock, log, onOpen } = this.#options;
    const before = this.#state;
    this.#state = withContact(before, this.#contact(), clock.now());
    if (this.#state.state === before.state) return this.#state;
    if (this.#state.state === "closed")
      log.warn("Contact with the house was lost: what another node may start now is ended here", { containers: this.#all.length });
    // Whoever asks is in the middle of something.
    if (this.#state.state === "open") clock.timer(0, onOpen);
    return this.#state;
  }

  #contact(): Contact {
    const { lease, key, mirror } = this.#options;
    const writtenAt = lease.writtenAt(key);
    const isKnown = writtenAt !== undefined && mirror.fresh && mirror.revision >= writtenAt;
    return { atMs: lease.renewedAtMs(), losses: lease.losses(), isKnown };
  }

  get #all(): readonly string[] {
    const nowMs = this.#options.clock.now();
    const adopted = nowMs - (this.#firstLookAtMs ?? nowMs) < ADOPTED_MS ? this.#adopted : [];
    return [...new Set([...this.#containers.values(), adopted].flat())];
  }

  /** What an engine was told to start before, and does late, is ended as well. */
  #end(signal: AbortSignal): void {
    const { kill, killProcesses, clock, log } = this.#options;
    const containers = this.#all;
    this.#state = ended(this.#state);
    if (containers.length === 0) return;
    const processes = killProcesses(containers);
    if (processes > 0) log.warn("What ran without contact with the house was ended", { processes });
    if (clock.now() - this.#askedEngineAtMs < ENGINE_LIMIT_MS) return;
    this.#askedEngineAtMs = clock.now();
    for (const container of containers)
      void this.#limited(ENGINE_LIMIT_MS, signal, (limit) => kill(container, limit)).catch((error: unknown) =>
        log.debug("The engine did not end a container", { container, error: String(error) }),
      );
  }

  /** Only news; one call after the other. */
  async #tell(signal: AbortSignal): Promise<void> {
    await this.#telling?.catch(() => undefined); // whoever made it hears
    const { contactAtMs } = this.#look();
    const containers = this.#all;
    if (contactAtMs === undefined || (containers.length === 0 && this.#told === "")) return;
    const told: FenceTold = { containers, contactAtMs };
    const text = JSON.stringify(told);
    if (text === this.#told) return;
    this.#telling = this.#limited(TELL_LIMIT_MS, signal, (limit) => this.#options.tellIngress(told, limit));
    try {
      await this.#telling;
      this.#told = containers.length === 0 ? "" : text;
    } finally {
      this.#telling = undefined;
    }
  }
}
