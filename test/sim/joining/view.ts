// What a simulated agent beside the leader sees: the store and the members as they are, and what it remembers of when it saw them first.
import { LEARNERS_MAX, nodeOfMember, type HouseView, type Ms } from "../../../src/joining/house-view.ts";
import type { Cluster } from "./cluster.ts";
import type { Agent, Host } from "./host.ts";
import { recordsOf } from "./store.ts";
import type { World } from "./world.ts";

export function viewOf(world: World, host: Host, cluster: Cluster): HouseView | undefined {
  const { agent, etcd } = host;
  const house = host.disk.house;
  if (agent === undefined || etcd === undefined || house === undefined) return undefined;
  const nowMs = host.clock(world.nowMs);
  if (agent.leadsSinceMs === undefined || agent.term !== cluster.term) becomeLeader(agent, cluster.term, nowMs);
  const leadsSinceMs = agent.leadsSinceMs ?? nowMs;
  poll(world, host, cluster);
  const seenAt = (key: string, what: string | number): Ms => {
    const before = agent.seen.get(key);
    if (before?.what === what) return before.atMs;
    agent.seen.set(key, { what, atMs: nowMs });
    return nowMs;
  };
  noteChange(agent, cluster, nowMs);
  const { entries, active, roster } = recordsOf(cluster);
  return {
    nowMs,
    self: host.disk.nodeId,
    ownPeerUrl: host.peerUrl,
    house,
    clusterId: cluster.id,
    leaderMemberId: etcd.memberId,
    term: cluster.term,
    entries: entries.map((each) => ({
      ...each,
      seenAtMs: seenAt(`queue/${each.value.nodeId}`, each.modRevision),
    })),
    ...(active !== undefined && { active: { ...active, seenAtMs: seenAt("active", active.modRevision) } }),
    roster,
    members: cluster.members.map(({ id, name, peerUrl, learner }) => ({
      id,
      name,
      peerUrl,
      learner,
      seenAtMs: seenAt(`member/${id}`, name),
    })),
    health: new Map(
      [...agent.answering].map(([id, { sinceMs, atMs }]) => [
        id,
        { ...(sinceMs !== undefined && { answeringSinceMs: sinceMs }), answeredAtMs: atMs },
      ]),
    ),
    heardAtMs: agent.heardAtMs,
    leadsSinceMs,
    ...(agent.changedAtMs !== undefined && { changedAtMs: agent.changedAtMs }),
    learnersMax: LEARNERS_MAX,
    replaceAfterMs: world.replaceAfterMs,
    leaving: new Set(),
  };
}

function becomeLeader(agent: Agent, term: number, nowMs: Ms): void {
  agent.leadsSinceMs = nowMs;
  agent.term = term;
  agent.seen.clear();
  agent.answering.clear();
  agent.heardAtMs.clear();
  agent.changedAtMs = undefined;
  agent.membersWere = "";
}

/** `status()` of every member, and a sign of life of every agent. */
function poll(world: World, host: Host, cluster: Cluster): void {
  const { agent } = host;
  if (agent === undefined) return;
  const nowMs = host.clock(world.nowMs);
  for (const member of cluster.members) {
    const there = member.id === host.etcd?.memberId ? host.index : world.hostOf(cluster, member);
    if (there === undefined || !world.linked(host.index, there)) {
      const before = agent.answering.get(member.id);
      if (before !== undefined) agent.answering.set(member.id, { atMs: before.atMs });
      continue;
    }
    agent.answering.set(member.id, { sinceMs: agent.answering.get(member.id)?.sinceMs ?? nowMs, atMs: nowMs });
    const nodeId = nodeOfMember(member);
    if (nodeId !== undefined) agent.heardAtMs.set(nodeId, nowMs);
  }
  for (const other of world.hosts)
    if (world.isOn(other) && world.linked(host.index, other.index) && world.clusterOf(other) === cluster)
      agent.heardAtMs.set(other.disk.nodeId, nowMs);
}

function noteChange(agent: Agent, { members }: Cluster, nowMs: Ms): void {
  const are = members.map(({ id, learner }) => `${id}${learner}`).join();
  if (agent.membersWere !== "" && agent.membersWere !== are) agent.changedAtMs = nowMs;
  agent.membersWere = are;
}
