// Which nodes are alive, as this one hears them: faster than a lease and outside of Raft. Signs of life and time go in; whom to ask, whom
// to send nothing more to, and whose death to record come out. Pure.
import type { SignOfLife } from "../mesh-ports.ts";

export type NodeId = string;

/** Between two signs of life to each node. */
export const SEND_EVERY_MS = 500;
/** From this silence on its ingress is asked on 734: a kernel answers for a frozen program, so it is a question to the program. */
const ASK_AFTER_MS = 1_000;
/** Nothing more is sent to it, by this node alone and without any vote. */
export const SUSPECT_AFTER_MS = 2_000;
/**
 * Its death may be recorded, and its apps start elsewhere. A machine that stalls for 2 s just before a sign was due is silent for 2.5 s,
 * and a little more until it has had its turn.
 */
export const CONDEMN_AFTER_MS = 2_800;
/** One after the other, so that not all write the same. */
export const RANK_MS = 250;
/** After a start of the machine it condemns nobody whom it has not heard since: where all lost their power at once, the last one takes its time. */
export const BOOT_GRACE_MS = 60_000;
/**
 * Who has heard nobody for this long may send and not receive, so its signs are no life; its ingress is asked. Longer than a machine may stall:
 * it may say so before it has read what came meanwhile.
 */
export const DEAF_AFTER_MS = 6_000;
/** As so old it is told: others do not count it as alive for that, and it still sees that it is heard. */
const DEAF_TOLD_MS = 5_000;
/** A longer gap between two events means that this node itself stood still: nobody is blamed for what it did not hear then. */
const STOOD_STILL_MS = 1_000;
/** Of a node, whose signs are old news. */
const BOOTS_MAX = 4;

export interface Liveness {
  readonly self: NodeId;
  /** On this node's boot-time clock. */
  readonly nowMs: number;
  /** Time in which this node was awake: it does not count what it slept through. All times below are on it, but for what is told to others. */
  readonly awakeMs: number;
  /** When it last stood still: what it heard before says nothing about whom it hears now. */
  readonly wokeAtMs: number;
  readonly peers: ReadonlyMap<NodeId, PeerState>;
}

interface PeerState {
  readonly bootId?: string;
  readonly counter: number;
  readonly formerBoots: readonly string[];
  /** By this node itself: a sign of life, or an answer of its ingress. On the boot-time clock, for it goes on while this node stands still. */
  readonly heardAtMs?: number;
  /** By its last sign. */
  readonly isDeaf: boolean;
  /** The latest of that and of what others say when they heard it; the beginning counts as heard, so that nobody starts out dead. */
  readonly knownAtMs: number;
  /** By anybody, since this agent started. */
  readonly everHeard: boolean;
}

export function newLiveness(self: NodeId, nowMs: number): Liveness {
  return { self, nowMs, awakeMs: 0, wokeAtMs: -Infinity, peers: new Map() };
}

/** Time goes on. Every other function below wants it to be now. */
export function advance(state: Liveness, nowMs: number): Liveness {
  const gap = Math.max(0, nowMs - state.nowMs);
  if (gap > STOOD_STILL_MS) return { ...state, nowMs, wokeAtMs: state.awakeMs };
  return gap === 0 ? state : { ...state, nowMs, awakeMs: state.awakeMs + gap };
}

/** The others that belong to the house: who is new counts as heard now, who has gone is forgotten. */
export function withOthers(state: Liveness, others: Iterable<NodeId>): Liveness {
  const wanted = new Set(others);
  wanted.delete(state.self);
  if (wanted.size === state.peers.size && [...wanted].every((node) => state.peers.has(node))) return state;
  const fresh: PeerState = { counter: 0, formerBoots: [], isDeaf: false, knownAtMs: state.awakeMs, everHeard: false };
  return { ...state, peers: new Map([...wanted].map((node) => [node, state.peers.get(node) ?? fresh])) };
}

