// Real time for tests that talk to real programs.
import type { Clock } from "../../src/ports.ts";
import { sleepOn } from "../fakes/clock.ts";

export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date().toISOString(),
  sleep: (ms, signal) => sleepOn(realClock, ms, signal),
  timer: (ms, run) => {
    const timeout = setTimeout(run, ms);
    return () => clearTimeout(timeout);
  },
};
