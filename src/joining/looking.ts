// A fresh node looks for a house, and founds one if there is none: of several that look at once only the one with the lowest id does. Pure.
import {
  say,
  enter,
  stay,
  andThen,
  type Here,
  type Joiner,
  type JoinerEffect,
  type Peer,
  type Phase,
  type Stepped,
} from "./joiner-state.ts";
import { PROTOCOL, type Address, type Sender } from "./messages.ts";
import { beginAsking } from "./asking.ts";

const HELLO_EVERY_MS = 1_000;
/** So long everybody has for an answer, and as long again while all are asked once more: 3 s in all, or until all have answered twice. */
const SETTLE_MS = 1_500;
/** A computer that is online may be too busy to answer: its house is here all the same, and two are never merged. */
const SILENT_WAIT_MS = 20_000;
/** A tailscaled that is there but not Running is waited for. */
const TAILNET_WAIT_MAX_MS = 30_000;
const FOUNDING_MS = 1_500;
const FOUNDING_HELLO_MS = 500;
/** Who has been silent for so long is not waited for. */
const PEER_SILENT_MS = 10_000;
const ADDRESSES_MAX = 256;

type Looking = Extract<Phase, { kind: "looking" | "founding" }>;

/** At every tick and message while this node is fresh and has asked nobody. */
export function look(joiner: Joiner, here: Here): Stepped {
  const { phase } = joiner;
  if (here.rests === true || (phase.kind !== "looking" && phase.kind !== "founding")) return stay(joiner);
  const peer = houseToJoin(joiner, here);
  if (peer?.sender.house !== undefined) {
    const { nodeId, house: state } = peer.sender;
    const asking = here.wish === undefined ? joiner : { ...joiner, chosen: { houseId: state.id, nodeId } };
    return beginAsking(asking, here, { state, contacts: contactsOf(peer) });
  }
  return phase.kind === "looking" ? settle(joiner, here, phase) : found(joiner, here, phase);
}

/** Who was silent is forgotten; if it was one that was waited for, everybody is asked anew before this node founds. */
export function forgetSilent(joiner: Joiner, here: Here): Joiner {
  const { nowMs } = here;
  const silent = [...joiner.peers.values()].filter(({ seenAtMs }) => nowMs - seenAtMs >= PEER_SILENT_MS);
  if (silent.length === 0) return joiner;
  const peers = new Map(joiner.peers);
  for (const { sender } of silent) peers.delete(sender.nodeId);
  const waitedFor = silent.some((peer) => isAhead(peer, here));
  const { phase } = joiner;
  return { ...joiner, peers, phase: waitedFor && phase.kind === "looking" ? { kind: "looking", sinceMs: nowMs } : phase };
}

/** Its answer tells that it knows this node from now on; where nobody answers, nobody founds. */
export function hadAnswer(joiner: Joiner, address: Address): Joiner {
  const { phase } = joiner;
  if ((phase.kind !== "looking" && phase.kind !== "founding") || phase.answered?.includes(address)) return joiner;
  return { ...joiner, phase: { ...phase, answered: [...(phase.answered ?? []), address].slice(-ADDRESSES_MAX) } };
}

/** To everybody, when it is time for it. */
export function sayHello(joiner: Joiner, here: Here, everyMs = helloEveryMs(joiner)): Stepped {
  if (here.rests === true) return stay(joiner);
  if (joiner.helloAtMs !== undefined && here.nowMs - joiner.helloAtMs < everyMs) return stay(joiner);
  return { joiner: { ...joiner, helloAtMs: here.nowMs }, effects: hellos(joiner, here) };
}

/** As this node speaks now. */
export function senderOf(joiner: Joiner, here: Here): Sender {
  const { self } = here;
  switch (joiner.phase.kind) {
    case "founding":
      return { ...self, founding: "asks" };
    case "laying the ground":
      return { ...self, founding: "founds" };
    case "member":
      return self;
    default:
      return foundsNone(joiner, here) ? { ...self, foundsNone: true } : self;
  }
}

/** It waits for its own house, a person wants something else of it, or its engine tells nothing. */
function foundsNone({ left }: Joiner, { rests, wish, home, mayFound }: Here): boolean {
  return rests === true || wish !== undefined || home !== undefined || left !== undefined || mayFound === false;
}

function helloEveryMs({ phase }: Joiner): number {
  return phase.kind === "founding" ? FOUNDING_HELLO_MS : HELLO_EVERY_MS;
}

