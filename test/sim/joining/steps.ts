// What a step of the agent beside the leader does to the cluster and its store, in one moment.
import type { StewardStep } from "../../../src/joining/admission.ts";
import type { HouseNode, QueueEntry, Stored } from "../../../src/joining/house-view.ts";
import { postponed, recruited } from "../../../src/joining/queue.ts";
import type { MemberAnswer } from "../../../src/joining/steward-memory.ts";
import type { Cluster } from "./cluster.ts";
import { read } from "./store.ts";
import type { Host } from "./host.ts";
import type { World } from "./world.ts";

interface Taken {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly step: StewardStep;
}

/** A compare that fails is an answer, too: whoever sent it looks again. */
export function stepEffect(world: World, { host, cluster, step }: Taken): MemberAnswer {
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
    default:
      return write(cluster, step) ? "done" : "unknown";
  }
}

function write(
  cluster: Cluster,
  step: Exclude<StewardStep, { kind: "add-learner" | "promote" | "remove" | "update" | "move-leader" }>,
): boolean {
  switch (step.kind) {
    case "activate":
      return cluster.commit([["active", 0]], [["active", JSON.stringify(step.active)]]);
    case "advance":
      return cluster.commit([["active", step.modRevision]], [["active", JSON.stringify(step.active)]]);
    case "finish":
      return cluster.commit(
        [["active", step.modRevision]],
        [
          ["active", undefined],
          [`queue/${step.node.nodeId}`, undefined],
          [`nodes/${step.node.nodeId}`, JSON.stringify(step.node)],
          ...(step.replaces === undefined ? [] : [[`nodes/${step.replaces}`, undefined] as const]),
        ],
      );
    case "give-up": {
      const { entry } = step;
      const back =
        entry === undefined ? [] : [[key(entry), JSON.stringify(postponed(entry, { order: step.order, missed: true }))] as const];
      const compare = entry === undefined ? [] : [[key(entry), entry.modRevision] as const];
      return cluster.commit([["active", step.modRevision], ...compare], [["active", undefined], ...back]);
    }
    case "postpone":
      return cluster.commit([[key(step.entry), step.entry.modRevision]], [[key(step.entry), JSON.stringify(postponed(step.entry, step))]]);
    case "drop":
      return cluster.commit([[key(step.entry), step.entry.modRevision]], [[key(step.entry), undefined]]);
    case "recruit": {
      const node = cluster.store.get(`nodes/${step.nodeId}`);
      if (node === undefined) return false;
      const entry = recruited(JSON.parse(node.text) as HouseNode, read<QueueEntry>(cluster, "queue/"));
      return cluster.commit([[`queue/${step.nodeId}`, 0]], [[`queue/${step.nodeId}`, JSON.stringify(entry)]]);
    }
  }
}

function key({ value }: Stored<QueueEntry>): string {
  return `queue/${value.nodeId}`;
}
