// Where voters of this node's house spoke from last: they may have other addresses than the house wrote down. Pure.
import type { Peer } from "./joiner-state.ts";
import type { Address, HouseState, NodeId } from "./messages.ts";

interface House {
  readonly house: Pick<HouseState, "id" | "epoch">;
  readonly voters: readonly NodeId[];
}

/** Of agents. Those alone who proved that they are of the house, and of no other epoch. */
export function heardVoters(peers: ReadonlyMap<NodeId, Peer>, { house: { id, epoch }, voters }: House): readonly Address[] {
  return voters.flatMap((nodeId) => {
    const peer = peers.get(nodeId);
    const theirs = peer?.sender.house;
    return peer?.trust === "trusted" && theirs?.id === id && theirs.epoch === epoch ? [peer.address] : [];
  });
}
