// A node's way into a house at work: hands ticks and messages to the pure joiner, one at a time, and has its effects carried out in order.
import { UserError } from "../../api/errors.ts";
import type { JoinerEffect, JoinerEvent, Here, Joiner, Membership } from "../../joining/joiner-state.ts";
import { step } from "../../joining/joiner.ts";
import type { Address, Message, Trust } from "../../joining/messages.ts";
import type { Clock, Log } from "../../ports.ts";
import { follow, keep, rememberLeft, resume, type UnderWay } from "./member-disk.ts";
import { countOut } from "./seen.ts";

export interface JoinerPorts {
  readonly here: () => Promise<Here> | Here;
  /** Waits for nothing. */
  readonly send: (to: readonly Address[], message: Message) => void;
  /** Makes the house, or goes on making it. */
  readonly found: (signal: AbortSignal) => Promise<Extract<JoinerEvent, { kind: "founded" }>>;
  /** Takes the trust that came with the admission, to begin with. */
  readonly enter: (underWay: UnderWay, credentials: string, signal: AbortSignal) => Promise<void>;
  /** Starts etcd; answers when it has spoken, or will not. */
  readonly startEtcd: (signal: AbortSignal) => Promise<Extract<JoinerEvent, { kind: "etcd-runs" | "etcd-ended" }>>;
  /** Ends etcd, if it runs, and sets its data aside. */
  readonly archive: () => Promise<void>;
  /** Nothing of the house is left. */
  readonly forget: () => Promise<void>;
  /** After every event: whom it asks, whose member it is. */
  readonly onPhase: (joiner: Joiner) => Promise<void>;
}

export interface JoinerLoopOptions {
  readonly dataDir: string;
  readonly ports: JoinerPorts;
  readonly clock: Clock;
  readonly log: Log;
}

const TICK_MS = 250;
/** A member hears of what happens; on the clock it only says hello now and then. */
const MEMBER_TICK_MS = 5_000;
const FOUND_RETRY_MS = 1_000;
const WORDS_MAX = 16;
const QUEUE_MAX = 1_024;

type Reply = (message: Message) => void;
interface Queued {
  readonly event: JoinerEvent;
  readonly reply?: { readonly kinds: readonly Message["kind"][]; readonly take: Reply } | undefined;
  readonly done: () => void;
}
/** Something of a person's that is no event. */
interface Between {
  readonly work: () => Promise<void>;
  readonly done: () => void;
}

export class JoinerLoop {
  readonly #options: JoinerLoopOptions;
  #joiner: Joiner;
  readonly #queue: (Queued | Between)[] = [];
  #working: Promise<void> | undefined;
  /** A start or a founding; it ends before anything is set aside. */
  #work: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;
  #words: readonly string[] = [];
  #signal: AbortSignal = AbortSignal.abort();
  #due = Promise.withResolvers<void>();
  readonly #failed = new AbortController();

  constructor(options: JoinerLoopOptions) {
    this.#options = options;
    this.#joiner = resume(options.dataDir, options.clock.now());
  }

  get joiner(): Joiner {
    return this.#joiner;
  }

  get membership(): Membership | undefined {
    return this.#joiner.phase.kind === "member" ? this.#joiner.phase.membership : undefined;
  }

  /** The last things that were said to people, the newest last. */
  get words(): readonly string[] {
    return this.#words;
  }

