// Ctrl-C ends what a person waits for, and not what the house does: that is said, with how to take it back.
import type { CliPorts } from "./verb.ts";

export async function tellWhatGoesOn<T>(
  words: string,
  { interrupted, stderr }: Pick<CliPorts, "interrupted" | "stderr">,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (interrupted.aborted) stderr.line(words);
    throw error;
  }
}
