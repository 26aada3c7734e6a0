// What a node on its way into a house knows, hears and has done for it: the state, the events and the effects of joiner.ts. The edge carries
// the effects out in order. Pure types, and the few words that all phases share.
import type { Ms } from "./house-view.ts";
import type { Address, Admission, HouseState, JoinRequest, Message, NodeId, Sender, Trust } from "./messages.ts";

/** What this node is and knows, at every event anew. */
export interface Here {
  readonly nowMs: Ms;
  /** Of `house` the edge knows the present numbers, while this node is a member. */
  readonly self: Sender;
  readonly request: JoinRequest;
  /** Addresses from discovery: the tailnet's devices, mDNS, those given by hand. */
  readonly candidates: readonly Address[];
  /** Those of them that are connected to the tailnet: each answers in the end, or says that nothing listens there. */
  readonly online?: readonly Address[];
  /** `starting`: a tailscaled is there and not Running yet. */
  readonly tailnet: "running" | "starting" | "absent";
  /** Nobody can be out there whom this node trusts without a person: it has no tailnet, and never belonged to a house. */
  readonly alone: boolean;
  /** Of the agents of all nodes of this node's house; none while it is fresh. */
  readonly members: readonly Address[];
  /** `fossora join`: this house is wanted, by an address or a token. */
  readonly wish?: { readonly addresses: readonly Address[]; readonly houseId?: string; readonly proof?: string };
  /** `fossora leave`: it looks for no house, and founds none. */
  readonly rests?: boolean;
  /** The house with apps that it was in, and left by no person's word: it joins no other by itself, and founds none. */
  readonly home?: string | undefined;
  /** False: its engine does not tell whether another house's containers are here, and until it does this node founds none. */
  readonly mayFound?: boolean;
  /** The nodes that vote in this node's house, by the last list of members that it has. */
  readonly voters: readonly NodeId[];
  /** The numbers of `self.house` were read in the store just now: without that a house is never given up. */
  readonly houseIsFresh: boolean;
  /** It has belonged to its house for so short a time that it never read anything of it. */
  readonly houseIsUnseen?: boolean;
  /** RFC 3339. */
  readonly wall: string;
}

export type JoinerEvent =
  | { readonly kind: "tick" }
  /**
   * `from` is where an answer reaches the sender; of a hello-answer, where this node called it, for it comes on a connection of this node's own
   * alone. `trust` also is `trusted` for whoever shows a certificate of this node's house, or of the house that it is asking, whose CA the
   * edge remembers from the first contact.
   */
  | { readonly kind: "heard"; readonly message: Message; readonly from: Address; readonly trust: Trust }
  /** Nothing listens there, or what does has nothing to say to this node. */
  | { readonly kind: "nobody there"; readonly address: Address }
  /** A person said so: what this node was about is over. */
  | { readonly kind: "wished" }
  | { readonly kind: "told to leave" }
  /** By a person, while this node was away: one of its house says so, and showed its certificate. */
  | { readonly kind: "was removed" }
  /** This node's store has made its first object. */
  | { readonly kind: "founded"; readonly house: HouseState; readonly clusterId: string; readonly memberId: string }
  | { readonly kind: "etcd-runs"; readonly clusterId: string; readonly memberId: string }
  /** `removed`: it said that it was permanently removed, or the ids are not ours. */
  | { readonly kind: "etcd-ended"; readonly reason: "removed" | "failed" };

export type JoinerEffect =
  /** The edge tries the addresses in turn, until one takes it. */
  | { readonly kind: "send"; readonly to: readonly Address[]; readonly message: Message }
  | { readonly kind: "found" }
  /** Stops etcd if it runs, and renames its data directory; it is never deleted. */
  | { readonly kind: "archive" }
  | { readonly kind: "start"; readonly admission: Admission; readonly credentials: string }
  /** On disk from now on: this node belongs to that house. */
  | { readonly kind: "keep"; readonly membership: Membership }
  /** On disk from now on, before anything is set aside: it left its house for this one, and joins none of a lower epoch. Absent: for none. */
  | { readonly kind: "remember"; readonly left?: Left }
  /** On disk from now on, before anything is set aside: its house counts this node no more. */
  | { readonly kind: "count out" }
  | { readonly kind: "forget" }
  /** For people. */
  | { readonly kind: "say"; readonly text: string };

