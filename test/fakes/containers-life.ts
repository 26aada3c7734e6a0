// One container of the fake engine: its states over the virtual clock, as Docker goes through them.
import { LABEL } from "../../src/api/labels.ts";
import type { FileEntry } from "../../src/api/types.ts";
import type { Container, ContainerSpec } from "../../src/container-ports.ts";
import type { BootMs, Clock } from "../../src/ports.ts";

/** How the program in a container behaves, asked anew at each start. Nothing said: it serves at once, and ends at once when told to. */
export interface Behaviour {
  /** From the start until it answers on its address. */
  readonly servesAfterMs?: number;
  /** Ends by itself so long after each start. */
  readonly exitAfterMs?: number;
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
  /** How long it takes to end after the stop signal; `Infinity`: it has to be killed. */
  readonly stopMs?: number;
  /** What it ends with then; absent: 143, as of a program that does not handle the signal. */
  readonly stopExitCode?: number;
  /** What its HEALTHCHECK finds, if it has one. */
  readonly check?: "passes" | "fails";
  /** What it prints at each start. */
  readonly output?: string;
}

const restartDelayFirstMs = 100;
const restartDelayMaxMs = 60_000;
/** Docker forgets earlier failures of what ran so long. */
const restartForgetMs = 10_000;
const killedExitCode = 137;
const terminatedExitCode = 143;
/** What Docker notes for a container that it finds dead. */
const lostExitCode = 255;

export interface Surroundings {
  readonly clock: Clock;
  readonly behave: (spec: ContainerSpec) => Behaviour;
  readonly emit: (action: string) => void;
  /** At once, unless the daemon hangs. */
  readonly whenDaemonRuns: (run: () => void) => void;
}

