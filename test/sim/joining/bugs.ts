// Known bugs of the way into a house, each planted in one part: the simulator is worth something only if it finds them all.
import type { StewardStep } from "../../../src/joining/admission.ts";
import type { HouseView } from "../../../src/joining/house-view.ts";
import type { Here, Joiner } from "../../../src/joining/joiner-state.ts";
import { headOf } from "../../../src/joining/queue.ts";
import { realParts, type Parts } from "./parts.ts";

export interface Bug {
  readonly name: string;
  readonly parts: Partial<Parts>;
  /** What the simulator says of it. */
  readonly finds: RegExp;
}

const STUCK = /not one house|never comes to rest/;

/** The agent beside the leader sees something else than what is. */
const seeing = (change: (view: HouseView) => HouseView): Partial<Parts> => ({
  planSteward: (view, memory) => realParts.planSteward(change(view), memory),
});

/** It does something else than what was planned. */
const doing = (change: (step: StewardStep, view: HouseView) => StewardStep | undefined): Partial<Parts> => ({
  planSteward: (view, memory) => {
    const step = realParts.planSteward(view, memory);
    return step && change(step, view);
  },
});

/** The node on its way knows something else than what it was told. */
const knowing = (change: (joiner: Joiner, here: Here) => readonly [Joiner, Here]): Partial<Parts> => ({
  step: (joiner, event, here) => {
    const [changed, where] = change(joiner, here);
    return realParts.step(changed, event, where);
  },
});

const everybodyIsAlive = seeing((view) => ({
  ...view,
  health: new Map(view.members.map(({ id }) => [id, { answeringSinceMs: view.leadsSinceMs, answeredAtMs: view.nowMs }])),
}));

const unstartedAreOverlooked = seeing((view) => ({ ...view, members: view.members.filter(({ name }) => name !== "") }));

const neverRemovesTheUnstarted = doing((step) =>
  step.kind === "remove" && /never started|nobody is being admitted/.test(step.why) ? undefined : step,
);

const removesTheLeader = doing((step, view) =>
  step.kind === "move-leader" && /enough|better voter/.test(step.why)
    ? { kind: "remove", memberId: view.leaderMemberId, why: step.why }
    : step,
);

const updatesLearners = doing((step, view) => {
  if (step.kind !== "remove" || !/another address/.test(step.why)) return step;
  const member = view.members.find(({ id }) => id === step.memberId);
  const node = member && [...view.roster.values()].find(({ request }) => request.memberName === member.name);
  return node === undefined ? step : { kind: "update", memberId: step.memberId, peerUrl: node.request.peerUrl, why: step.why };
});

const ignoresMoves = doing((step) => (step.kind === "update" ? undefined : step));

const keepsTheRemoved = doing((step) => ("why" in step && /no longer belongs|being admitted as this/.test(step.why) ? undefined : step));

const admitsTwoAtOnce: Partial<Parts> = {
  planSteward: (view, memory) => {
    const next = headOf(view.entries.filter(({ value }) => value.nodeId !== view.active?.value.nodeId));
    const isFree = next !== undefined && !view.members.some(({ peerUrl }) => peerUrl === next.value.request.peerUrl);
    if (view.active?.value.step === "added" && isFree) return { kind: "add-learner", peerUrl: next.value.request.peerUrl };
    return realParts.planSteward(view, memory);
  },
};

const foundsAtOnce = knowing((joiner, here) => [joiner.phase.kind === "looking" ? { ...joiner, peers: new Map() } : joiner, here]);

const waitsForEver = knowing((joiner, here) => {
  const { phase } = joiner;
  return [phase.kind === "asking" ? { ...joiner, phase: { ...phase, heardAtMs: here.nowMs } } : joiner, here];
});

const givesUpWithObjects = knowing((joiner, here) => {
  const { house } = here.self;
  return [joiner, house === undefined ? here : { ...here, self: { ...here.self, house: { ...house, nodes: 1, hasObjects: false } } }];
});

