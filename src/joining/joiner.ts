// A node's way into a house as a state machine: events and the clock in, messages and deeds out. Pure.
import { hearAdmitted, hearAsking, hearEtcd, presentMessage, startedMessage, tickAsking, tickStarting } from "./asking.ts";
import type { Ms } from "./house-view.ts";
import {
  enter,
  say,
  startOver,
  stay,
  andThen,
  type Here,
  type Joiner,
  type Left,
  type JoinerEffect,
  type JoinerEvent,
  type Membership,
  type Stepped,
} from "./joiner-state.ts";
import { forgetSilent, hadAnswer, joinInstead, look, sayHello, senderOf } from "./looking.ts";
import { PROTOCOL, type Address, type HouseState, type Message, type Sender, type Trust } from "./messages.ts";
import { isEmpty, meet } from "./two-houses.ts";

/** A member asks, too, whether there is another house. */
const MEMBER_HELLO_MS = 15_000;
/** So long the store must have been silent before its voters' leaving counts. */
const DESERTED_MS = 30_000;
/** Until it has read its house's state, a node takes it for one that must not be given up. */
const UNKNOWN_NODES = 2;
const PEERS_MAX = 256;
/** Of one computer: more than anybody types. */
const ANSWERED_AT_MAX = 32;

type Heard = Extract<JoinerEvent, { kind: "heard" }>;

/** `kept` is what the disk says: with it this node is a member from the start. So is `left`, of a node that is none. */
export function newJoiner(nowMs: Ms, kept?: Membership, left?: Left): Joiner {
  return {
    phase: kept === undefined ? { kind: "looking", sinceMs: nowMs } : { kind: "member", membership: kept },
    peers: new Map(),
    said: [],
    bornAtMs: nowMs,
    ...(left !== undefined && { left }),
  };
}

export function step(before: Joiner, event: JoinerEvent, given: Here): Stepped {
  const here = asItIs(before, given);
  const joiner = here.wish === undefined || event.kind === "wished" ? withoutChoice(before) : before;
  switch (event.kind) {
    case "tick":
      return tick(joiner, here);
    case "heard":
      return event.message.from.nodeId === here.self.nodeId ? stay(joiner) : hear(learn(joiner, here, event), here, event);
    case "nobody there":
      return look(hadAnswer(joiner, event.address), here);
    case "wished":
      return ["looking", "founding", "asking"].includes(joiner.phase.kind) ? startOver({ ...joiner, said: [] }, here.nowMs) : stay(joiner);
    case "told to leave": {
      if (joiner.phase.kind === "laying the ground") return stay(joiner);
      // Which house it joins next is that person's affair, too.
      const { left, ...rest } = joiner;
      const told = stay({ ...rest, said: [] }, left === undefined ? [] : [{ kind: "remember" }]);
      return andThen(told, (next) => leave(next, here));
    }
    case "was removed":
      return joiner.phase.kind === "member" ? leaveRemoved(joiner, here) : stay(joiner);
    case "founded": {
      const { house, clusterId, memberId } = event;
      const membership = { houseId: house.id, epoch: house.epoch, clusterId, memberId };
      const next = enter(joiner, { kind: "member", membership }, [{ kind: "keep", membership }]);
      // Whoever waits for it need not ask.
      return andThen(next, (founded) => sayHello(founded, { ...here, self: { ...here.self, house } }, 0));
    }
    case "etcd-runs":
    case "etcd-ended":
      return hearOfEtcd(joiner, here, event);
  }
}

/** What was asked for one wish says nothing about the next. */
function withoutChoice(joiner: Joiner): Joiner {
  const { chosen, ...rest } = joiner;
  return chosen === undefined ? joiner : rest;
}

/** A member speaks as one from its first moment, whether it knows more of its house or not; nobody else does. */
function asItIs({ phase }: Joiner, here: Here): Here {
  const { house, ...self } = here.self;
  if (phase.kind !== "member") return house === undefined ? here : freshHere(here);
  const { houseId, epoch, clusterId } = phase.membership;
  if (house?.id === houseId && house.epoch === epoch) return here;
  const unknown: HouseState = { id: houseId, epoch, clusterId, nodes: UNKNOWN_NODES, hasObjects: true, joining: "auto" };
  return { ...here, self: { ...self, house: unknown }, houseIsFresh: false, houseIsUnseen: true };
}

function tick(joiner: Joiner, here: Here): Stepped {
  const remembering = forgetSilent(joiner, here);
  const { phase } = remembering;
  switch (phase.kind) {
    case "looking":
    case "founding":
      return andThen(sayHello(remembering, here), (next) => look(next, here));
    case "laying the ground":
      return sayHello(remembering, here);
    case "asking":
      return tickAsking(remembering, here, phase);
    case "starting":
      return tickStarting(remembering, here, phase);
    case "member":
      return andThen(leaveDeserted(remembering, here), (left) =>
        andThen(giveUpForWish(left, here), (next) => sayHello(next, here, MEMBER_HELLO_MS)),
      );
  }
}

