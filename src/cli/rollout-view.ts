// How a rollout looks while somebody waits: a block that is drawn again on a terminal, one line a phase anywhere else.
import type { ApplyResult, PullReport, ServedObject } from "../api/wire.ts";
import { bytes, stopwatch } from "./age.ts";
import { keyOf, NOTHING_SEEN, type Sight } from "./follow.ts";
import { LiveBlock } from "./live-block.ts";
import { outcomeOf, placementOf, refOf, stepsOf, type Outcome, type Step } from "./rollout.ts";
import type { CliPorts } from "./verb.ts";

/** What one sees of the rollout of several objects. */
export interface RolloutView {
  show(sight: Sight): void;
  /** The last word; what is ready says where it is. */
  end(sight: Sight): void;
}

type Applied = Pick<ApplyResult, "kind" | "name" | "generation">;

const FRAME_MS = 100;
const BAR_CELLS = 20;

export function rolloutView(applied: readonly Applied[], ports: CliPorts): RolloutView {
  return ports.stderr.isTty && !ports.verbose ? new BlockView(applied, ports) : new PhaseLog(applied, ports);
}

class BlockView implements RolloutView {
  readonly #applied: readonly Applied[];
  readonly #ports: CliPorts;
  readonly #block: LiveBlock;
  readonly #startMs: number;
  readonly #stop: () => void;
  readonly #speeds = new Map<string, Speed>();
  #frame = 0;
  #sight: Sight = NOTHING_SEEN;

  constructor(applied: readonly Applied[], ports: CliPorts) {
    this.#applied = applied;
    this.#ports = ports;
    this.#block = new LiveBlock(ports.stderr);
    this.#startMs = ports.now();
    this.#stop = ports.every(FRAME_MS, () => this.#draw());
  }

  show(sight: Sight): void {
    this.#sight = sight;
    for (const pull of sight.pulls.running) this.#speed(pull).add(pull.doneBytes, this.#ports.now());
    this.#draw();
  }

  end(sight: Sight): void {
    this.#stop();
    this.#block.clear();
    for (const each of this.#applied) {
      const object = sight.objects.get(keyOf(each));
      for (const step of stepsOf(object, sight.pulls, each.generation))
        if (step.state === "done" || step.state === "failed") this.#ports.stderr.line(this.#stepLine(step));
      sayOutcome(each, outcomeOf(object, each.generation), this.#ports);
    }
  }

  #draw(): void {
    this.#frame++;
    this.#block.draw(this.#applied.flatMap((each) => this.#linesOf(each)));
  }