const staysWhenRemoved: Partial<Parts> = {
  step: (joiner, event, here) =>
    event.kind === "etcd-ended" && event.reason === "removed" && joiner.phase.kind === "member"
      ? { joiner, effects: [] }
      : realParts.step(joiner, event, here),
};

const namesOldMembers: Partial<Parts> = {
  admit: (view) => {
    const made = realParts.admit(view);
    return made && { ...made, admission: { ...made.admission, initialCluster: made.admission.initialCluster.slice(0, 2) } };
  },
};

const letsAnybodyIn: Partial<Parts> = { openDoor: (view, join) => realParts.openDoor(view, join, "trusted") };

const callsNobody: Partial<Parts> = {
  broadcast: (view, from) => {
    const made = realParts.broadcast(view, from);
    const { head: _, ...message } = made.message;
    return view.active === undefined ? { ...made, message } : made;
  },
};

const forgetsTheFormerSelf = seeing((view) => ({
  ...view,
  entries: view.entries.map((entry) => ({ ...entry, value: { ...entry.value, byItself: false } })),
}));

const readsNoEpoch: Partial<Parts> = {
  step: (joiner, event, here) => {
    const { phase } = joiner;
    const house = event.kind === "heard" ? event.message.from.house : undefined;
    if (event.kind !== "heard" || phase.kind !== "member" || house?.id !== phase.membership.houseId)
      return realParts.step(joiner, event, here);
    const { clusterId: _, ...rest } = house;
    const from = { ...event.message.from, house: { ...rest, epoch: phase.membership.epoch } };
    return realParts.step(joiner, { ...event, message: { ...event.message, from } }, here);
  },
};

const staysWhereVotersWere: Partial<Parts> = { heardVoters: () => [] };

export const bugs: readonly Bug[] = [
  { name: "adds voters", parts: { addsVoters: true }, finds: /lost the quorum/ },
  { name: "promotes learners without asking whether they live", parts: everybodyIsAlive, finds: /not alive was promoted|lost the quorum/ },
  { name: "does not adopt what the leader before had added", parts: unstartedAreOverlooked, finds: STUCK },
  { name: "never removes what never starts", parts: neverRemovesTheUnstarted, finds: /not one house|admissions are under way/ },
  { name: "removes the leader without a hand-over", parts: removesTheLeader, finds: /leader was removed/ },
  { name: "updates learners", parts: updatesLearners, finds: /learner was updated/ },
  { name: "leaves a voter at its old address", parts: ignoresMoves, finds: STUCK },
  { name: "looks for voters only where they were", parts: staysWhereVotersWere, finds: STUCK },
  { name: "admits two at once", parts: admitsTwoAtOnce, finds: /admissions are under way/ },
  { name: "founds without looking round", parts: foundsAtOnce, finds: /founds a second house/ },
  { name: "waits for ever for a broadcast", parts: waitsForEver, finds: STUCK },
  { name: "gives up a house that is not empty", parts: givesUpWithObjects, finds: /gives up a house/ },
  { name: "stays when it was removed", parts: staysWhenRemoved, finds: STUCK },
  { name: "names the members of the day before yesterday", parts: namesOldMembers, finds: STUCK },
  { name: "lets anybody in", parts: letsAnybodyIn, finds: /stranger is being admitted/ },
  { name: "names nobody in its broadcasts", parts: callsNobody, finds: STUCK },
  { name: "does not recognise a reinstalled machine", parts: forgetsTheFormerSelf, finds: STUCK },
  { name: "keeps whom a person removed", parts: keepsTheRemoved, finds: STUCK },
  { name: "does not read the epoch", parts: readsNoEpoch, finds: /after it met a higher one/ },
  { name: "takes a reboot for a death", parts: seeing((view) => ({ ...view, replaceAfterMs: 5_000 })), finds: /lost its vote after/ },
];
