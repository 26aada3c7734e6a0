// Who is a member: the calls that change a cluster while it runs, asked of the member beside this agent, which leads. What etcd refuses is
// an answer to wait for or to adopt, not a failure.
import type { Etcd3 } from "etcd3";
import { abortable } from "./calls.ts";
import { connect, type Credentials } from "./connect.ts";

export interface ClusterOptions {
  /** `address:port` of the member that is asked. */
  readonly host: string;
  readonly credentials: Credentials;
}

export interface ClusterMember {
  readonly id: string;
  /** "" until it has started. */
  readonly name: string;
  /** Several with commas, in etcd's order. */
  readonly peerUrl: string;
  /** None until it has started. */
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}

/**
 * - `unhealthy`: not all voters have been connected for 5 s, or the change would cost the quorum
 * - `too many learners`: `--max-learners` of the leader
 * - `exists`: a member has this peer URL; it is that one, perhaps from a call whose answer was lost
 * - `not in sync`: a learner has not caught up
 * - `not found`: it is no member any more
 * - `not the leader`: ask the one that is
 */
export type Refused = "unhealthy" | "too many learners" | "exists" | "not in sync" | "not found" | "not the leader";
export type Changed = { readonly kind: "done" } | { readonly kind: "refused"; readonly reason: Refused };

/** etcd's `api/v3rpc/rpctypes/error.go`, the same from 3.4 to 3.7. */
const REFUSALS: readonly (readonly [text: string, reason: Refused])[] = [
  ["etcdserver: unhealthy cluster", "unhealthy"],
  ["etcdserver: re-configuration failed due to not enough started members", "unhealthy"],
  ["etcdserver: too many learner members in cluster", "too many learners"],
  ["etcdserver: Peer URLs already exists", "exists"],
  ["etcdserver: member ID already exist", "exists"],
  ["etcdserver: can only promote a learner member which is in sync with leader", "not in sync"],
  ["etcdserver: member not found", "not found"],
  ["etcdserver: not leader", "not the leader"],
];

const LIMIT_MS = 5_000;

export class Cluster {
  readonly #etcd: Etcd3;

  constructor({ host, credentials }: ClusterOptions) {
    this.#etcd = connect({ host, credentials, attemptMs: LIMIT_MS });
  }

  /** A linearizable read: throws without a quorum. */
  async members(signal: AbortSignal): Promise<readonly ClusterMember[]> {
    const { members } = await abortable(this.#etcd.cluster.memberList({ linearizable: true }), signal);
    return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
      id: ID,
      name,
      peerUrl: peerURLs.join(),
      clientUrls: clientURLs,
      learner: isLearner,
    }));
  }

  /** Never as voter: one that does not start would stop all writes at once. */
  addLearner(peerUrl: string, signal: AbortSignal): Promise<Changed> {
    return change(this.#etcd.cluster.memberAdd({ peerURLs: peerUrl.split(","), isLearner: true }), signal);
  }

  /** etcd looks at its log, not at its life: who asks has made sure that it lives. */
  promote(id: string, signal: AbortSignal): Promise<Changed> {
    return change(this.#etcd.cluster.memberPromote({ ID: id }), signal);
  }

  remove(id: string, signal: AbortSignal): Promise<Changed> {
    return change(this.#etcd.cluster.memberRemove({ ID: id }), signal);
  }

  /** Not of a learner. */
  update(id: string, peerUrl: string, signal: AbortSignal): Promise<Changed> {
    return change(this.#etcd.cluster.memberUpdate({ ID: id, peerURLs: peerUrl.split(",") }), signal);
  }

  moveLeader(id: string, signal: AbortSignal): Promise<Changed> {
    return change(this.#etcd.maintenance.moveLeader({ targetID: id }), signal);
  }

  /** What was before that revision can be asked for no more. That it is already so is no failure. */
  async compact(revision: number, signal: AbortSignal): Promise<void> {
    await abortable(this.#etcd.kv.compact({ revision, physical: true }), signal).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.includes("mvcc: required revision has been compacted"))) throw error;
    });
  }

  /** Each member's alarm that its file is full: from then on writes are taken again. */
  async disarm(signal: AbortSignal): Promise<void> {
    const { alarms } = await abortable(this.#etcd.maintenance.alarm({ action: "Get", alarm: "Nospace" }), signal);
    for (const { memberID } of alarms)
      await abortable(this.#etcd.maintenance.alarm({ action: "Deactivate", memberID, alarm: "Nospace" }), signal);
  }

  close(): void {
    this.#etcd.close();
  }
}

async function change(call: Promise<unknown>, signal: AbortSignal): Promise<Changed> {
  try {
    await abortable(call, signal);
    return { kind: "done" };
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === undefined) throw error;
    return { kind: "refused", reason };
  }
}

function refusalOf(error: unknown): Refused | undefined {
  const message = error instanceof Error ? error.message : "";
  return REFUSALS.find(([text]) => message.includes(text))?.[1];
}
