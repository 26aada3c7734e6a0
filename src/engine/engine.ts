// The loop of one node: a change wakes names, each name is looked at, the head of its plan is carried out, and it is looked at again
// until it is at rest. Knows no kind; all that it knows of the world comes through the ports.
import { Refusal } from "../api/errors.ts";
import type { Condition, Kind, Name } from "../api/resource.ts";
import type { BootMs, EngineCounts, KindCounts } from "../ports.ts";
import { backoffMs, BACKOFF_MIN_MS } from "./backoff.ts";
import type { Change, Ports } from "./contract.ts";
import type { StoreMirror } from "./mirror.ts";
import { actionText, type Look, type Runnable } from "./runnable.ts";
import { WorkQueue } from "./workqueue.ts";
import { WriteTracker } from "./write-tracker.ts";

export const ROUNDS_MAX = 16;
/** How long a name pauses that does not come to rest. */
export const RESTLESS_MS = 1_000;
export const RESYNC_MS = 300_000;
const CONCURRENCY = 8;
/** A revision may never be seen: an older snapshot was restored, or somebody wrote what is not mirrored. */
const AWAIT_MS = 10_000;

export interface EngineOptions {
  readonly controllers: readonly Runnable[];
  readonly mirror: StoreMirror;
  readonly ports: Ports;
}

/** What the last look at a name said, for `describe` and for the status of this node. */
export interface LastPlan {
  /** The whole plan as text, the head first; empty at rest. */
  readonly actions: readonly string[];
  /** The plan's own, and the engine's: `Stalled` after a refusal, `Reconciling` while a failed name waits for its next try. */
  readonly conditions: readonly Condition[];
}

/** How far the work on one key has come. A key is a name of a kind, or a kind: then its names are listed and woken. */
interface Progress {
  /** Actions since it was last at rest. */
  rounds: number;
  lastHead: string | undefined;
  failures: number;
  /** Before this no wake runs a failed key: its own effects would wake it over and over. */
  notBeforeMs: BootMs;
  /** What was wanted when the world refused. */
  refused: string | undefined;
  /** Of the last try that failed, until one succeeds. */
  failure: Condition | undefined;
}

interface Awaited {
  readonly revision: number;
  readonly untilMs: BootMs;
}

export class Engine {
  readonly #controllers: ReadonlyMap<Kind, Runnable>;
  readonly #mirror: StoreMirror;
  readonly #ports: Ports;
  readonly #queue: WorkQueue;
  readonly #progress = new Map<string, Progress>();
  readonly #looks = new Map<string, Look>();
  /** Keys that wait until the mirror is worth something and has come to a revision, or has had time enough to. */
  readonly #waiting = new Map<string, Awaited>();
  readonly #counts = new Map<Kind, { -readonly [K in keyof KindCounts]: number }>();
  #signal: AbortSignal = AbortSignal.abort(new Error("The engine does not run"));

  constructor(options: EngineOptions) {
    this.#controllers = new Map(options.controllers.map((controller) => [controller.kind, controller]));
    this.#mirror = options.mirror;
    this.#ports = options.ports;
    this.#queue = new WorkQueue({ clock: options.ports.clock, concurrency: CONCURRENCY, run: (key) => this.#run(key) });
  }

  /** Runs until the signal, and returns once every action has ended. The mirror is run by whoever made it. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const unsubscribe = this.#mirror.subscribe((changes) => this.#heard(changes));
    for (const kind of this.#controllers.keys()) this.wakeAll(kind);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    unsubscribe();
    await this.#queue.close();
  }

  /** A hint from outside of the store: a job ended, a probe or a container changed. */
  wake(kind: Kind, name: Name): void {
    this.#queue.add(`${kind}/${name}`);
  }

  /** Wakes every name of a kind, for anything may have happened. */
  wakeAll(kind: Kind): void {
    this.#queue.add(kind);
  }

  /** Undefined before the first look, and once nothing is left of a deleted name. */
  lastPlan(kind: Kind, name: Name): LastPlan | undefined {
    const key = `${kind}/${name}`;
    const look = this.#looks.get(key);
    const failure = this.#progress.get(key)?.failure;
    if (look === undefined && failure === undefined) return undefined;
    return { actions: (look?.actions ?? []).map(actionText), conditions: [...(look?.conditions ?? []), ...(failure ? [failure] : [])] };
  }

