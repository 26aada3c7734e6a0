// The store's contract on real etcd, behind a proxy that fails as networks do; and what only several members can show.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openStore, type EtcdStore } from "../../src/adapters/etcd3/store.ts";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { StoreUnavailable } from "../../src/api/errors.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { storeContract } from "../contracts/store.ts";
import type { StoreBench } from "../contracts/store-bench.ts";
import { StoreReader } from "../contracts/store-reader.ts";
import { TcpProxy } from "../support/etcd-proxy.ts";
import { EtcdCluster } from "../support/etcd.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 40_000;
/** Whoever only prepares a case waits for a busy machine. */
const PATIENT_MS = 30_000;
const PREFIX = "/fossora/members/";
const program = findEtcd();
const skip = program === undefined ? "no etcd on this machine, and no Go to build it" : false;
const signal = new AbortController().signal;

interface RealBench extends StoreBench {
  readonly cluster: EtcdCluster;
  readonly proxies: readonly TcpProxy[];
  open(): EtcdStore;
  close(): Promise<void>;
}

async function realBench(size: number): Promise<RealBench> {
  assert(program);
  const cluster = await EtcdCluster.start(program, size);
  const proxies = await Promise.all(cluster.hosts.map((host) => TcpProxy.before(host)));
  const common = { credentials: cluster.credentials, clock: systemClock, log: silentLog };
  const others = openStore({ ...common, hosts: cluster.hosts, attemptMs: PATIENT_MS });
  const all = (fault: (proxy: TcpProxy) => void): void => proxies.forEach(fault);
  let flapping: NodeJS.Timeout | undefined;
  return {
    cluster,
    proxies,
    clock: systemClock,
    open: () => openStore({ ...common, hosts: proxies.map(({ address }) => address) }),
    others,
    network: {
      cut: () => all((proxy) => proxy.cut()),
      flap: () => (flapping = setInterval(() => all((proxy) => proxy.cut()), 40)),
      cutInTheMiddle: () => all((proxy) => proxy.cutAfter(() => 5_000 + Math.random() * 300_000)),
      freeze: () => all((proxy) => proxy.freeze()),
      refuse: () => all((proxy) => proxy.refuse()),
      delay: (ms) => all((proxy) => proxy.delay(ms)),
      heal: () => {
        clearInterval(flapping);
        all((proxy) => proxy.heal());
      },
    },
    stop: () => cluster.killAll(),
    start: () => cluster.startAll(),
    compact: () => cluster.compact(),
    loseLeases: () => cluster.revokeLeases(),
    ...(!cluster.canRestore && { cannotRestore: "this etcd brings no etcdutl" }),
    snapshot: async () => {
      const file = await cluster.snapshot();
      return () => cluster.replace(file);
    },
    replaceByEmpty: () => cluster.replace(undefined),
    settled: (work) => withinLimit(work),
    until: async (holds, what) => void (await until(what, holds, LIMIT_MS)),
    close: async () => {
      await others.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await cluster.close();
    },
  };
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timeout = setTimeout(() => reject(new Error(`not settled within ${LIMIT_MS} ms`)), LIMIT_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timeout);
  }
}

function onRealEtcd(name: string, size: number, cases: (bench: () => RealBench) => void): void {
  describe(name, { skip, concurrency: 1 }, () => {
    let bench: RealBench | undefined;
    before(async () => {
      bench = await realBench(size);
    });
    after(() => bench?.close());
    cases(() => {
      assert(bench, "etcd did not start");
      return bench;
    });
  });
}

// The clusters do not meet, and their cases mostly wait.
describe("the store on real etcd", { concurrency: true }, () => {
  onRealEtcd("one member", 1, (bench) => storeContract("contract", bench));
  onRealEtcd("three members", 3, (bench) => storeContract("contract", bench));
  onRealEtcd("what three members add", 3, memberCases);
});
// They fill the disk's queue, and every other case would wait behind them.
onRealEtcd("large values in the store on real etcd", 1, largeCases);

/** A case with a store and a reader of its own prefix, closed whatever happens. */
function memberTest(
  name: string,
  bench: () => RealBench,
  run: (bench: RealBench, store: EtcdStore, reader: StoreReader) => Promise<void>,
): void {
  test(name, async () => {
    const store = bench().open();
    try {
      const { revision } = await store.list(PREFIX, signal);
      const reader = new StoreReader(store, PREFIX, revision + 1);
      await until("a sign of life", () => reader.batches > 0, LIMIT_MS);
      await run(bench(), store, reader);
      await reader.stop();
    } finally {
      bench().network.heal();
      await store.close();
      await bench().cluster.startAll();
    }
  });
}