/** What the disk keeps of a node that belongs to a house. */
export interface Membership {
  readonly houseId: string;
  readonly epoch: number;
  readonly clusterId: string;
  /** Absent: a worker. */
  readonly memberId?: string;
}

/** Another computer, as it last spoke. */
export interface Peer {
  readonly sender: Sender;
  /** Where an answer reaches it. */
  readonly address: Address;
  /** Where this node called it, and it answered: all else that is known of its addresses it says itself. */
  readonly answeredAt?: readonly Address[];
  readonly members: readonly Address[];
  readonly trust: Trust;
  readonly seenAtMs: Ms;
  /** When it last said that it founds: what it said before may arrive after that. */
  readonly foundsAtMs?: Ms;
  /** When it last spoke as one that may found: that it founds none may have been said before, and arrive after that. */
  readonly mayFoundAtMs?: Ms;
}

export interface Wanted {
  readonly id: string;
  readonly epoch: number;
  /** Members to ask, the next one first. */
  readonly contacts: readonly Address[];
  /** The highest that was seen: a leader of a lower one has been replaced. */
  readonly term: number;
}

export type Phase =
  /** `answered`: where it had an answer since then, or there is nobody. */
  | { readonly kind: "looking"; readonly sinceMs: Ms; readonly answered?: readonly Address[] }
  | { readonly kind: "founding"; readonly sinceMs: Ms; readonly answered?: readonly Address[] }
  /** The edge is making the house. */
  | { readonly kind: "laying the ground"; readonly sinceMs: Ms }
  | {
      readonly kind: "asking";
      readonly house: Wanted;
      readonly askedAtMs: Ms;
      /** Absent: nobody has taken the request yet. */
      readonly verdict?: "queued" | "waits for approval" | "refused";
      /** Of any broadcast, for whomever, or of the beginning. */
      readonly heardAtMs: Ms;
    }
  | {
      readonly kind: "starting";
      readonly house: Wanted;
      readonly admission: Admission;
      readonly sinceMs: Ms;
      readonly leader: readonly Address[];
    }
  | { readonly kind: "member"; readonly membership: Membership };

export type Left = Pick<HouseState, "id" | "epoch">;

export interface Joiner {
  readonly phase: Phase;
  readonly peers: ReadonlyMap<NodeId, Peer>;
  readonly helloAtMs?: Ms;
  readonly bornAtMs: Ms;
  /** The house that it left for its higher epoch: it joins none of a lower one, whoever asks it to. */
  readonly left?: Left;
  /** Whose house it asked for the wish that stands: another house that answers there later is not the one that was wished for. */
  readonly chosen?: { readonly houseId: string; readonly nodeId: NodeId };
  /** As a member: since when the store has not answered. */
  readonly withoutStoreSinceMs?: Ms;
  /** The last things that were said. */
  readonly said: readonly string[];
}

export interface Stepped {
  readonly joiner: Joiner;
  readonly effects: readonly JoinerEffect[];
}

const SAID_MAX = 16;

/** A step that changes the phase alone. */
export function enter(joiner: Joiner, phase: Phase, effects: readonly JoinerEffect[] = []): Stepped {
  return { joiner: { ...joiner, phase }, effects };
}

export function stay(joiner: Joiner, effects: readonly JoinerEffect[] = []): Stepped {
  return { joiner, effects };
}

/** All that was known of others is asked anew. */
export function startOver(joiner: Joiner, nowMs: Ms, effects: readonly JoinerEffect[] = []): Stepped {
  const { helloAtMs: _, withoutStoreSinceMs: _since, ...rest } = joiner;
  return { joiner: { ...rest, peers: new Map(), phase: { kind: "looking", sinceMs: nowMs } }, effects };
}

export function andThen({ joiner, effects }: Stepped, next: (joiner: Joiner) => Stepped): Stepped {
  const stepped = next(joiner);
  return { joiner: stepped.joiner, effects: [...effects, ...stepped.effects] };
}

/** `about` is what it is about, when the words may differ. */
export function say(joiner: Joiner, text: string, about = text): Stepped {
  if (joiner.said.includes(about)) return stay(joiner);
  return { joiner: { ...joiner, said: [...joiner.said, about].slice(-SAID_MAX) }, effects: [{ kind: "say", text }] };
}
