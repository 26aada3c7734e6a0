// A mirror of a small house, as the engine's own sees it, for tests of what reads from it.
import type { Mirror } from "../../src/engine/contract.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import { SeededRandom, VirtualClock } from "./clock.ts";
import { fakeLog } from "./machine.ts";
import { foundHouse } from "./objects.ts";
import { FakeEtcd } from "./store.ts";

/** `write` puts into the store what the house is to hold besides its House; `later` what comes once that was listed. */
export async function mirrorOf(write: (etcd: FakeEtcd) => void, later: (etcd: FakeEtcd) => void = () => {}): Promise<Mirror> {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  write(etcd);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  const stop = new AbortController();
  const running = mirror.run(stop.signal);
  await clock.settle();
  later(etcd);
  await clock.settle();
  stop.abort(new Error("the test has what it needs"));
  await clock.settle();
  await running;
  await store.close();
  return mirror;
}
