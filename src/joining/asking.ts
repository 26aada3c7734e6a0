// A fresh node asks a house to be let in, waits for its turn, and starts as what it was admitted as. Pure.
import {
  enter,
  say,
  startOver,
  stay,
  andThen,
  type Here,
  type Joiner,
  type JoinerEffect,
  type JoinerEvent,
  type Membership,
  type Phase,
  type Stepped,
  type Wanted,
} from "./joiner-state.ts";
import {
  PROTOCOL,
  type Address,
  type Admitted,
  type HouseState,
  type JoinAnswer,
  type Message,
  type NodeId,
  type RequestAdmission,
} from "./messages.ts";

/** Reset by every broadcast, for whomever, also while a person is waited for: when it runs out, this node starts over. */
const BROADCAST_MAX_MS = 30_000;
const ASK_EVERY_MS = 2_000;
/** Queued, but the queue is silent: the request may be lost with whoever took it. */
const ASK_AGAIN_MS = 5_000;
/** Somebody answers in the tailnet by then, or nobody there takes this node for one of the house. */
const TAILNET_ANSWER_MS = 10_000;
/** A joiner waits 7 s for each member that accepts connections and does not answer. */
const STARTING_MAX_MS = 25_000;
const CONTACTS_MAX = 64;

type Asking = Extract<Phase, { kind: "asking" }>;
type Starting = Extract<Phase, { kind: "starting" }>;

interface Found {
  readonly state: HouseState;
  readonly contacts: readonly Address[];
}

export function beginAsking(joiner: Joiner, here: Here, { state, contacts }: Found): Stepped {
  const house: Wanted = { id: state.id, epoch: state.epoch, contacts: contacts.slice(0, CONTACTS_MAX), term: 0 };
  return ask(joiner, here, { kind: "asking", house, askedAtMs: here.nowMs, heardAtMs: here.nowMs });
}

export function tickAsking(joiner: Joiner, here: Here, phase: Asking): Stepped {
  const { nowMs } = here;
  if (nowMs - phase.heardAtMs >= BROADCAST_MAX_MS) return startOver(joiner, nowMs);
  const everyMs = phase.verdict === undefined ? ASK_EVERY_MS : ASK_AGAIN_MS;
  if (nowMs - phase.askedAtMs < everyMs) return stay(joiner);
  if (phase.verdict === "queued" && nowMs - phase.heardAtMs < ASK_AGAIN_MS) return stay(joiner);
  const { contacts } = phase.house;
  return ask(joiner, here, { ...phase, house: { ...phase.house, contacts: [...contacts.slice(1), ...contacts.slice(0, 1)] } });
}

export function tickStarting(joiner: Joiner, here: Here, phase: Starting): Stepped {
  return here.nowMs - phase.sinceMs < STARTING_MAX_MS ? stay(joiner) : askAgain(joiner, here, phase);
}

/** What the house says to one who asks. */
export function hearAsking(joiner: Joiner, here: Here, phase: Asking, message: Message): Stepped {
  if (message.from.house?.id !== phase.house.id) return stay(joiner);
  switch (message.kind) {
    case "join-answer":
      return hearAnswer(joiner, here, phase, message);
    case "request-admission":
      return hearBroadcast(joiner, here, phase, message);
    case "admitted":
      return hearAdmitted(joiner, here, phase.house, message);
    default:
      return stay(joiner);
  }
}

/** Its etcd runs: with the right ids it is a member; with others it was absorbed elsewhere, or is too late. */
export function hearEtcd(
  joiner: Joiner,
  here: Here,
  phase: Starting,
  event: Extract<JoinerEvent, { kind: "etcd-runs" | "etcd-ended" }>,
): Stepped {
  const { admission, house, leader } = phase;
  if (event.kind === "etcd-ended" || event.clusterId !== admission.clusterId || event.memberId !== admission.memberId)
    return askAgain(joiner, here, phase);
  return become(joiner, here, { houseId: house.id, epoch: house.epoch, clusterId: event.clusterId, memberId: event.memberId }, leader);
}

export function hearAdmitted(joiner: Joiner, here: Here, wanted: Wanted, { admission, credentials, from }: Admitted): Stepped {
  const epoch = from.house?.epoch ?? 0;
  if (admission.nodeId !== here.self.nodeId || epoch < wanted.epoch) return stay(joiner);
  const house = { ...wanted, epoch };
  const start: JoinerEffect = { kind: "start", admission, credentials };
  if (admission.role === "learner")
    return enter(joiner, { kind: "starting", house, admission, sinceMs: here.nowMs, leader: from.addresses }, [{ kind: "archive" }, start]);
  const membership = { houseId: house.id, epoch: house.epoch, clusterId: admission.clusterId };
  const stepped = become(joiner, here, membership, from.addresses);
  return { joiner: stepped.joiner, effects: [{ kind: "archive" }, start, ...stepped.effects] };
}

