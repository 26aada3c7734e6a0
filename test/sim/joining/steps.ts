// What a step of the agent beside the leader does to the cluster and its store, in one moment.
import type { StewardStep } from "../../../src/joining/admission.ts";
import type { MemberAnswer } from "../../../src/joining/steward-memory.ts";
import { isMemberStep, storeChange } from "../../../src/joining/store-change.ts";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { recordsOf } from "./store.ts";
import type { World } from "./world.ts";

interface Taken {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly step: StewardStep;
}

/** A compare that fails is an answer, too: whoever sent it looks again. */
export function stepEffect(world: World, { host, cluster, step }: Taken): MemberAnswer {
  if (!isMemberStep(step)) {
    const change = storeChange(step, recordsOf(cluster));
    return change !== undefined && cluster.commit(change) ? "done" : "unknown";
  }
  const { invariants } = world;
  switch (step.kind) {
    case "add-learner":
      return invariants.around(cluster, step, () => cluster.add(step.peerUrl, !world.parts.addsVoters, world.nowMs));
    case "promote":
      return invariants.around(cluster, step, () => cluster.promote(step.memberId));
    case "remove":
      return invariants.around(cluster, step, () => cluster.remove(step.memberId));
    case "update":
      return invariants.around(cluster, step, () => cluster.update(step.memberId, step.peerUrl));
    case "move-leader":
      return cluster.leader?.id === host.etcd?.memberId ? cluster.moveLeader(step.memberId) : "unknown";
  }
}
