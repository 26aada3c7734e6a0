// `fossora supervise`: keeps the agent running where there is no systemd.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Clock, Log } from "../ports.ts";
import { endProcess } from "./child.ts";
import { limitLog } from "./log-file.ts";
import { claimNode, endNode, isTaken, unclaimNode, type NodeFolders } from "./pid-file.ts";
import type { Program } from "./program.ts";

const restartMs = 1_000;
const stopGraceMs = 15_000;
const logLookMs = 60_000;
const claimLookMs = 2_000;

interface SuperviseOptions {
  readonly program: Program;
  readonly agentArgs: readonly string[];
  readonly folders: NodeFolders;
  /** Where its output and the agent's go. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Runs until the signal: then the agent ends too, while etcd, ingress and apps live on. The same once another one has claimed this node: of
 * two that begin at once neither finds the other to end it, and the later claim counts.
 */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { program, agentArgs, folders, logFile, clock, log } = options;
  await endNode(folders, { graceMs: stopGraceMs, clock }); // an agent may have lost its supervisor
  claimNode(folders, "supervise", log);
  const taken = new AbortController();
  const signal = AbortSignal.any([options.signal, taken.signal]);
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const look = (): void => {
    if (isTaken(folders, "supervise")) taken.abort();
  };
  void repeat(logLookMs, () => limitLog(logFile, log), { clock, signal });
  void repeat(claimLookMs, look, { clock, signal });
  while (!signal.aborted) {
    const agent = spawn(program.file, [...program.args, "agent", ...agentArgs], { stdio: "inherit" });
    const ended = once(agent, "exit").catch((error: unknown) => [error]);
    await Promise.race([ended, aborted]);
    look();
    if (signal.aborted) {
      if (agent.pid !== undefined && (await endProcess(agent.pid, stopGraceMs, clock)) === "killed")
        log.warn("Agent did not end by itself, and was killed", { graceMs: stopGraceMs });
      break;
    }
    log.warn("Agent ended; starting it again", { how: await ended, delayMs: restartMs });
    await clock.sleep(restartMs, signal).catch(() => {}); // aborted: the loop ends
    look();
  }
  if (taken.signal.aborted) log.warn("Another process keeps the agent running now; this one ends", { dataDir: folders.dataDir });
  unclaimNode(folders, "supervise");
}

/** Now, and again and again until the signal. `look` does not throw. */
async function repeat(everyMs: number, look: () => unknown, { clock, signal }: Pick<SuperviseOptions, "clock" | "signal">): Promise<void> {
  while (!signal.aborted) {
    await look();
    await clock.sleep(everyMs, signal).catch(() => {}); // aborted: the loop ends
  }
}
