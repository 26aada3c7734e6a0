// Hands etcd's leadership over: a node that is about to stop, or that others are to do without, should not be the one that all writes wait for.
import type { MemberStatus } from "../../adapters/etcd3/member.ts";
import { nodeOfMember } from "../../joining/house-view.ts";
import type { NodeId } from "../../joining/messages.ts";
import { clientHosts } from "./house-sight.ts";
import type { MemberCalls } from "./steward.ts";

export interface LeadPorts {
  readonly cluster: Pick<MemberCalls, "members" | "moveLeader">;
  /** Of the member at `address:port`; throws when it does not answer. */
  readonly status: (host: string, signal: AbortSignal) => Promise<MemberStatus>;
  /** The client endpoint of the member beside this agent. */
  readonly localHost: string;
  /** Nodes that are to be done without, too: they come last. */
  readonly leaving: ReadonlySet<NodeId>;
}

/** True: another member leads. False: there is nobody who could. Throws when the store does not answer. */
export async function handOverLead({ cluster, status, localHost, leaving }: LeadPorts, signal: AbortSignal): Promise<boolean> {
  const own = await status(localHost, signal);
  if (own.leaderId !== own.memberId) return true;
  const others = (await cluster.members(signal)).filter(({ id, learner, name }) => id !== own.memberId && !learner && name !== "");
  const answers = await Promise.all(
    others.map(async (member) => ({
      member,
      said: await Promise.any(clientHosts(member).map((host) => status(host, signal))).catch(() => undefined),
    })),
  );
  const heirs = answers
    .filter(({ member, said }) => said?.memberId === member.id && said.leaderId === own.memberId)
    .map(({ member, said }) => ({ member, revision: said?.revision ?? 0, isLeaving: leaving.has(nodeOfMember(member) ?? "") }))
    // The one that has most of it takes over soonest.
    .sort((a, b) => Number(a.isLeaving) - Number(b.isLeaving) || b.revision - a.revision);
  const [heir] = heirs;
  return heir !== undefined && (await cluster.moveLeader(heir.member.id, signal)).kind === "done";
}
