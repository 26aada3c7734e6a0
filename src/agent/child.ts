// A process that outlives the agent: started detached, found again by pid and start time, replaced when its program or its
// arguments are no longer the right ones. etcd and the ingress are such processes.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { Clock, Log } from "../ports.ts";
import { readIfThere, writeWhole } from "./files.ts";
import { kernelBootId } from "./identity.ts";
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
  /** In a folder that survives one, both numbers may be another's by now. Absent: an earlier release wrote it, into the run folder. */
  readonly boot?: string;
  /** Those that handed over and still let what they have under way end. */
  readonly before?: readonly ProcessRecord[];
}

export interface ChildOptions {
  readonly name: string;
  /** Each says who it is: files of a run folder below /tmp go when they are ten days old, and the next agent may have another one. */
  readonly runDir: string;
  readonly dataDir: string;
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
  #isReleased = false;
  /** Folders that do not say yet who it is. */
  #unwritten: readonly string[] = [];
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
      this.#write();
      outcome = "adopted";
    } else {
      if (running) {
        await endProcess(running.pid, killWaitMs * 5, this.#options.clock);
        outcome = "replaced";
      }
      this.#start(command);
    }
    this.#watchOver(command);
    return outcome;
  }

  /** Another process took its place by itself (a hand-over): watch that one from now on. */
  replacedBy(pid: number, command: ChildCommand): void {
    this.found(pid, command.identity);
    this.#watchOver(command);
  }

  /** One that is in no record has its place. From then on it counts as running. */
  found(pid: number, identity: string): void {
    this.#watch?.abort();
    this.#adopt(pid, identity);
  }

  /** It may have died: look now rather than at the next round. */
  look(): void {
    this.#look.resolve();
  }

  /** Leaves it alive: the agent goes, the child stays. For good: nothing watches it from now on, also not what is under way. */
  release(): void {
    this.#isReleased = true;
    this.#watch?.abort();
  }

  /** SIGTERM, then SIGKILL after `graceMs`; also those that handed over to it. */
  async end(graceMs: number): Promise<void> {
    this.#watch?.abort();
    await Promise.all(this.#alive().map(({ pid }) => endProcess(pid, graceMs, this.#options.clock)));
    for (const folder of this.#folders) rmSync(this.#fileIn(folder), { force: true });
    this.#record = undefined;
    this.#unwritten = [];
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
      if (child.pid === undefined) return;
      this.#adopt(child.pid, command.identity);
      log.info("Child process started", { name, pid: child.pid });
    } finally {
      closeSync(output);
    }
  }

  #adopt(pid: number, identity: string): void {
    this.#startedAtMs = this.#options.clock.now();
    this.#record = { pid, startTime: startTimeOf(pid) ?? "dead already", identity, before: this.#alive() };
    this.#write();
  }

  /** It runs, whether that can be written down or not (a full disk, say): what could not is tried again for as long as it is watched. */
  #write(folders = this.#folders): void {
    const { name, log } = this.#options;
    const text = JSON.stringify({ ...this.#record, boot: kernelBootId() });
    this.#unwritten = folders.filter((folder) => {
      try {
        writeWhole(this.#fileIn(folder), text);
        return false;
      } catch (error) {
        if (!this.#unwritten.includes(folder)) log.warn("Folder does not say which child process runs", { name, folder, error });
        return true;
      }
    });
  }

  #watchOver(command: ChildCommand): void {
    this.#watch?.abort();
    if (this.#isReleased) return;
    this.#watch = new AbortController();
    void this.#restartWhenItDies(command, this.#watch.signal);
  }

  async #restartWhenItDies(command: ChildCommand, signal: AbortSignal): Promise<void> {
    const { clock, log, logFile, name } = this.#options;
    while (!signal.aborted) {
      try {
        await Promise.race([clock.sleep(this.pid === this.#ownPid ? ownPollMs : othersPollMs, signal), this.#look.promise]);
        this.#look = Promise.withResolvers<void>();
        if (this.running()) {
          if (clock.now() - this.#startedAtMs > steadyMs) this.#restartDelayMs = restartDelayMinMs;
          if (this.#unwritten.length > 0) this.#write(this.#unwritten);
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

  get #folders(): readonly string[] {
    const { runDir, dataDir } = this.#options;
    return [...new Set([runDir, dataDir])];
  }

  #fileIn(folder: string): string {
    return path.join(folder, `${this.#options.name}.pid.json`);
  }

  /** Of the one that lives, where they differ: a run folder may be of before. */
  #read(): ChildRecord | undefined {
    const records = this.#folders.flatMap((folder) => readRecord(this.#fileIn(folder)) ?? []);
    return records.find(isAlive) ?? records[0];
  }
}

function readRecord(file: string): ChildRecord | undefined {
  try {
    const record = JSON.parse(readIfThere(file) ?? "null") as ChildRecord | null; // written by Child alone
    return record === null || (record.boot !== undefined && record.boot !== kernelBootId()) ? undefined : record;
  } catch {
    return undefined; // unreadable: as if nothing ran
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