function hellos(joiner: Joiner, here: Here): readonly JoinerEffect[] {
  const known = [...joiner.peers.values()].map(({ address }) => address);
  const to = [...new Set([...(here.wish?.addresses ?? []), ...here.candidates, ...known])].filter(
    (address) => !here.self.addresses.includes(address),
  );
  const message = { protocol: PROTOCOL, kind: "hello", from: senderOf(joiner, here) } as const;
  return to.slice(0, ADDRESSES_MAX).map((address) => ({ kind: "send", to: [address], message }));
}

/** What a person wished for; else the house that it was in, which lets in whom it knows, or one that proves to be of the same people. */
function houseToJoin(joiner: Joiner, { wish, home }: Here): Peer | undefined {
  const houses = [...joiner.peers.values()].filter(
    (peer) => peer.sender.house !== undefined && peer.trust !== "refused" && !isOlder(joiner, peer),
  );
  if (wish !== undefined) return houses.find((peer) => isWished(peer, wish) && isChosen(peer, joiner));
  const own = home === undefined ? houses : houses.filter(({ sender }) => sender.house?.id === home);
  const isOpen = ({ sender: { house } }: Peer): boolean => house?.joining !== "off" || house.id === home || house.id === joiner.left?.id;
  const open = own.filter((peer) => peer.trust === "trusted" && isOpen(peer));
  return open.sort((a, b) => rank(a) - rank(b) || ((a.sender.house?.id ?? "") < (b.sender.house?.id ?? "") ? -1 : 1))[0];
}

/** A token names the house; an address only who answers when it is called: anybody may say to be there. */
function isWished({ sender, answeredAt = [] }: Peer, { addresses, houseId }: NonNullable<Here["wish"]>): boolean {
  return houseId === undefined ? addresses.some((each) => answeredAt.includes(each)) : sender.house?.id === houseId;
}

/** Its house may give itself up for another, and the computer that a person named goes along. */
function isChosen({ sender }: Peer, { chosen }: Joiner): boolean {
  return chosen === undefined || sender.nodeId === chosen.nodeId || sender.house?.id === chosen.houseId;
}

/** It does not know yet that its house was taken over. */
function isOlder({ left }: Joiner, { sender: { house } }: Peer): boolean {
  return left !== undefined && house?.id === left.id && house.epoch < left.epoch;
}

/** A house with something in it before one that may give itself up. */
function rank({ sender: { house } }: Peer): number {
  return house !== undefined && (house.hasObjects || house.nodes > 1) ? 0 : 1;
}

function settle(joiner: Joiner, here: Here, phase: Looking): Stepped {
  const { nowMs, tailnet, wish, home } = here;
  // Waiting counts those who are trusted without a person, and there are none.
  if (here.alone && wish === undefined && home === undefined && here.mayFound !== false) return layTheGround(joiner, nowMs);
  // It looks round from when it can.
  if (tailnet === "starting" && nowMs - joiner.bornAtMs < TAILNET_WAIT_MAX_MS) return enter(joiner, { kind: "looking", sinceMs: nowMs });
  if (here.mayFound === false)
    return andThen(enter(joiner, { kind: "looking", sinceMs: nowMs }), (next) =>
      say(next, "Docker does not tell whether another house's containers are here; this node founds no house until it does."),
    );
  if (nowMs - phase.sinceMs < SETTLE_MS && !haveAllAnswered(here, phase)) return stay(joiner);
  if (wish !== undefined) return say(joiner, whoAnswers(joiner, wish));
  const silent = silentOnes(joiner, here, phase);
  if (silent.length > 0 && nowMs - phase.sinceMs < SILENT_WAIT_MS)
    return say(joiner, `Online and silent so far: ${silent.join(", ")}; this node waits up to ${SILENT_WAIT_MS / 1_000} s for an answer.`);
  const older = [...joiner.peers.values()].find((peer) => isOlder(joiner, peer));
  if (older !== undefined)
    return say(
      joiner,
      `${older.sender.name} does not know yet that the house was taken over; this node waits for one that does. Is none left? Type here: fossora leave, then fossora join ${older.address}`,
    );
  // Its house is somewhere, and two would be never merged.
  if (joiner.left !== undefined)
    return say(
      joiner,
      "This node's house was taken over, and nobody of it answers; this node waits for one that does. Is none left? fossora leave",
    );
  // A new house would know nothing of its apps, and take them for leftovers.
  if (home !== undefined)
    return say(
      joiner,
      "Nobody of this node's house lets it in again; its apps go on, and this node waits for it. Is it gone for good? fossora leave, then fossora up",
    );
  const closed = [...joiner.peers.values()].find(({ sender, trust }) => trust === "trusted" && sender.house?.joining === "off");
  if (closed !== undefined)
    return say(joiner, `The house of ${closed.sender.name} lets nobody in. Let it: set \`joining: auto\` in its House; this node waits.`);
  const ahead = firstAhead(joiner, here);
  if (ahead !== undefined) return say(joiner, `${ahead.sender.name} is about to found the house; this node waits for it.`);
  const founding = { ...joiner, helloAtMs: nowMs, phase: { kind: "founding", sinceMs: nowMs } } as const;
  return { joiner: founding, effects: hellos(founding, here) };
}