export function startedMessage(here: Here, { clusterId, memberId }: Membership): Message {
  return { protocol: PROTOCOL, kind: "started", from: here.self, clusterId, ...(memberId !== undefined && { memberId }) };
}

export function presentMessage({ self, request, wall }: Here, dataDirEmpty: boolean): Message {
  return { protocol: PROTOCOL, kind: "present", from: self, request, dataDirEmpty, wall };
}

function ask(joiner: Joiner, here: Here, phase: Asking): Stepped {
  const { self, request, wish, nowMs } = here;
  const message: Message = {
    protocol: PROTOCOL,
    kind: "join",
    from: self,
    request,
    ...(wish?.proof !== undefined && { proof: wish.proof }),
  };
  const [contact] = phase.house.contacts;
  return enter(joiner, { ...phase, askedAtMs: nowMs }, contact === undefined ? [] : [{ kind: "send", to: [contact], message }]);
}

function hearAnswer(joiner: Joiner, here: Here, phase: Asking, { verdict, reason, members, from }: JoinAnswer): Stepped {
  const house = { ...phase.house, contacts: withContacts(phase.house.contacts, members) };
  if (verdict === "try another") return enter(joiner, { ...phase, house });
  if (verdict === "waits for approval" && isKnownElsewhere(joiner, here, phase, from.nodeId)) return enter(joiner, { ...phase, house });
  const heardAtMs = phase.verdict === undefined ? here.nowMs : phase.heardAtMs;
  const next = enter(joiner, { ...phase, house, verdict, heardAtMs });
  if (verdict === "queued") return next;
  const text =
    verdict === "refused"
      ? `The house of ${from.name} does not let this node in: ${reason}.`
      : `The house of ${from.name} waits for a person: type \`fossora node approve ${here.self.name}\` there.`;
  // Of several that are asked in turn each says the same.
  return andThen(next, (asked) => say(asked, text, verdict === "refused" ? text : verdict));
}

/** One that was asked on the LAN cannot tell whose this node is; in the tailnet the house knows it, or will in a moment. */
function isKnownElsewhere({ peers }: Joiner, { nowMs }: Here, { verdict, heardAtMs }: Asking, nodeId: NodeId): boolean {
  if (verdict === "queued") return true;
  return verdict === undefined && peers.get(nodeId)?.trust === "trusted" && nowMs - heardAtMs < TAILNET_ANSWER_MS;
}

function hearBroadcast(joiner: Joiner, here: Here, phase: Asking, { term, head, members, from }: RequestAdmission): Stepped {
  const { house } = phase;
  const epoch = from.house?.epoch ?? 0;
  // A leader that was replaced and does not know it yet; a take-over begins to count terms anew.
  if (epoch < house.epoch || (epoch === house.epoch && term < house.term)) return stay(joiner);
  const contacts = withContacts(house.contacts, members);
  // It says nothing of this node's own request: the broadcast may be for an entry of its former self.
  const next: Asking = { ...phase, house: { ...house, contacts, term, epoch }, heardAtMs: here.nowMs };
  if (head !== here.self.nodeId) return enter(joiner, next);
  return enter(joiner, next, [{ kind: "send", to: from.addresses, message: presentMessage(here, true) }]);
}

function become(joiner: Joiner, here: Here, membership: Membership, leader: readonly Address[]): Stepped {
  return enter(joiner, { kind: "member", membership }, [
    { kind: "keep", membership },
    { kind: "send", to: leader, message: startedMessage(here, membership) },
  ]);
}

/** The admission came to nothing; the house knows that this node wants in. */
function askAgain(joiner: Joiner, here: Here, { house }: Starting): Stepped {
  const { nowMs } = here;
  return enter(joiner, { kind: "asking", house, askedAtMs: nowMs, heardAtMs: nowMs, verdict: "queued" }, [{ kind: "archive" }]);
}

/** Those known first, for one of them may be the one that works. */
function withContacts(known: readonly Address[], more: readonly Address[]): readonly Address[] {
  return [...new Set([...known, ...more])].slice(0, CONTACTS_MAX);
}
