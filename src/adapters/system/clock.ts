// Real time and chance. Only here does the program ask the machine for either.
import { uptime } from "node:os";
import type { BootMs, Clock, Random } from "../../ports.ts";

/** Beyond this Node's timers fire at once. */
const timerMaxMs = 2 ** 31 - 1;

/** Whole: `1.13 * 1000` is 1129.9999999999998, and a limit that follows from such a difference is none that Node takes. */
export function bootMsOf(uptimeSeconds: number): BootMs {
  return Math.round(uptimeSeconds * 1000);
}

export const systemClock: Clock = {
  // Counts suspend, which Node's own clocks do not; to 10 ms.
  now: () => bootMsOf(uptime()),
  wall: () => new Date().toISOString(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        cancel();
        reject(signal.reason);
      };
      const cancel = systemClock.timer(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      signal.addEventListener("abort", onAbort, { once: true });
    }),
  timer: (ms, run) => {
    const timeout = setTimeout(run, Math.min(ms, timerMaxMs));
    return () => clearTimeout(timeout);
  },
};

export const systemRandom: Random = { next: Math.random };