function found(joiner: Joiner, here: Here, phase: Looking): Stepped {
  const { nowMs } = here;
  if (firstAhead(joiner, here) !== undefined || here.mayFound === false) return enter(joiner, { kind: "looking", sinceMs: nowMs });
  if (nowMs - phase.sinceMs < FOUNDING_MS && !haveAllAnswered(here, phase)) return stay(joiner);
  return andThen(sayWhatToType(joiner), (next) => layTheGround(next, nowMs));
}

/** The tailnet lists all of the same person's; the LAN never does, and a person's wish may be anywhere. */
function haveAllAnswered({ candidates, tailnet, wish, self }: Here, { answered = [] }: Looking): boolean {
  const others = candidates.filter((each) => !self.addresses.includes(each));
  return tailnet === "running" && wish === undefined && others.length > 0 && others.every((each) => answered.includes(each));
}

/** Nobody knows yet whether there is a house: neither an answer came from there, nor that nothing listens. */
function silentOnes({ peers }: Joiner, { online = [], self }: Here, { answered = [] }: Looking): readonly Address[] {
  const heard = new Set([...answered, ...self.addresses]);
  for (const { address, sender } of peers.values()) for (const each of [address, ...sender.addresses]) heard.add(each);
  return online.filter((each) => !heard.has(each));
}

function layTheGround(joiner: Joiner, nowMs: number): Stepped {
  return enter(joiner, { kind: "laying the ground", sinceMs: nowMs }, [{ kind: "found" }]);
}

function whoAnswers(joiner: Joiner, wish: NonNullable<Here["wish"]>): string {
  const other = [...joiner.peers.values()].find(
    (peer) => peer.sender.house !== undefined && isWished(peer, wish) && !isChosen(peer, joiner),
  );
  if (other === undefined) return `Nobody of the house to join answers${atAny(wish.addresses)}; still asking.`;
  const at = wish.addresses.join(" ");
  return `Another house answers at ${at} now, that of ${other.sender.name}; this node goes on asking for the one before. To join the other one: fossora join ${at}`;
}

function atAny(addresses: readonly Address[]): string {
  return addresses.length === 0 ? "" : ` at ${addresses.join(" or ")}`;
}

function firstAhead({ peers }: Joiner, here: Here): Peer | undefined {
  return [...peers.values()].filter((peer) => isAhead(peer, here)).sort((a, b) => (a.sender.nodeId < b.sender.nodeId ? -1 : 1))[0];
}

/** Only who needs no person to be trusted is waited for, and may found: anybody else could keep a house from being founded. */
function isAhead({ sender, trust, foundsAtMs, mayFoundAtMs }: Peer, { self, nowMs }: Here): boolean {
  if (trust !== "trusted" || sender.house !== undefined) return false;
  const isLately = (atMs: number | undefined): boolean => atMs !== undefined && nowMs - atMs < PEER_SILENT_MS;
  return isLately(foundsAtMs) || (sender.nodeId < self.nodeId && (sender.foundsNone !== true || isLately(mayFoundAtMs)));
}

function sayWhatToType(joiner: Joiner): Stepped {
  const seen = [...joiner.peers.values()].find(({ sender, trust }) => sender.house !== undefined && trust === "needs approval");
  if (seen === undefined) return stay(joiner);
  return say(joiner, joinInstead(seen.sender.name));
}

/** For whoever has, or is about to have, a house of its own beside another one. */
export function joinInstead(name: string): string {
  return `A house is here already, that of ${name}; this node has its own. To join that one: fossora join ${name}`;
}

function contactsOf({ address, members }: Peer): readonly Address[] {
  return [...new Set([address, ...members])];
}
