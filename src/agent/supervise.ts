// `fossora supervise`: keeps the agent running where there is no systemd.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Clock, Log } from "../ports.ts";
import { endProcess } from "./child.ts";
import { limitLog } from "./log-file.ts";
import { claimNode, endNode, unclaimNode, type NodeFolders } from "./pid-file.ts";
import type { Program } from "./program.ts";

const restartMs = 1_000;
const stopGraceMs = 15_000;
const logLookMs = 60_000;

/** Runs until the signal: then the agent ends too, while etcd, ingress and apps live on. */
export async function supervise(options: {
  readonly program: Program;
  readonly agentArgs: readonly string[];
  readonly folders: NodeFolders;
  /** Where its output and the agent's go. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { program, agentArgs, folders, clock, log, signal } = options;
  await endNode(folders, { graceMs: stopGraceMs, clock }); // an agent may have lost its supervisor
  claimNode(folders, "supervise", log);
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  void limitLogs(options);
  while (!signal.aborted) {
    const agent = spawn(program.file, [...program.args, "agent", ...agentArgs], { stdio: "inherit" });
    const ended = once(agent, "exit").catch((error: unknown) => [error]);
    await Promise.race([ended, aborted]);
    if (signal.aborted) {
      if (agent.pid !== undefined && (await endProcess(agent.pid, stopGraceMs, clock)) === "killed")
        log.warn("Agent did not end by itself, and was killed", { graceMs: stopGraceMs });
      break;
    }
    log.warn("Agent ended; starting it again", { how: await ended, delayMs: restartMs });
    await clock.sleep(restartMs, signal).catch(() => {}); // aborted: the loop ends
  }
  unclaimNode(folders, "supervise");
}

async function limitLogs({ logFile, clock, log, signal }: Parameters<typeof supervise>[0]): Promise<void> {
  while (!signal.aborted) {
    await limitLog(logFile, log);
    await clock.sleep(logLookMs, signal).catch(() => {}); // aborted: the loop ends
  }
}
