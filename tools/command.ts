// Runs a program to its end, with a limit, and ends it with all that it started.
import { spawn } from "node:child_process";

export interface CommandResult {
  /** Its exit code; undefined when a signal or the limit ended it, or it could not be started. */
  readonly code: number | undefined;
  /** Standard output and error as they came, cut to the last megabyte. */
  readonly output: string;
  readonly durationMs: number;
}

const outputCharsMax = 1024 * 1024;

/** In a process group of its own, which is killed at the limit, and once more at the end: nothing of it stays. */
export function runCommand(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly limitMs: number },
): Promise<CommandResult> {
  const [file = "", ...args] = command;
  const began = performance.now();
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(file, args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd,
      env: options.env ?? process.env,
    });
    const end = (): void => killGroup(child.pid);
    const limit = setTimeout(() => {
      output += `\nended after ${options.limitMs / 1000} s, which is its limit\n`;
      end();
    }, options.limitMs);
    process.once("exit", end);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-outputCharsMax)));
    }
    const finish = (code: number | null): void => {
      clearTimeout(limit);
      process.off("exit", end);
      resolve({ code: code ?? undefined, output, durationMs: performance.now() - began });
    };
    child.on("error", (error) => {
      output += String(error);
      finish(null);
    });
    child.on("exit", end); // whoever holds its output open ends too
    child.on("close", finish);
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}
