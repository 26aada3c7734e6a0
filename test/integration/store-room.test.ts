// A store that has reached its bound takes writes again by itself: real etcd, with a small bound.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster } from "../../src/adapters/etcd3/cluster.ts";
import { defragment, memberStatus, type MemberStatus } from "../../src/adapters/etcd3/member.ts";
import { openStore } from "../../src/adapters/etcd3/store.ts";
import { RoomKeeper } from "../../src/agent/joining/room-keeper.ts";
import { StoreFull } from "../../src/api/errors.ts";
import type { ActiveAdmission, Stored } from "../../src/joining/house-view.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { VirtualClock } from "../fakes/clock.ts";
import { EtcdCluster } from "../support/etcd.ts";
import { realClock, silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const program = findEtcd();
const skip = program === undefined ? "no etcd on this machine, and no Go to build it" : false;
const BYTES_MAX = 16 * 1024 ** 2;
const VALUE = "x".repeat(256 * 1024);
const WRITES_MAX = 200;
/** With more than that in a file writes are not taken again. */
const DISARM_PART = 4 / 5;
const LIMIT_MS = 60_000;
/** While the store is full nobody can give it up, for its entry is put back into the queue with that. */
const ADMISSION: Stored<ActiveAdmission> = {
  value: { nodeId: "n", peerUrl: "https://n:2380", memberName: "n-1", name: "n", role: "learner", step: "adding", until: "" },
  modRevision: 2,
  seenAtMs: 0,
};

for (const [size, records, meanwhile] of [
  [1, {}, ""],
  [3, {}, ""],
  [1, { active: ADMISSION }, ", though a computer is being let in"],
] as const)
  test(`a full store of ${size} is written anew, member by member, and takes writes again${meanwhile}`, { skip }, async (t) => {
    assert(program);
    const etcd = await EtcdCluster.start(program, size, { flags: [`--quota-backend-bytes=${BYTES_MAX}`] });
    t.after(() => etcd.close());
    const { credentials, hosts } = etcd;
    const signal = AbortSignal.timeout(4 * LIMIT_MS);
    const status = (host: string): Promise<MemberStatus> => memberStatus({ host, credentials, signal });
    const failed: string[] = [];
    const log = { ...silentLog, warn: (text: string) => failed.push(text) };
    const store = openStore({ hosts, credentials, clock: realClock, log });
    t.after(() => store.close());
    const write = (): Promise<unknown> => store.commit({ compare: [], writes: [{ put: "fossora/one", value: VALUE }] }, signal);
    const fill = async (): Promise<void> => {
      for (let writes = 0; writes < WRITES_MAX; writes++) await write();
    };
    await assert.rejects(fill, StoreFull);
    assert.deepEqual(failed, [], "no host is blamed");
    assert.equal((await store.status(signal)).isFull, true);

    const clock = new VirtualClock();
    const done: string[] = [];
    const keepers = new Map<string, RoomKeeper>();
    const look = async (): Promise<void> => {
      const statuses = await Promise.all(hosts.map(status));
      const at = statuses.findIndex(({ memberId, leaderId }) => memberId === leaderId);
      const [host, local] = [hosts[at], statuses[at]];
      assert(host !== undefined && local !== undefined);
      const cluster = new Cluster({ host, credentials });
      t.after(() => cluster.close());
      const made = new RoomKeeper({
        cluster,
        status,
        defragment: async (each) => {
          done.push(each === host ? "leader" : "follower");
          await defragment({ host: each, credentials, signal });
        },
        sight: { members: await cluster.members(signal), isFresh: true, records },
        bytesMax: BYTES_MAX,
        clock,
        log: silentLog,
      });
      const keeper = keepers.get(host) ?? made;
      keepers.set(host, keeper);
      await keeper.look(local, signal);
      await clock.advance(LIMIT_MS);
    };
    await until(
      "it takes writes again",
      async () => {
        await look();
        return !(await store.status(signal)).isFull;
      },
      LIMIT_MS,
    );
    await write();
    for (const host of hosts) assert.ok((await status(host)).dbBytes < BYTES_MAX * DISARM_PART, host);
    assert.deepEqual([...new Set(done)], size === 1 ? ["leader"] : ["follower"]);
  });
