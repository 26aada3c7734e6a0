// A cluster that grows and shrinks while it runs, on real etcd: every answer that the admission of a computer waits for.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster, type Changed, type ClusterMember } from "../../src/adapters/etcd3/cluster.ts";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { EtcdCluster } from "../support/etcd.ts";
import { until } from "../support/until.ts";

const program = findEtcd();
const skip = program === undefined ? "no etcd on this machine, and no Go to build it" : false;
const DONE: Changed = { kind: "done" };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const refused = (reason: Extract<Changed, { kind: "refused" }>["reason"]): Changed => ({ kind: "refused", reason });

describe("the members of a cluster", { skip }, () => {
  let etcd: EtcdCluster;
  let first: Cluster;
  before(async () => {
    assert(program);
    etcd = await EtcdCluster.start(program, 1);
    first = clusterAt(0);
  });
  after(async () => {
    first.close();
    await etcd.close();
  });
  const clusterAt = (index: number): Cluster => new Cluster({ host: etcd.hosts[index] ?? "", credentials: etcd.credentials });
  const statusAt = (index: number) => memberStatus({ host: etcd.hosts[index] ?? "", credentials: etcd.credentials, signal: soon() });
  const memberAt = async (peerUrl: string): Promise<ClusterMember> => {
    const member = (await first.members(soon())).find((each) => each.peerUrl === peerUrl);
    assert(member, peerUrl);
    return member;
  };
  /** Repeats what etcd refuses for this reason alone, as the house does. */
  const onceAllowed = (reason: Extract<Changed, { kind: "refused" }>["reason"], change: () => Promise<Changed>): Promise<boolean> =>
    until("the change", async () => {
      const changed = await change();
      if (changed.kind === "refused") assert.equal(changed.reason, reason);
      return changed.kind === "done";
    });
  let second = "";

  test("a newcomer is a learner without a name until it starts, and asking twice finds it there", async () => {
    second = await etcd.prepare();
    assert.deepEqual(await first.addLearner(second, soon()), DONE);
    assert.deepEqual(await first.addLearner(second, soon()), refused("exists"));
    const { name, clientUrls, learner } = await memberAt(second);
    assert.deepEqual([name, clientUrls, learner], ["", [], true]);
  });

  test("one that has not caught up is not promoted, and one that has is", async () => {
    const { id } = await memberAt(second);
    assert.deepEqual(await first.promote(id, soon()), refused("not in sync"));
    await etcd.startPrepared();
    await onceAllowed("not in sync", () => first.promote(id, soon()));
    const { name, learner } = await memberAt(second);
    assert.deepEqual([name, learner], ["m1", false]);
  });

  test("the leader alone hands its part over, to a voter", async () => {
    const [leading, following] = [await statusAt(0), await statusAt(1)];
    const other = clusterAt(1);
    try {
      assert.deepEqual(await other.moveLeader(following.memberId, soon()), refused("not the leader"));
      assert.deepEqual(await first.moveLeader(following.memberId, soon()), DONE);
      await until("the other leads", async () => (await statusAt(1)).leaderId === following.memberId);
      assert.deepEqual(await other.moveLeader(leading.memberId, soon()), DONE);
    } finally {
      other.close();
    }
  });

  test("a voter is removed once all have been connected for a while, and then nobody knows it", async () => {
    const { id } = await memberAt(second);
    await until("the first leads", async () => (await statusAt(0)).leaderId === (await statusAt(0)).memberId);
    // Members connect anew after a change of the leader; etcd asks for five seconds of it.
    await onceAllowed("unhealthy", () => first.remove(id, soon()));
    assert.deepEqual(await first.remove(id, soon()), refused("not found"));
    assert.deepEqual(await first.promote(id, soon()), refused("not found"));
    assert.deepEqual(
      (await first.members(soon())).map(({ name }) => name),
      ["m0"],
    );
  });
});
