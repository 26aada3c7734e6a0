import { FakeEtcd } from "../fakes/store.ts";
import { SeededRandom, VirtualClock } from "../fakes/clock.ts";
import { storeContract } from "./store.ts";
import type { StoreBench } from "./store-bench.ts";
import type { FakeStore } from "../fakes/store-client.ts";

const LIMIT_MS = 120_000;

function fakeBench(): StoreBench {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  let seed = 0;
  let store: FakeStore | undefined;
  const client = (node: string): FakeStore => etcd.client(node, { clock, random: new SeededRandom(++seed) });
  const setFaults = (faults: Partial<FakeStore["faults"]>): void => void Object.assign(store?.faults ?? {}, faults);
  return {
    clock,
    open: () => (store = client("a")),
    others: client("b"),
    network: {
      cut: () => {
        etcd.isolate("a");
        etcd.rejoin("a");
      },
      flap: () => setFaults({ failBefore: 0.2, failAfter: 0.2, latencyMs: 10 }),
      cutInTheMiddle: () => setFaults({ breakWatch: 0.5, eventDelayMs: 100 }),
      freeze: () => etcd.isolate("a"),
      refuse: () => etcd.isolate("a"),
      delay: (ms) => setFaults({ latencyMs: ms, eventDelayMs: ms }),
      heal: () => {
        setFaults({ failBefore: 0, failAfter: 0, latencyMs: 0, breakWatch: 0, eventDelayMs: 0 });
        etcd.rejoin("a");
      },
    },
    stop: async () => etcd.stop(),
    start: async () => etcd.start(),
    compact: async () => etcd.compact(),
    loseLeases: async () => {
      for (const id of etcd.leaseIds()) etcd.revoke(id);
    },
    snapshot: async () => {
      const snapshot = etcd.snapshot();
      return async () => etcd.restore(snapshot);
    },
    replaceByEmpty: async () => etcd.restore({ revision: 1, entries: new Map() }),
    settled: async (work) => {
      let done = false;
      const finish = (): void => void (done = true);
      work.then(finish, finish);
      await clock.until(() => done, LIMIT_MS);
      return work;
    },
    until: (holds, what) => clock.until(holds, LIMIT_MS, what),
  };
}

const bench = fakeBench();
storeContract("the fake store", () => bench);