function memberCases(bench: () => RealBench): void {
  memberTest("a frozen host of three is left: no event lost, a lease kept, writes go on", bench, async (b, store, reader) => {
    const lease = store.lease(6_000);
    lease.put(`${PREFIX}leased`, "1");
    await until("the leased key", () => reader.events.length === 1, LIMIT_MS);
    b.proxies[0]?.freeze();
    const frozenAtMs = performance.now();
    for (let index = 0; index < 50; index++)
      await b.others.commit({ compare: [], writes: [{ put: `${PREFIX}${index}`, value: "x" }] }, signal);
    await until("50 events through another host", () => reader.events.length >= 51, LIMIT_MS);
    assert.ok((await store.commit({ compare: [], writes: [{ put: `${PREFIX}own`, value: "x" }] }, signal)).committed);
    await until("two lifetimes of the lease", () => performance.now() - frozenAtMs > 12_000, LIMIT_MS);
    assert.ok(
      reader.events.every(({ type }) => type === "put"),
      "the lease was lost",
    );
    await lease.close();
  });

  memberTest(
    "the leader is killed under load: every acknowledged write is there, every event comes once",
    bench,
    async (b, store, reader) => {
      const acknowledged: string[] = [];
      let killed: Promise<number> | undefined;
      for (let index = 0; index < 300; index++) {
        if (index === 100) killed = b.cluster.killLeader();
        const key = `${PREFIX}under-load/${index}`;
        const outcome = await store.commit({ compare: [], writes: [{ put: key, value: "x" }] }, signal).catch(() => undefined);
        if (outcome) acknowledged.push(key);
      }
      await killed;
      const { entries } = await store.list(`${PREFIX}under-load/`, signal);
      const there = entries.map(({ key }) => key);
      assert.deepEqual(
        acknowledged.filter((key) => !there.includes(key)),
        [],
      );
      assert.ok(acknowledged.length > 250);
      await until("every event", () => reader.events.length >= there.length, LIMIT_MS);
      assert.deepEqual(reader.events.map(({ key }) => key).toSorted(), there.toSorted());
    },
  );

  memberTest(
    "without a quorum a member says so, nothing is written, and a watch gives no sign of life",
    bench,
    async (b, store, reader) => {
      const led = await b.cluster.killLeader();
      await b.cluster.kill((led + 1) % 3);
      await until("a member that knows of no leader", async () => !(await store.status(signal)).quorum, LIMIT_MS);
      const { batches } = reader;
      await assert.rejects(store.commit({ compare: [], writes: [{ put: `${PREFIX}minority`, value: "x" }] }, signal), StoreUnavailable);
      assert.equal(reader.batches, batches);
      await b.cluster.startAll();
      assert.equal(await store.get(`${PREFIX}minority`, signal), undefined);
      await until("a sign of life", () => reader.batches > batches, LIMIT_MS);
    },
  );

  memberTest("when the voters change, what runs on another host moves at once and loses nothing", bench, async (b, store, reader) => {
    const [former, ...others] = b.proxies;
    assert.ok(former && former.connections > 0);
    store.setHosts(others.map(({ address }) => address));
    await store.commit({ compare: [], writes: [{ put: `${PREFIX}a`, value: "x" }] }, signal);
    // That host is well: nothing but the change ends what runs there.
    await until("nothing runs on the former voter's host", () => former.connections === 0, LIMIT_MS);
    await store.commit({ compare: [], writes: [{ put: `${PREFIX}b`, value: "x" }] }, signal);
    await until("both events", () => reader.events.length === 2, LIMIT_MS);
  });

  test("members say who leads", async () => {
    const { cluster } = bench();
    const members = await Promise.all(cluster.hosts.map((host) => memberStatus({ host, credentials: cluster.credentials, signal })));
    assert.equal(new Set(members.map(({ memberId }) => memberId)).size, 3);
    assert.equal(new Set(members.map(({ clusterId, leaderId }) => `${clusterId} ${leaderId}`)).size, 1);
    assert.ok(members.some(({ memberId, leaderId }) => memberId === leaderId));
  });
}

function largeCases(bench: () => RealBench): void {
  test("more than one answer may hold is listed in smaller pages, and no host is blamed for it", async (t) => {
    const { cluster, others } = bench();
    const value = "x".repeat(256 * 1024);
    const keys = Array.from({ length: 280 }, (_, index) => `${PREFIX}${String(index).padStart(5, "0")}`);
    for (let from = 0; from < keys.length; from += 4)
      await others.commit({ compare: [], writes: keys.slice(from, from + 4).map((put) => ({ put, value })) }, signal);
    const blamed: string[] = [];
    const log = { ...silentLog, warn: (text: string) => blamed.push(text) };
    const store = openStore({ hosts: cluster.hosts, credentials: cluster.credentials, clock: systemClock, log });
    t.after(() => store.close());
    const { entries } = await withinLimit(store.list(PREFIX, signal));
    assert.deepEqual(
      entries.map(({ key }) => key),
      keys,
    );
    assert.deepEqual(blamed, []);
  });

  test("a write that is larger than a request may be is refused for what it is, and no host is blamed for it", async (t) => {
    const { cluster } = bench();
    const store = openStore({
      hosts: cluster.hosts,
      credentials: cluster.credentials,
      clock: systemClock,
      log: { ...silentLog, warn: (text) => assert.fail(text) },
    });
    t.after(() => store.close());
    for (const mib of [8.2, 10]) {
      const put = { put: `${PREFIX}large`, value: "x".repeat(mib * 2 ** 20) };
      const commit = withinLimit(store.commit({ compare: [], writes: [put] }, signal));
      await assert.rejects(commit, /request is too large|received message larger than max/);
    }
  });
}
