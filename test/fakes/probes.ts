// Health checks of a node on virtual time: asks whether anything answers, and wakes the Service when the verdict changes.
import type { Name } from "../../src/api/resource.ts";
import type { BootMs, Clock, Probe, Probes, ProbeState } from "../../src/ports.ts";

export interface FakeProbesOptions {
  readonly clock: Clock;
  readonly answers: (host: string, port: number) => boolean;
  readonly wake: (service: Name) => void;
}

interface Watched {
  readonly service: Name;
  readonly probe: Probe;
  readonly text: string;
  readonly startedMs: BootMs;
  state: ProbeState;
  failures: number;
  cancel: () => void;
}

/** The real probes ask soon after the start, too: an app that is up should be found up. */
const firstCheckMs = 50;

export class FakeProbes implements Probes {
  readonly #options: FakeProbesOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: FakeProbesOptions) {
    this.#options = options;
  }

  watch(id: string, service: Name, probe: Probe): ProbeState {
    const text = JSON.stringify(probe);
    const known = this.#watched.get(id);
    if (known?.text === text) return known.state;
    known?.cancel();
    const now = this.#options.clock.now();
    const watched: Watched = {
      service,
      probe,
      text,
      startedMs: now,
      state: { health: "starting", sinceMs: now },
      failures: 0,
      cancel: () => {},
    };
    this.#watched.set(id, watched);
    this.#schedule(watched, firstCheckMs);
    return watched.state;
  }

  keep(service: Name, ids: readonly string[]): void {
    for (const [id, watched] of this.#watched) if (watched.service === service && !ids.includes(id)) this.#drop(id, watched);
  }

  /** The end of the process. */
  close(): void {
    for (const [id, watched] of this.#watched) this.#drop(id, watched);
  }

  #drop(id: string, watched: Watched): void {
    watched.cancel();
    this.#watched.delete(id);
  }

  #schedule(watched: Watched, ms: number): void {
    watched.cancel = this.#options.clock.timer(ms, () => this.#check(watched));
  }

  #check(watched: Watched): void {
    const { host, port, timing } = watched.probe;
    const answers = this.#options.answers(host, port);
    watched.failures = answers ? 0 : watched.failures + 1;
    const now = this.#options.clock.now();
    const inGrace = watched.state.health === "starting" && now - watched.startedMs < timing.startGraceMs;
    if (answers) this.#set(watched, "healthy");
    else if (!inGrace && watched.failures >= timing.retries) this.#set(watched, "unhealthy");
    this.#schedule(watched, watched.state.health === "starting" ? Math.min(timing.intervalMs, 1_000) : timing.intervalMs);
  }

  #set(watched: Watched, health: "healthy" | "unhealthy"): void {
    if (watched.state.health === health) return;
    watched.state = { health, sinceMs: this.#options.clock.now(), ...(health === "unhealthy" && { detail: "nobody answers" }) };
    this.#options.wake(watched.service);
  }
}