  #linesOf(each: Applied): readonly string[] {
    const object = this.#sight.objects.get(keyOf(each));
    const outcome = outcomeOf(object, each.generation);
    const { colors } = this.#ports.stderr;
    const time = colors.dim(stopwatch(this.#ports.now() - this.#startMs));
    const head = outcome.state === "ready" ? `${this.#ports.stderr.marks.ok} ${each.name}` : `[+] ${each.name}${target(object)}`;
    const waits = outcome.state === "waiting" && outcome.message !== "" ? `  ${colors.dim(outcome.message)}` : "";
    return [
      `${head}  ${time}${waits}`,
      ...(outcome.state === "ready" ? [] : stepsOf(object, this.#sight.pulls, each.generation).map((step) => this.#stepLine(step))),
    ];
  }

  #stepLine(step: Step): string {
    const { marks, colors } = this.#ports.stderr;
    const unicode = marks.ok.includes("✓");
    const spinner = (unicode ? "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" : "|/-\\").split("");
    const mark =
      step.state === "done"
        ? marks.ok
        : step.state === "failed"
          ? marks.error
          : step.state === "busy"
            ? (spinner[this.#frame % spinner.length] ?? "")
            : colors.dim(unicode ? "·" : ".");
    return ` ${mark} ${step.text}${step.pull && step.state === "busy" ? `  ${this.#pullText(step.pull, unicode)}` : ""}`;
  }

  #pullText(pull: PullReport, unicode: boolean): string {
    if (pull.totalBytes === 0) return "";
    const share = Math.min(1, pull.doneBytes / pull.totalBytes);
    const full = Math.round(share * BAR_CELLS);
    const bar = (unicode ? "█" : "#").repeat(full) + (unicode ? "░" : "-").repeat(BAR_CELLS - full);
    const speed = this.#speed(pull).perSecond;
    const left = speed > 0 ? `  ${bytes(speed)}/s  ${Math.ceil((pull.totalBytes - pull.doneBytes) / speed)}s left` : "";
    return `${bar}  ${Math.floor(share * 100)}%  ${bytes(pull.doneBytes)} of ${bytes(pull.totalBytes)}${left}`;
  }

  #speed(pull: PullReport): Speed {
    const key = `${pull.service} ${pull.image}`;
    const speed = this.#speeds.get(key) ?? new Speed();
    this.#speeds.set(key, speed);
    return speed;
  }
}

/** Bytes a second over the last reports. */
class Speed {
  static readonly #REPORTS_MAX = 5;
  readonly #reports: { readonly bytes: number; readonly atMs: number }[] = [];

  add(count: number, atMs: number): void {
    if (this.#reports.at(-1)?.bytes === count) return;
    this.#reports.push({ bytes: count, atMs });
    if (this.#reports.length > Speed.#REPORTS_MAX) this.#reports.shift();
  }

  get perSecond(): number {
    const [first, last] = [this.#reports[0], this.#reports.at(-1)];
    return first && last && last.atMs > first.atMs ? ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs) : 0;
  }
}

/** For logs of programs: each phase once, with how long it took. */
class PhaseLog implements RolloutView {
  readonly #applied: readonly Applied[];
  readonly #ports: CliPorts;
  readonly #since = new Map<string, { readonly state: Step["state"]; readonly atMs: number; readonly pull?: PullReport }>();
  readonly #said = new Map<string, string>();

  constructor(applied: readonly Applied[], ports: CliPorts) {
    this.#applied = applied;
    this.#ports = ports;
  }

  show(sight: Sight): void {
    for (const each of this.#applied) {
      const object = sight.objects.get(keyOf(each));
      this.#sayPlacement(each, object);
      for (const step of stepsOf(object, sight.pulls, each.generation)) this.#step(each, step);
      this.#sayWait(each, outcomeOf(object, each.generation));
    }
  }

  end(sight: Sight): void {
    this.show(sight);
    for (const each of this.#applied) sayOutcome(each, outcomeOf(sight.objects.get(keyOf(each)), each.generation), this.#ports);
  }

  #step(each: Applied, step: Step): void {
    const key = `${keyOf(each)} ${step.key}`;
    const before = this.#since.get(key);
    const pull = step.pull ?? before?.pull;
    if (before?.state === step.state) {
      if (pull) this.#since.set(key, { ...before, pull });
      return;
    }
    this.#since.set(key, { state: step.state, atMs: this.#ports.now(), ...(pull && { pull }) });
    if (step.state === "todo") return;
    const took = before && before.state === "busy" ? [stopwatch(this.#ports.now() - before.atMs)] : [];
    const size = step.state === "done" && pull ? [`${pull.layers} layers`, bytes(pull.totalBytes)] : [];
    const details = [...size, ...took];
    const word =
      step.state === "busy" ? " ..." : step.state === "failed" ? " failed" : ` done${details.length > 0 ? ` (${details.join(", ")})` : ""}`;
    this.#ports.stderr.line(`${each.name}: ${step.text}${word}`);
  }

  #sayPlacement(each: Applied, object: ServedObject | undefined): void {
    const text = target(object);
    if (text === "" || this.#said.get(`place ${keyOf(each)}`) === text) return;
    this.#said.set(`place ${keyOf(each)}`, text);
    this.#ports.stderr.line(`${each.name}:${text}`);
  }

  /** What keeps it waiting is worth a line, once. */
  #sayWait(each: Applied, outcome: Outcome): void {
    const before = this.#said.get(`wait ${keyOf(each)}`);
    if (outcome.state !== "waiting" || outcome.message === "" || before === outcome.reason) return;
    this.#said.set(`wait ${keyOf(each)}`, outcome.reason);
    this.#ports.stderr.line(`${each.name}: ${outcome.message} (${outcome.reason})`);
  }
}

function target(object: ServedObject | undefined): string {
  const { nodes, why } = placementOf(object);
  return nodes.length === 0 ? "" : ` → ${nodes.join(", ")}${why === "" ? "" : `  (${why})`}`;
}

function sayOutcome(each: Applied, outcome: Outcome, { stderr }: CliPorts): void {
  if (outcome.state === "ready")
    stderr.line(`${stderr.marks.ok} ${each.name} is ready${outcome.url === undefined ? "" : `: ${outcome.url}`}`);
  if (outcome.state === "ready" && outcome.unheld !== undefined) stderr.line(`${stderr.marks.warn} ${refOf(each)}: ${outcome.unheld}`);
  if (outcome.state === "failed") stderr.line(`${stderr.marks.error} ${refOf(each)}: ${outcome.message} (${outcome.reason})`);
}