export class FakeContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  readonly imageId: string;
  readonly files = new Map<string, FileEntry>();
  state: "created" | "running" | "restarting" | "exited" = "created";
  restartPolicy: "no" | "on-failure" | "unless-stopped";
  output = "";
  /** It runs, and answers nobody. */
  isDeaf = false;
  #health: Container["health"];
  #exitCode = 0;
  #outOfMemory = false;
  #restarts = 0;
  #restartDelayMs = restartDelayFirstMs;
  #startedMs: BootMs = 0;
  #startedAt: string | undefined;
  #finishedAt: string | undefined;
  #behaviour: Behaviour = {};
  #timers: (() => void)[] = [];
  readonly #around: Surroundings;
  readonly #checked: boolean;

  constructor(id: string, spec: ContainerSpec, image: { readonly id: string; readonly hasHealthcheck: boolean }, around: Surroundings) {
    this.id = id;
    this.spec = spec;
    this.imageId = image.id;
    this.#around = around;
    this.restartPolicy = spec.restart;
    this.#checked = spec.healthcheck === undefined ? image.hasHealthcheck : spec.healthcheck !== "none";
    this.#health = this.#checked ? "starting" : "none";
  }

  /** By a call; Docker begins to count restarts anew. */
  start(): void {
    this.#restarts = 0;
    this.#restartDelayMs = restartDelayFirstMs;
    this.#run();
  }

  /** So long the stop signal takes; the caller waits for it, or for its grace. */
  get stopMs(): number {
    return this.#behaviour.stopMs ?? 0;
  }

  /** It is over, by a call or with the daemon: Docker's restart policy does not apply now. */
  end(how: "term" | "kill" | "powerLoss"): void {
    if (this.state === "created" || this.state === "exited") return;
    const exitCodes = { term: this.#behaviour.stopExitCode ?? terminatedExitCode, kill: killedExitCode, powerLoss: lostExitCode };
    this.#exited(exitCodes[how], false);
  }

  /** Docker starts what failed, and counts a stop that did not end with 0 as a failure (20.10 to 28). */
  daemonStarted(): void {
    if (this.state !== "exited") return;
    if (this.restartPolicy === "unless-stopped" || (this.restartPolicy === "on-failure" && this.#exitCode !== 0)) this.start();
  }

  /** By itself: Docker restarts it if its policy says so. */
  crash(exitCode: number, outOfMemory = false): void {
    if (this.state !== "running") return;
    const ranMs = this.#around.clock.now() - this.#startedMs;
    this.#exited(exitCode, outOfMemory);
    const again = this.restartPolicy === "unless-stopped" || (this.restartPolicy === "on-failure" && exitCode !== 0);
    if (again) this.#around.whenDaemonRuns(() => this.#startAgain(ranMs));
  }

  #startAgain(ranMs: number): void {
    if (this.state !== "exited") return;
    if (ranMs > restartForgetMs) this.#restartDelayMs = restartDelayFirstMs;
    this.state = "restarting";
    this.#after(this.#restartDelayMs, () => {
      this.#restarts += 1;
      this.#run();
    });
    this.#restartDelayMs = Math.min(this.#restartDelayMs * 2, restartDelayMaxMs);
  }

  /** It answers on its address. */
  get serving(): boolean {
    return !this.isDeaf && this.state === "running" && this.#around.clock.now() - this.#startedMs >= (this.#behaviour.servesAfterMs ?? 0);
  }

  get address(): string | undefined {
    return this.spec.network.kind === "bridge" ? this.spec.network.address : undefined;
  }

  get service(): string {
    return this.spec.labels[LABEL.name] ?? "";
  }

  view(): Container {
    const { spec, address } = this;
    return {
      id: this.id,
      name: spec.name,
      service: this.service,
      instance: spec.labels[LABEL.instance] ?? "",
      container: spec.labels[LABEL.container] ?? "",
      specHash: spec.labels[LABEL.specHash] ?? "",
      state: this.state,
      health: this.state === "running" || !this.#checked ? this.#health : "starting",
      exitCode: this.#exitCode,
      outOfMemory: this.#outOfMemory,
      restarts: this.#restarts,
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      ...(this.#finishedAt !== undefined && { finishedAt: this.#finishedAt }),
      imageId: this.imageId,
      restartPolicy: this.restartPolicy,
      stopGraceMs: spec.stopGraceMs,
      ...(address !== undefined && { address }),
      published: Object.fromEntries(spec.publish.map(({ port, protocol }) => [`${port}/${protocol}`, 32_768 + (port % 28_000)])),
    };
  }

  #run(): void {
    this.#dispose();
    this.#behaviour = this.#around.behave(this.spec);
    this.state = "running";
    this.#exitCode = 0;
    this.#outOfMemory = false;
    this.#startedMs = this.#around.clock.now();
    this.#startedAt = this.#around.clock.wall();
    this.#health = this.#checked ? "starting" : "none";
    this.output += this.#behaviour.output ?? "";
    this.#around.emit("start");
    const { exitAfterMs, exitCode = 1, outOfMemory = false, check = "passes" } = this.#behaviour;
    if (exitAfterMs !== undefined) this.#after(exitAfterMs, () => this.crash(exitCode, outOfMemory));
    if (this.#checked) this.#after(this.#verdictMs(check), () => this.#setHealth(check === "passes" ? "healthy" : "unhealthy"));
  }

  #verdictMs(check: "passes" | "fails"): number {
    const timing = typeof this.spec.healthcheck === "object" ? this.spec.healthcheck : { intervalMs: 30_000, retries: 3, startGraceMs: 0 };
    return check === "passes" ? timing.intervalMs : timing.startGraceMs + timing.intervalMs * timing.retries;
  }

  #setHealth(health: "healthy" | "unhealthy"): void {
    this.#health = health;
    this.#around.emit(`health_status: ${health}`);
  }

  #exited(exitCode: number, outOfMemory: boolean): void {
    this.#dispose();
    this.state = "exited";
    this.#exitCode = exitCode;
    this.#outOfMemory = outOfMemory;
    this.#finishedAt = this.#around.clock.wall();
    this.#around.emit("die");
  }

  #dispose(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
  }

  #after(ms: number, run: () => void): void {
    this.#timers.push(this.#around.clock.timer(ms, run));
  }
}

/** `build`: what a registry has under a reference may change. */
export function imageId(reference: string, build = ""): string {
  return `sha256:${Buffer.from(`${build}${reference}`).toString("hex").slice(0, 64).padEnd(64, "0")}`;
}