function hear(joiner: Joiner, here: Here, event: Heard): Stepped {
  const { message, from, trust } = event;
  const answered = message.kind === "hello" && trust !== "refused" ? stay(joiner, [answer(joiner, here, from)]) : stay(joiner);
  if (trust === "refused") return answered;
  return andThen(answered, (next) => {
    const { phase } = next;
    switch (phase.kind) {
      case "looking":
      case "founding":
        return look(message.kind === "hello-answer" ? hadAnswer(next, from) : next, here);
      case "asking":
        // Whoever is not known to speak for the house can neither admit nor keep waiting.
        if (trust !== "trusted" && message.kind !== "join-answer") return stay(next);
        return hearAsking(next, here, phase, message);
      case "member":
        return hearAsMember(next, here, phase.membership, { message, trust });
      case "laying the ground":
      case "starting":
        return stay(next);
    }
  });
}

function answer(joiner: Joiner, here: Here, to: Address): JoinerEffect {
  const message: Message = { protocol: PROTOCOL, kind: "hello-answer", from: senderOf(joiner, here), members: here.members };
  return { kind: "send", to: [to], message };
}

function hearOfEtcd(joiner: Joiner, here: Here, event: Extract<JoinerEvent, { kind: "etcd-runs" | "etcd-ended" }>): Stepped {
  const { phase } = joiner;
  if (phase.kind === "starting") return hearEtcd(joiner, here, phase, event);
  if (phase.kind !== "member") return stay(joiner);
  const { clusterId, memberId } = phase.membership;
  const foreign = event.kind === "etcd-runs" && (event.clusterId !== clusterId || event.memberId !== memberId);
  // The agent's supervision restarts one that merely failed.
  if (!foreign && (event.kind === "etcd-runs" || event.reason === "failed")) return stay(joiner);
  return leave(joiner, here);
}

function hearAsMember(
  joiner: Joiner,
  here: Here,
  membership: Membership,
  { message, trust }: { readonly message: Message; readonly trust: Trust },
): Stepped {
  const ours = here.self.house;
  const theirs = message.from.house;
  if (ours === undefined || theirs === undefined) return stay(joiner);
  switch (meet(ours, theirs)) {
    case "same":
      if (trust !== "trusted") return stay(joiner);
      return hearFromOurs(joiner, here, membership, message);
    case "ours is older":
      if (trust !== "trusted") return stay(joiner);
      return leaveFor({ ...joiner, left: { id: theirs.id, epoch: theirs.epoch } }, here, {
        peer: message.from,
        why: "The house has been taken over since this node was last here; it sets its data aside and joins again.",
      });
    case "give up":
      if (trust === "needs approval") return say(joiner, joinInstead(message.from.name));
      if (!here.houseIsFresh) return stay(joiner);
      return leaveFor(joiner, here, {
        peer: message.from,
        why: `This node's house is empty; it is set aside, and the node joins that of ${message.from.name}.`,
      });
    case "they give up":
      return stay(joiner);
    case "stay apart":
      return say(
        joiner,
        `There are two houses, this one and that of ${message.from.name}; they are never merged. To join one, type on a computer of the other: fossora leave`,
        theirs.id,
      );
  }
}

function hearFromOurs(joiner: Joiner, here: Here, membership: Membership, message: Message): Stepped {
  const to = message.from.addresses;
  const started: JoinerEffect = { kind: "send", to, message: startedMessage(here, membership) };
  if (message.kind === "admitted" && message.admission.nodeId === here.self.nodeId) {
    if (message.admission.role === "worker" || membership.memberId !== undefined) return stay(joiner, [started]);
    const house = { id: membership.houseId, epoch: membership.epoch, contacts: here.members, term: 0 };
    return hearAdmitted(joiner, here, house, message);
  }
  if (message.kind !== "request-admission" || message.head !== here.self.nodeId) return stay(joiner);
  if (membership.memberId !== undefined) return stay(joiner, [started]);
  // A worker may be called as the next standby.
  return stay(joiner, [started, { kind: "send", to, message: presentMessage(here, true) }]);
}

/**
 * The house's founder gave it up for another while this node was joining, or its voters were all set up anew: it will never answer again.
 * A house with objects is a person's to give up; of one that it never saw this node has nothing to keep.
 */