  get counts(): EngineCounts {
    const failing = [...this.#progress.values()].filter(({ failure }) => failure !== undefined).length;
    return { queued: this.#queue.size, failing, kinds: this.#counts };
  }

  #count(kind: Kind, what: keyof KindCounts): void {
    const counts = this.#counts.get(kind) ?? { looks: 0, actions: 0, failures: 0 };
    counts[what] += 1;
    this.#counts.set(kind, counts);
  }

  #heard(changes: readonly Change[]): void {
    for (const change of changes) {
      for (const controller of this.#controllers.values()) this.#wakeFor(change, controller);
    }
    for (const [key, awaited] of this.#waiting) if (this.#hasCome(awaited)) this.#queue.add(key);
  }

  /** Where a value cannot be read it may concern anybody: each look says what is wrong, and the mirror tells the others. */
  #wakeFor(change: Change, controller: Runnable): void {
    try {
      for (const name of controller.wakes(change, this.#mirror)) this.wake(controller.kind, name);
    } catch (error) {
      this.#ports.log.debug("It is not known whom a change concerns", { kind: controller.kind, error: String(error) });
      this.wakeAll(controller.kind);
    }
  }

  async #run(key: string): Promise<void> {
    const [kind, name] = key.split("/") as [Kind, Name?]; // made in wake and wakeAll
    const controller = this.#controllers.get(kind);
    if (controller === undefined) return;
    const progress = this.#progress.get(key) ?? newProgress();
    this.#progress.set(key, progress);
    const waitMs = progress.notBeforeMs - this.#ports.clock.now();
    if (waitMs > 0) return this.#queue.addAfter(key, waitMs);

    const step = name === undefined ? () => this.#resync(controller, progress) : () => this.#round(controller, name, progress);
    try {
      for (let again = true; again && this.#ready(key);) again = await step();
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#count(kind, "failures");
      this.#failed(key, progress, error);
    }
  }

  /** No plan from a mirror that is worth nothing, and none before it shows what this key last wrote. */
  #ready(key: string): boolean {
    const awaited = this.#waiting.get(key) ?? { revision: 0, untilMs: Infinity };
    const ready = this.#hasCome(awaited);
    if (ready) this.#waiting.delete(key);
    else this.#waiting.set(key, awaited);
    return ready;
  }

  #hasCome({ revision, untilMs }: Awaited): boolean {
    return this.#mirror.standing.kind !== "none" && (this.#mirror.revision >= revision || this.#ports.clock.now() >= untilMs);
  }

  /** Finds names that nothing wakes any more, such as what a deleted object left behind. */
  async #resync(controller: Runnable, progress: Progress): Promise<boolean> {
    for (const name of await controller.names(this.#ports, this.#signal)) this.wake(controller.kind, name);
    progress.failures = 0;
    this.#queue.addAfter(controller.kind, RESYNC_MS * (0.8 + 0.4 * this.#ports.random.next()));
    return false;
  }

  /** Looks, and carries out the head of the plan. True: look again. */
  async #round(controller: Runnable, name: Name, progress: Progress): Promise<boolean> {
    const { kind } = controller;
    const wanted = this.#wanted(kind, name);
    if (progress.refused === wanted) return false;
    progress.refused = undefined;

    const store = new WriteTracker(this.#ports.store);
    const look = await controller.look(name, { ...this.#ports, store }, this.#signal);
    if (look === undefined) return true;
    this.#count(kind, "looks");
    this.#looks.set(`${kind}/${name}`, look);
    if (look.head === undefined) return this.#atRest(kind, name, look);
    // A head that comes again had no effect that can be seen yet.
    if (look.head.id === progress.lastHead || progress.rounds === ROUNDS_MAX) return this.#restless(kind, name, progress);
    progress.rounds += 1;
    progress.lastHead = look.head.id;
    try {
      await this.#act(kind, name, look);
    } catch (error) {
      if (error instanceof Refusal) progress.refused = wanted;
      throw error;
    }
    progress.failure = undefined;
    if (store.revision > 0) this.#waiting.set(`${kind}/${name}`, { revision: store.revision, untilMs: this.#ports.clock.now() + AWAIT_MS });
    return true;
  }

  async #act(kind: Kind, name: Name, { head, actions: [action] }: Look): Promise<void> {
    const startedMs = this.#ports.clock.now();
    await head?.act();
    this.#count(kind, "actions");
    const durationMs = this.#ports.clock.now() - startedMs;
    this.#ports.log.info("Action carried out", { kind, name, action: action && actionText(action), durationMs });
  }

  #atRest(kind: Kind, name: Name, look: Look): boolean {
    const key = `${kind}/${name}`;
    this.#progress.delete(key);
    if (this.#mirror.desired(kind, name) === undefined) this.#looks.delete(key);
    if (look.recheckAfterMs !== undefined) this.#queue.addAfter(key, look.recheckAfterMs);
    return false;
  }

  #restless(kind: Kind, name: Name, progress: Progress): boolean {
    progress.rounds = 0;
    progress.lastHead = undefined;
    this.#pause(`${kind}/${name}`, progress, RESTLESS_MS, RESTLESS_MS);
    return false;
  }

  #failed(key: string, progress: Progress, error: unknown): void {
    progress.rounds = 0;
    progress.lastHead = undefined;
    progress.failures += 1;
    const refused = progress.refused !== undefined;
    const retryAfterMs = refused ? undefined : backoffMs(progress.failures, this.#ports.random);
    if (retryAfterMs !== undefined) this.#pause(key, progress, retryAfterMs, BACKOFF_MIN_MS);
    progress.failure = failureCondition(error);
    this.#ports.log.warn(refused ? "Name was refused" : "Name failed", {
      key,
      action: this.#looks.get(key)?.actions[0]?.kind,
      error,
      retryAfterMs,
    });
  }

  /** Runs the key again after a while, and not before `atLeastMs` whoever wakes it. */
  #pause(key: string, progress: Progress, ms: number, atLeastMs: number): void {
    progress.notBeforeMs = this.#ports.clock.now() + atLeastMs;
    this.#queue.addAfter(key, ms);
  }

  /** What this node is to carry out; a refusal stands until it changes. */
  #wanted(kind: Kind, name: Name): string {
    const desired = this.#mirror.desired(kind, name)?.metadata;
    return `${desired?.uid}/${desired?.resourceVersion}/${this.#mirror.decided(kind, name)?.modRevision}`;
  }
}

function newProgress(): Progress {
  return { rounds: 0, lastHead: undefined, failures: 0, notBeforeMs: 0, refused: undefined, failure: undefined };
}

function failureCondition(error: unknown): Condition {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refusal) return { type: "Stalled", status: "True", reason: error.reason, message };
  return { type: "Reconciling", status: "True", reason: "Retrying", message };
}
