// Health checks that the agent runs itself: often at first, so that an app that is up is found up at once, then every interval.
import type { Name } from "../../api/resource.ts";
import type { BootMs, Clock, Probe, Probes, ProbeState } from "../../ports.ts";

export interface ProbesOptions {
  readonly clock: Clock;
  /** Undefined: well; else one line on what is wrong. Ends within `timeoutMs`. */
  readonly check: (probe: Probe, timeoutMs: number, signal: AbortSignal) => Promise<string | undefined>;
  /** Its health changed. */
  readonly wake: (service: Name) => void;
}

/** While starting: at 0, 10, 20, 40, 80 ms ... and then each second at least. */
const firstGapMs = 10;
const startingGapMaxMs = 1000;
/** A first packet that was lost is sent again by the kernel after a second only: early tries are given up sooner. */
const timeoutMinMs = 200;

export class NodeProbes implements Probes {
  readonly #options: ProbesOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  watch(id: string, service: Name, probe: Probe): ProbeState {
    const known = this.#watched.get(id);
    if (known?.is(service, probe)) return known.state;
    known?.end();
    const watched = new Watched(this.#options, service, probe);
    this.#watched.set(id, watched);
    return watched.state;
  }

  keep(service: Name, ids: readonly string[]): void {
    for (const [id, watched] of this.#watched) {
      if (watched.service !== service || ids.includes(id)) continue;
      watched.end();
      this.#watched.delete(id);
    }
  }

  close(): void {
    for (const watched of this.#watched.values()) watched.end();
    this.#watched.clear();
  }
}

/** One probe from its first check to its end. */
class Watched {
  readonly service: Name;
  state: ProbeState;
  readonly #options: ProbesOptions;
  readonly #probe: Probe;
  readonly #startedMs: BootMs;
  readonly #ended = new AbortController();
  #gapMs = firstGapMs;
  #failures = 0;
  #cancelTimer: () => void;

  constructor(options: ProbesOptions, service: Name, probe: Probe) {
    this.service = service;
    this.#options = options;
    this.#probe = probe;
    this.#startedMs = options.clock.now();
    this.state = { health: "starting", sinceMs: this.#startedMs };
    this.#cancelTimer = options.clock.timer(0, () => void this.#run());
  }

  is(service: Name, probe: Probe): boolean {
    return service === this.service && JSON.stringify(probe) === JSON.stringify(this.#probe);
  }

  end(): void {
    this.#cancelTimer();
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    const { clock, check } = this.#options;
    const { timing } = this.#probe;
    const elapsedMs = clock.now() - this.#startedMs;
    const timeoutMs = this.state.health === "starting" ? Math.min(timing.timeoutMs, Math.max(timeoutMinMs, elapsedMs)) : timing.timeoutMs;
    const detail = await check(this.#probe, timeoutMs, this.#ended.signal);
    if (this.#ended.signal.aborted) return;
    this.#failures = detail === undefined ? 0 : this.#failures + 1;
    this.#set(this.#verdict(detail), detail);
    this.#cancelTimer = clock.timer(this.#nextGapMs(), () => void this.#run());
  }

  /** A starting app has its grace and then its tries; the many early checks do not count as tries. */
  #verdict(detail: string | undefined): ProbeState["health"] {
    const { intervalMs, retries, startGraceMs } = this.#probe.timing;
    if (detail === undefined) return "healthy";
    if (this.state.health !== "starting") return this.#failures >= retries ? "unhealthy" : this.state.health;
    const failedMs = this.#options.clock.now() - this.#startedMs;
    return failedMs >= startGraceMs + intervalMs * retries ? "unhealthy" : "starting";
  }

  #set(health: ProbeState["health"], detail: string | undefined): void {
    const changed = health !== this.state.health;
    const sinceMs = changed ? this.#options.clock.now() : this.state.sinceMs;
    this.state = { health, sinceMs, ...(detail !== undefined && { detail }) };
    if (changed) this.#options.wake(this.service);
  }

  #nextGapMs(): number {
    const { intervalMs } = this.#probe.timing;
    if (this.state.health !== "starting") return intervalMs;
    const gapMs = Math.min(this.#gapMs, intervalMs);
    const elapsedMs = this.#options.clock.now() - this.#startedMs;
    this.#gapMs = Math.min(Math.max(firstGapMs, elapsedMs + gapMs), startingGapMaxMs);
    return gapMs;
  }
}
