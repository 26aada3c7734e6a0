// One line from a person at a terminal.
import type { CliPorts } from "./verb.ts";

/** Without the white space around it; undefined: the input ended. Throws the reason of `interrupted`. Only where `mayAsk`. */
export async function askLine(prompt: string, { stdin, stderr, interrupted }: CliPorts): Promise<string | undefined> {
  interrupted.throwIfAborted();
  stderr.write(prompt);
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input: stdin.stream });
  const stop = (): void => lines.close();
  interrupted.addEventListener("abort", stop, { once: true });
  try {
    for await (const line of lines) return line.trim();
    interrupted.throwIfAborted();
    return undefined;
  } finally {
    interrupted.removeEventListener("abort", stop);
    lines.close();
  }
}
