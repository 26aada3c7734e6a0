// The real clock and a log that says nothing, for tests of adapters and of the agent's own parts.
import { setTimeout as wait } from "node:timers/promises";
import type { Clock, Log } from "../../src/ports.ts";

export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date().toISOString(),
  sleep: (ms, signal) => wait(ms, undefined, { signal }),
  timer: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

const nothing = (): void => {};
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
