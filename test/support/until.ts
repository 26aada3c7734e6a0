// Waiting for a condition in tests against the real world: with a deadline, never for luck.

const pollMs = 10;
/** A probe that takes long costs this machine something: it rests for as long afterwards, up to this. */
const restMaxMs = 1_000;

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
    const askedAt = performance.now();
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    const restMs = Math.min(restMaxMs, Math.max(pollMs, performance.now() - askedAt));
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  throw new InVain(`Waited ${limitMs} ms in vain: ${what}`, { cause: last });
}
