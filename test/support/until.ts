// Waiting for a condition in tests against the real world: with a deadline, never for luck.

const pollMs = 10;

/** What a test waited for did not come to be in time. */
export class InVain extends Error {}

/** Asks `probe` until it answers something other than undefined or false; a throw counts as not yet. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new InVain(`Waited ${limitMs} ms in vain: ${what}`, { cause: last });
}
