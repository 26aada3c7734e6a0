// Gives memory back once the house is quiet: V8 keeps what starting and applying left behind until somebody asks, which an idle agent
// never does. Measured with ten services: 58 MiB of its own before, see the README's figures for after.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "../ports.ts";

/** Nothing changed for so long. */
const quietMs = 5_000;

/** Answers what to call at each change. One collection follows each time that changes cease. */
export function collectWhenQuiet(clock: Pick<Clock, "timer">): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void; // V8's own
  let cancel = clock.timer(quietMs, run);
  function run(): void {
    collect({ type: "major", flavor: "last-resort" });
  }
  return () => {
    cancel();
    cancel = clock.timer(quietMs, run);
  };
}