  say(text: string): void {
    if (this.#words.at(-1) === text) return;
    this.#words = [...this.#words, text].slice(-WORDS_MAX);
    this.#options.log.info(text);
  }

  /** Until the signal. What is under way is left as the disk has it, and etcd runs on. Throws UserError when a house cannot be begun here. */
  async run(until: AbortSignal): Promise<void> {
    const { clock, ports } = this.#options;
    const signal = AbortSignal.any([until, this.#failed.signal]);
    this.#signal = signal;
    await ports.onPhase(this.#joiner);
    this.#goOn();
    while (!signal.aborted) {
      await this.#hear({ kind: "tick" });
      const slept = clock.sleep(this.membership === undefined ? TICK_MS : MEMBER_TICK_MS, signal).catch(() => undefined);
      await Promise.race([slept, this.#due.promise]);
      this.#due = Promise.withResolvers();
    }
    this.#work?.abort.abort(signal.reason);
    await this.#work?.ended;
    await this.#working;
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
  }

  /** Answers what goes back on the same connection. */
  async heard(
    message: Message,
    heard: { readonly from: Address; readonly trust: Trust },
    answers: readonly Message["kind"][] = [],
  ): Promise<readonly Message[]> {
    const replies: Message[] = [];
    await this.#hear({ kind: "heard", message, ...heard }, { kinds: answers, take: (reply) => replies.push(reply) });
    return replies;
  }

  /** Counts for one that looks for a house alone. */
  async nobodyThere(address: Address): Promise<void> {
    if (["looking", "founding"].includes(this.#joiner.phase.kind)) await this.#hear({ kind: "nobody there", address });
  }

  /** Of etcd while this node is a member, whoever started it. */
  async etcd(event: Extract<JoinerEvent, { kind: "etcd-runs" | "etcd-ended" }>): Promise<void> {
    if (this.membership !== undefined) await this.#hear(event);
  }

  /** A member of its house has said so. */
  async wasRemoved(): Promise<void> {
    if (this.membership !== undefined) await this.#hear({ kind: "was removed" });
  }

  /** Between two events; afterwards it goes on from what the disk says. Throws what the work throws. */
  async between(work: () => Promise<void>): Promise<void> {
    let outcome: { readonly error?: unknown } = { error: new Error("This node is stopping, or has too much to hear") };
    const kept = async (): Promise<void> => {
      try {
        await work();
        outcome = {};
      } catch (error) {
        outcome = { error };
      }
    };
    await this.#put({ work: kept });
    if ("error" in outcome) throw outcome.error;
  }

  /** The disk was changed before it ran. */
  readAnew(): void {
    this.#joiner = resume(this.#options.dataDir, this.#options.clock.now());
  }

  /** A person's word; when it has had its effect. */
  async told(event: Extract<JoinerEvent, { kind: "wished" | "told to leave" }>): Promise<void> {
    if (event.kind === "told to leave") this.#words = [];
    await this.#hear(event);
    this.#due.resolve(); // a wish is looked at with the clock
  }

  /** What the disk says was under way. */
  #goOn(): void {
    const { phase } = this.#joiner;
    if (phase.kind === "laying the ground") this.#found();
    if (phase.kind === "starting") this.#start(undefined);
  }

  #hear(event: JoinerEvent, reply?: Queued["reply"]): Promise<void> {
    return this.#put({ event, reply });
  }

  #put(what: Omit<Queued, "done"> | Omit<Between, "done">): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#queue.length >= QUEUE_MAX || this.#signal.aborted) return Promise.resolve();
    this.#queue.push({ ...what, done: resolve });
    this.#working ??= this.#drain().finally(() => (this.#working = undefined));
    return promise;
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if ("work" in next) {
        await this.#endWork();
        await next.work();
        await this.#startAnew();
      } else {
        await this.#take(next).catch(async (error: unknown) => {
          // Half of it was done: the disk says which.
          this.#options.log.error("Joining step failed", { error });
          await this.#startAnew();
        });
      }
      next.done();
    }
  }

  async #startAnew(): Promise<void> {
    this.readAnew();
    this.#goOn();
    await this.#options.ports.onPhase(this.#joiner).catch((error: unknown) => {
      this.#options.log.error("Joining could not go on", { error }); // its next step tries again
    });
  }

  async #take({ event, reply }: Queued): Promise<void> {
    const { ports, log } = this.#options;
    const { phase: before } = this.#joiner;
    const { joiner, effects } = step(this.#joiner, event, await ports.here());
    this.#joiner = joiner;
    const { phase } = joiner;
    if (phase.kind !== before.kind) log.info("Joining", { was: before.kind, is: phase.kind });
    for (const effect of effects) await this.#carryOut(effect, { event, reply });
    // A hello now and then changes nothing here.
    if (phase !== before || effects.some(({ kind }) => kind !== "send" && kind !== "say")) await ports.onPhase(joiner);
  }

  async #carryOut(effect: JoinerEffect, { event, reply }: Pick<Queued, "event" | "reply">): Promise<void> {
    const { ports, dataDir } = this.#options;
    switch (effect.kind) {
      case "send":
        if (reply?.kinds.includes(effect.message.kind) === true) return reply.take(effect.message);
        return ports.send(effect.to, effect.message);
      case "found":
        return this.#found();
      case "archive":
        await this.#endWork();
        return ports.archive();
      case "start":
        if (effect.admission.role === "learner") return this.#start(effect.credentials);
        return this.#enterAsWorker(effect, event);
      case "keep":
        return keep(dataDir, effect.membership);
      case "remember":
        return rememberLeft(dataDir, effect.left);
      case "count out":
        return countOut(dataDir);
      case "forget":
        return ports.forget();
      case "say":
        return this.say(effect.text);
    }
  }

  /** It needs the house's trust and nothing else. */
  async #enterAsWorker({ admission, credentials }: Extract<JoinerEffect, { kind: "start" }>, event: JoinerEvent): Promise<void> {
    const { phase } = this.#joiner;
    if (phase.kind !== "member" || event.kind !== "heard") return;
    const { houseId, epoch } = phase.membership;
    const leader = event.message.from.addresses;
    const house = { id: houseId, epoch, contacts: [], term: 0 };
    await this.#options.ports.enter({ house, admission, leader }, credentials, this.#signal);
  }

  #found(): void {
    const { ports, clock, log } = this.#options;
    this.#begin(async (signal) => {
      while (!signal.aborted) {
        try {
          const founded = await ports.found(signal);
          void this.#hear(founded);
          return;
        } catch (error) {
          if (signal.aborted) return;
          // What a person must mend is not tried again for ever: whoever waits for this node is told.
          if (error instanceof UserError) return this.#failed.abort(error);
          log.error("The house could not be founded", { error });
          await clock.sleep(FOUND_RETRY_MS, signal);
        }
      }
    });
  }

  /** Without credentials: the trust is on the disk. */
  #start(credentials: string | undefined): void {
    const { phase } = this.#joiner;
    if (phase.kind !== "starting") return;
    const { ports, dataDir, log } = this.#options;
    const { house, admission, leader } = phase;
    this.#begin(async (signal) => {
      try {
        if (credentials !== undefined) {
          await ports.enter({ house, admission, leader }, credentials, signal);
          follow(dataDir, { house, admission, leader });
        }
        const event = await ports.startEtcd(signal);
        if (!signal.aborted) void this.#hear(event);
      } catch (error) {
        if (signal.aborted) return;
        log.warn("The store could not be started as a member", { error });
        void this.#hear({ kind: "etcd-ended", reason: "failed" });
      }
    });
  }

  #begin(work: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    const before = this.#work;
    before?.abort.abort();
    const ended = (before?.ended ?? Promise.resolve()).then(() => work(abort.signal)).catch(() => undefined);
    this.#work = { abort, ended };
  }

  async #endWork(): Promise<void> {
    this.#work?.abort.abort();
    await this.#work?.ended;
    this.#work = undefined;
  }
}