function leaveDeserted(joiner: Joiner, here: Here): Stepped {
  const { self, voters, houseIsFresh, houseIsUnseen, nowMs } = here;
  const { withoutStoreSinceMs, ...rest } = joiner;
  const { house } = self;
  if (joiner.phase.kind !== "member" || house === undefined || houseIsFresh) return stay(rest);
  const sinceMs = withoutStoreSinceMs ?? nowMs;
  const waiting = { ...rest, withoutStoreSinceMs: sinceMs };
  const left = voters.filter((nodeId) => {
    const peer = joiner.peers.get(nodeId);
    return peer !== undefined && peer.trust === "trusted" && peer.sender.house?.id !== house.id;
  });
  // All of them: the list may be older than a vote that moved on.
  if (nowMs - sinceMs < DESERTED_MS || left.length === 0 || left.length < voters.length) return stay(waiting);
  if (!house.hasObjects || houseIsUnseen === true)
    return andThen(say(waiting, "Nobody else belongs to this node's house any more; it is set aside."), (told) => leave(told, here));
  return say(waiting, "The computers that kept this house's state belong to it no more. To go on from this node's copy: fossora takeover");
}

/** `fossora join` in a house of one without objects. */
function giveUpForWish(joiner: Joiner, here: Here): Stepped {
  const { wish, self } = here;
  if (joiner.phase.kind !== "member" || wish === undefined || self.house === undefined) return stay(joiner);
  const joined = [...joiner.peers.values()].find(
    ({ address, sender }) => sender.house?.id === self.house?.id && wish.addresses.includes(address),
  );
  if (joined !== undefined) return stay(joiner);
  if (!here.houseIsFresh) return stay(joiner);
  if (isEmpty(self.house)) return leave(joiner, here);
  const text = `Cannot join${wish.addresses.length === 0 ? "" : ` ${wish.addresses.join(" or ")}`}: this computer belongs to a house with apps or other computers, and two houses are never merged. First: fossora leave`;
  return say(joiner, text);
}

/** It asks the other house at once, without looking round again. */
function leaveFor(joiner: Joiner, here: Here, { peer, why }: { readonly peer: Sender; readonly why: string }): Stepped {
  const known = joiner.peers.get(peer.nodeId);
  return andThen(say(joiner, why), (told) =>
    andThen(leave(told, here), (fresh) =>
      look(known === undefined ? fresh : { ...fresh, peers: new Map([[peer.nodeId, known]]) }, freshHere(here)),
    ),
  );
}

/** Whatever the power does from now on, it waits for that house no more. */
function leaveRemoved(joiner: Joiner, here: Here): Stepped {
  const told = say(joiner, "This computer was removed from its house; what it ran there ends here.");
  return andThen(told, (next) => andThen(stay(next, [{ kind: "count out" }]), (out) => leave(out, here)));
}

/** The edge says so from the next event on. */
function freshHere(here: Here): Here {
  const { house: _, ...self } = here.self;
  return { ...here, self, members: [], houseIsFresh: false };
}

/** The data is set aside, and the node is as fresh as on its first day, but for its key. */
function leave(joiner: Joiner, { nowMs }: Here): Stepped {
  const remembered = joiner.left === undefined ? [] : [{ kind: "remember", left: joiner.left } as const];
  return startOver(joiner, nowMs, [...remembered, { kind: "archive" }, { kind: "forget" }]);
}

/** When there is no room, one that a person would have to trust goes for one that is trusted. */
function learn(joiner: Joiner, { nowMs }: Here, { message, from, trust }: Heard): Joiner {
  const { nodeId } = message.from;
  if (trust === "refused") return joiner;
  const known = joiner.peers.get(nodeId);
  // The key is the node: what proved whose it is in the tailnet holds for what it says on the LAN.
  const proven = known?.trust === "trusted" && trust !== "trusted" ? known : { address: from, trust };
  const peers = new Map(joiner.peers);
  if (peers.size >= PEERS_MAX && !peers.has(nodeId)) {
    const [oldest] = [...peers].find((peer) => peer[1].trust !== "trusted") ?? [];
    if (trust !== "trusted" || oldest === undefined) return joiner;
    peers.delete(oldest);
  }
  const isAnswer = message.kind === "hello-answer";
  const members = isAnswer ? message.members : (known?.members ?? []);
  const answeredAt = isAnswer ? [...new Set([from, ...(known?.answeredAt ?? [])])].slice(0, ANSWERED_AT_MAX) : known?.answeredAt;
  const foundsAtMs = message.from.founding === "founds" ? nowMs : known?.foundsAtMs;
  const mayFoundAtMs = message.from.foundsNone === true ? known?.mayFoundAtMs : nowMs;
  const peer = { sender: message.from, address: proven.address, members, trust: proven.trust, seenAtMs: nowMs };
  peers.set(nodeId, {
    ...peer,
    ...(answeredAt !== undefined && { answeredAt }),
    ...(foundsAtMs !== undefined && { foundsAtMs }),
    ...(mayFoundAtMs !== undefined && { mayFoundAtMs }),
  });
  return { ...joiner, peers };
}
