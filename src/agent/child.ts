// A process that outlives the agent: started detached, found again by pid and start time, replaced when its program or its
// arguments are no longer the right ones. etcd and the ingress are such processes.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { Clock, Log } from "../ports.ts";
import { readIfThere, writeWhole } from "./files.ts";
import { limitLog, rotateLog } from "./log-file.ts";

/** How to start it. `identity` tells one build and configuration from another: when it differs, the running one is replaced. */
export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly identity: string;
}

interface ProcessRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot: a pid is used again, both together are not. */
  readonly startTime: string;
}

interface ChildRecord extends ProcessRecord {
  readonly identity: string;
  /** Those that handed over and still let what they have under way end. */
  readonly before?: readonly ProcessRecord[];
}

export interface ChildOptions {
  readonly name: string;
  readonly runDir: string;
  /** Its standard output and error go there, never to a pipe of the agent: a Go program dies of SIGPIPE with it. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The kernel tells of the end of one that this agent has started itself; of another one only a look does. */
const ownPollMs = 5_000;
const othersPollMs = 500;
const restartDelayMinMs = 10;
const restartDelayMaxMs = 5_000;
/** One that ran for this long was well: the next restart is immediate again. */
const steadyMs = 10_000;
const killWaitMs = 2_000;

export class Child {
  readonly #options: ChildOptions;
  #record: ChildRecord | undefined;
  #startedAtMs = 0;
  /** Started by this very agent, and not adopted from another one. */
  #ownPid: number | undefined;
  #restartDelayMs = restartDelayMinMs;
  #watch: AbortController | undefined;
  #look = Promise.withResolvers<void>();

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#record?.pid;
  }

  /** The identity of what runs now from an earlier agent, if it still lives. */
  running(): { readonly pid: number; readonly identity: string } | undefined {
    this.#record ??= this.#read();
    return this.#record && isAlive(this.#record) ? this.#record : undefined;
  }

  /** Keeps the one that runs if it is the right one; else, or in any case, ends it and starts anew. From then on it restarts when it dies. */
  async keep(command: ChildCommand, { inAnyCase = false } = {}): Promise<"adopted" | "started" | "replaced"> {
    this.#watch?.abort();
    const running = this.running();
    let outcome: "adopted" | "started" | "replaced" = "started";
    if (running?.identity === command.identity && !inAnyCase) {
      this.#startedAtMs = this.#options.clock.now();
      outcome = "adopted";
    } else {
      if (running) {
        await endProcess(running.pid, killWaitMs * 5, this.#options.clock);
        outcome = "replaced";
      }
      this.#start(command);
    }
    this.#watch = new AbortController();
    void this.#restartWhenItDies(command, this.#watch.signal);
    return outcome;
  }

  /** Another process took its place by itself (a hand-over): watch that one from now on. */
  replacedBy(pid: number, command: ChildCommand): void {
    this.#watch?.abort();
    this.#adopt(pid, command.identity);
    this.#watch = new AbortController();
    void this.#restartWhenItDies(command, this.#watch.signal);
  }

  /** It may have died: look now rather than at the next round. */
  look(): void {
    this.#look.resolve();
  }

  /** Leaves it alive: the agent goes, the child stays. */
  release(): void {
    this.#watch?.abort();
  }

  /** SIGTERM, then SIGKILL after `graceMs`; also those that handed over to it. */
  async end(graceMs: number): Promise<void> {
    this.#watch?.abort();
    await Promise.all(this.#alive().map(({ pid }) => endProcess(pid, graceMs, this.#options.clock)));
    rmSync(this.#recordFile(), { force: true });
    this.#record = undefined;
  }

  #start(command: ChildCommand): void {
    const { name, logFile, log } = this.#options;
    rotateLog(logFile);
    const output = openSync(logFile, "a", 0o600);
    try {
      const child = spawn(command.file, command.args, {
        detached: true,
        stdio: ["ignore", output, output],
        env: { ...process.env, ...command.env },
      });
      child.on("error", (error) => log.error("Child process could not be started", { name, file: command.file, error }));
      child.on("exit", () => this.look());
      child.unref();
      this.#ownPid = child.pid;
      if (child.pid !== undefined) this.#adopt(child.pid, command.identity);
    } finally {
      closeSync(output);
    }
  }

  #adopt(pid: number, identity: string): void {
    const { name, log, clock } = this.#options;
    this.#startedAtMs = clock.now();
    this.#record = { pid, startTime: startTimeOf(pid) ?? "dead already", identity, before: this.#alive() };
    writeWhole(this.#recordFile(), JSON.stringify(this.#record));
    log.info("Child process started", { name, pid });
  }

  async #restartWhenItDies(command: ChildCommand, signal: AbortSignal): Promise<void> {
    const { clock, log, logFile, name } = this.#options;
    while (!signal.aborted) {
      try {
        await Promise.race([clock.sleep(this.pid === this.#ownPid ? ownPollMs : othersPollMs, signal), this.#look.promise]);
        this.#look = Promise.withResolvers<void>();
        if (this.running()) {
          if (clock.now() - this.#startedAtMs > steadyMs) this.#restartDelayMs = restartDelayMinMs;
          await limitLog(logFile, log);
          continue;
        }
        log.warn("Child process ended; starting it again", { name, pid: this.pid, delayMs: this.#restartDelayMs });
        await clock.sleep(this.#restartDelayMs, signal);
        this.#restartDelayMs = Math.min(this.#restartDelayMs * 2, restartDelayMaxMs);
        this.#start(command);
      } catch (error) {
        if (signal.aborted) return;
        log.error("Child process could not be started", { name, error });
      }
    }
  }

  #alive(): readonly ProcessRecord[] {
    this.#record ??= this.#read();
    if (!this.#record) return [];
    const { pid, startTime, before = [] } = this.#record;
    return [{ pid, startTime }, ...before].filter(isAlive);
  }

  #recordFile(): string {
    return path.join(this.#options.runDir, `${this.#options.name}.pid.json`);
  }

  #read(): ChildRecord | undefined {
    try {
      const text = readIfThere(this.#recordFile());
      return text === undefined ? undefined : (JSON.parse(text) as ChildRecord); // written by #adopt alone
    } catch {
      return undefined; // unreadable: as if nothing ran
    }
  }
}

function isAlive({ pid, startTime }: ProcessRecord): boolean {
  return startTimeOf(pid) === startTime;
}

/** Undefined when there is no such process, or only its zombie. */
export function startTimeOf(pid: number): string | undefined {
  try {
    // The command's name, in brackets, may hold spaces: count the fields behind it. State is the 3rd, start time the 22nd.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
    return fields?.[0] === "Z" || fields?.[0] === "X" ? undefined : fields?.[19];
  } catch {
    return undefined;
  }
}

/** SIGTERM, then SIGKILL after `graceMs`. */
export async function endProcess(pid: number, graceMs: number, clock: Clock): Promise<"ended" | "killed"> {
  const startTime = startTimeOf(pid);
  const signal = new AbortController().signal;
  for (const [name, waitMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", killWaitMs],
  ] as const) {
    if (startTime === undefined || startTimeOf(pid) !== startTime) return "ended";
    process.kill(pid, name);
    const deadline = clock.now() + waitMs;
    while (startTimeOf(pid) === startTime && clock.now() < deadline) await clock.sleep(5, signal);
  }
  return "killed";
}
