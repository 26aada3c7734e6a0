// Room in the store's files: etcd never gives back what was deleted, and takes no write once a file has reached its bound. From what each
// member says to at most one next step. Pure.
import { quorumOf } from "./house-view.ts";

/** As a member that answers says of its own file. */
export interface MemberRoom {
  readonly id: string;
  readonly learner: boolean;
  readonly bytes: number;
  /** The rest of the file is free. */
  readonly inUseBytes: number;
  /** It knows that writes are refused until somebody takes that back. */
  readonly isFull: boolean;
}

export type RoomStep =
  /** Forgets what was before now; whoever watches from before lists anew. */
  | { readonly kind: "compact" }
  /** Writes the file anew; the member answers nothing meanwhile. */
  | { readonly kind: "defragment"; readonly memberId: string }
  | { readonly kind: "move-leader"; readonly memberId: string }
  /** Writes are taken again. */
  | { readonly kind: "disarm" };

export interface RoomView {
  /** Members that do not vote among them; those that are silent are not here. */
  readonly answering: readonly MemberRoom[];
  readonly leaderId: string;
  readonly voters: number;
  readonly bytesMax: number;
  /** Since the store is full: it was compacted, and these files were written anew. */
  readonly compacted: boolean;
  readonly anew: ReadonlySet<string>;
}

/** From this part of the bound on a file is worth the pause. */
const LARGE_PART = 1 / 2;
/** So much of it must be free, and so much less where nothing can be written anyway. */
const FREE_PART = 1 / 2;
const FREE_PART_WHEN_FULL = 1 / 5;
/** With more in the files writes would be refused again at once. */
const DISARM_PART = 4 / 5;

/** A member that commits nothing, as in a full store, does not count what a compaction freed: there each large file is written anew once. */
export function planRoom({ answering, leaderId, voters, bytesMax, compacted, anew }: RoomView): RoomStep | undefined {
  const isFull = answering.some((member) => member.isFull);
  const freePart = isFull ? FREE_PART_WHEN_FULL : FREE_PART;
  const due = answering
    .filter(
      ({ id, bytes, inUseBytes }) =>
        (bytes >= bytesMax * LARGE_PART && bytes - inUseBytes >= bytes * freePart) ||
        (isFull && compacted && bytes >= bytesMax * DISARM_PART && !anew.has(id)),
    )
    .sort(
      (a, b) => Number(a.id === leaderId) - Number(b.id === leaderId) || Number(b.learner) - Number(a.learner) || (a.id < b.id ? -1 : 1),
    );
  const [first] = due;
  if (first !== undefined) return pause(first, { answering, leaderId, voters });
  if (!isFull) return undefined;
  return answering.every(({ bytes }) => bytes < bytesMax * DISARM_PART) ? { kind: "disarm" } : { kind: "compact" };
}

/** Never the leader while another one can lead, and nobody whose pause would cost the quorum. */
function pause(
  member: MemberRoom,
  { answering, leaderId, voters }: Pick<RoomView, "answering" | "leaderId" | "voters">,
): RoomStep | undefined {
  const others = answering.filter(({ id, learner }) => !learner && id !== member.id);
  const isBorne = member.learner || voters === 1 || others.length >= quorumOf(voters);
  if (!isBorne) return undefined;
  const [heir] = others;
  return member.id === leaderId && heir !== undefined
    ? { kind: "move-leader", memberId: heir.id }
    : { kind: "defragment", memberId: member.id };
}