/** Its sender's key was checked. What is older than what is known, doubled, or of nobody in the house changes nothing. */
export function heard(state: Liveness, sign: SignOfLife): Liveness {
  const sender = state.peers.get(sign.nodeId);
  if (sender === undefined || isOld(sender, sign)) return state;
  const isNewBoot = sign.bootId !== sender.bootId;
  const formerBoots =
    isNewBoot && sender.bootId !== undefined ? [sender.bootId, ...sender.formerBoots].slice(0, BOOTS_MAX) : sender.formerBoots;
  const peers = new Map(state.peers);
  const said = { ...sender, bootId: sign.bootId, counter: sign.counter, formerBoots };
  const isDeaf = sign.heard.every(({ agoMs }) => agoMs >= DEAF_AFTER_MS);
  peers.set(sign.nodeId, isDeaf ? { ...said, isDeaf, heardAtMs: state.nowMs } : isHeard(said, state));
  for (const { nodeId, agoMs } of sign.heard) {
    const other = peers.get(nodeId);
    const atMs = state.awakeMs - Math.max(0, agoMs);
    if (other !== undefined && nodeId !== sign.nodeId && atMs > other.knownAtMs)
      peers.set(nodeId, { ...other, knownAtMs: atMs, everHeard: other.everHeard || agoMs < DEAF_TOLD_MS });
  }
  return { ...state, peers };
}

/** Its ingress answered on 734: the machine is alive, whatever its agent does. */
export function answered(state: Liveness, node: NodeId): Liveness {
  const peer = state.peers.get(node);
  return peer === undefined ? state : { ...state, peers: new Map(state.peers).set(node, isHeard(peer, state)) };
}

/** What this node says of the others: only what it heard itself, or a rumour would never end. */
export function ownHearing(state: Liveness): SignOfLife["heard"] {
  return [...state.peers].flatMap(([nodeId, { heardAtMs, isDeaf }]) =>
    heardAtMs === undefined ? [] : [{ nodeId, agoMs: Math.max(isDeaf ? DEAF_TOLD_MS : 0, Math.round(state.nowMs - heardAtMs)) }],
  );
}

/** Whose ingress is to be asked now. */
export function toAsk(state: Liveness): readonly NodeId[] {
  return silentFor(state, ASK_AFTER_MS);
}

/** To whom nothing should be sent. */
export function suspects(state: Liveness): readonly NodeId[] {
  return silentFor(state, SUSPECT_AFTER_MS);
}

/**
 * Whose death this node should try to record now, by compare-and-swap: only one with quorum can. The living take turns by their ids. Who
 * hears no majority of the voters does not even try: its cut may end while it does, before it hears anybody.
 * `bootedMs`: since this machine's start.
 */
export function toCondemn(
  state: Liveness,
  { bootedMs, voters }: { readonly bootedMs: number; readonly voters: readonly NodeId[] },
): readonly NodeId[] {
  if (!hearsMajority(state, voters)) return [];
  const dead = new Set(silentFor(state, SUSPECT_AFTER_MS));
  const rank = [...state.peers.keys()].filter((node) => node < state.self && !dead.has(node)).length;
  const silent = silentFor(state, CONDEMN_AFTER_MS + rank * RANK_MS);
  return bootedMs < BOOT_GRACE_MS ? silent.filter((node) => state.peers.get(node)?.everHeard === true) : silent;
}

/** By anybody whom this node hears. */
export function silenceOf(state: Liveness, node: NodeId): number | undefined {
  const peer = state.peers.get(node);
  return peer && state.awakeMs - peer.knownAtMs;
}

function silentFor(state: Liveness, ms: number): readonly NodeId[] {
  return [...state.peers].filter(([, { knownAtMs }]) => state.awakeMs - knownAtMs >= ms).map(([node]) => node);
}

function hearsMajority(state: Liveness, voters: readonly NodeId[]): boolean {
  const silent = new Set(silentFor(state, SUSPECT_AFTER_MS));
  const isHeardNow = (node: NodeId): boolean => !silent.has(node) && (state.peers.get(node)?.knownAtMs ?? -Infinity) > state.wokeAtMs;
  const heardVoters = voters.filter((node) => node === state.self || isHeardNow(node));
  return heardVoters.length > voters.length / 2;
}

function isHeard(peer: PeerState, { nowMs, awakeMs }: Liveness): PeerState {
  return { ...peer, isDeaf: false, heardAtMs: nowMs, knownAtMs: awakeMs, everHeard: true };
}

function isOld(peer: PeerState, { bootId, counter }: SignOfLife): boolean {
  return bootId === peer.bootId ? counter <= peer.counter : peer.formerBoots.includes(bootId);
}
