// Known bugs, each planted in one part of a node: the simulator is worth something only if it finds them all.
import { houseController } from "../../controllers/house/controller.ts";
import { membershipController } from "../../controllers/membership/controller.ts";
import { serviceController } from "../../controllers/service/controller.ts";
import { plan } from "../../controllers/service/plan.ts";
import { OutcomeUnknown, StoreUnavailable } from "../../src/api/errors.ts";
import { keys } from "../../src/api/keys.ts";
import { API_VERSION, type Kind, type Name, type NodeName, type Resource } from "../../src/api/resource.ts";
import type { DecidedMembership, ObservedInstance } from "../../src/api/state.ts";
import type { Seen } from "../../src/engine/contract.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import type { Container } from "../../src/container-ports.ts";
import type { Entry, WatchBatch } from "../../src/ports.ts";
import { inControllers, inDocker, inMirror, inNodes, inStore, inUpdate, routeController } from "./planting.ts";
import type { Wiring } from "./wiring.ts";

export interface Bug {
  readonly name: string;
  readonly wiring: Partial<Wiring>;
  /** What the simulator says of it. */
  readonly finds: RegExp;
  /** The seed that found it when it was last looked for, where that is not one of the first: it is lived first. */
  readonly seed?: number;
}

// ---------------------------------------------------------------- the store and the mirror

const decidesWithoutComparing = inStore((store) => ({
  commit: ({ writes }, signal) => store.commit({ compare: [], writes }, signal),
}));

/** A write without an answer is sent again, without asking whether it took effect. */
const repeatsBlindly = inStore((store) => ({
  commit: async (transaction, signal) => {
    try {
      return await store.commit(transaction, signal);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      return store.commit({ compare: [], writes: transaction.writes }, signal);
    }
  },
}));

const takesUnreachableForEmpty = inStore((store) => ({
  list: async (prefix, signal) => {
    try {
      return await store.list(prefix, signal);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { entries: [HOUSE], revision: 1, clusterId: "c1" };
    }
  },
}));

const HOUSE: Entry = {
  key: keys.desired("House", "house"),
  value: JSON.stringify({
    apiVersion: API_VERSION,
    kind: "House",
    metadata: { name: "house", uid: "u", creationTimestamp: "" },
    spec: { zone: "home.internal", joining: "auto" },
  }),
  version: 1,
  createRevision: 1,
  modRevision: 1,
};

const readsOnePage = inStore((store) => ({
  list: async (prefix, signal) => {
    const listing = await store.list(prefix, signal);
    return { ...listing, entries: listing.entries.slice(0, 12) };
  },
}));

const watching = (change: (batches: AsyncIterable<WatchBatch>) => AsyncIterable<WatchBatch>): Partial<Wiring> =>
  inStore((store) => ({ watch: (prefix, fromRevision, signal) => change(store.watch(prefix, fromRevision, signal)) }));

/** After a gap it goes on from the newest revision instead of the last one that was delivered. */
const resumesFromTheHeader = watching(async function* (batches) {
  for await (const batch of batches) yield batch.events.length > 3 ? { ...batch, events: [] } : batch;
});

const losesDeletes = watching(async function* (batches) {
  for await (const batch of batches) yield { ...batch, events: batch.events.filter(({ type }) => type === "put") };
});

class FreshBeforeTheFirstList extends StoreMirror {
  override get fresh(): boolean {
    return true;
  }
}

class NobodyIsDown extends StoreMirror {
  override decided<T>(kind: Kind, name: Name): Seen<T> | undefined {
    const seen = super.decided<T>(kind, name);
    if (kind !== "Membership" || seen === undefined) return seen;
    return { ...seen, value: { ...seen.value, state: "Up" satisfies DecidedMembership["state"] } };
  }
}

class NobodyIsCordoned extends StoreMirror {
  override desired<K extends Kind>(kind: K, name: Name): Resource<K> | undefined {
    const resource = super.desired(kind, name);
    return kind === "Membership" && resource ? { ...resource, spec: { ...resource.spec, schedulable: true } } : resource;
  }
}

class CountsTheDead extends StoreMirror {
  override observed<T>(kind: Kind, name: Name): ReadonlyMap<NodeName, Seen<T>> {
    const found = new Map<NodeName, Seen<T>>();
    for (const { metadata } of this.all("Membership")) {
      const seen = this.written<T>(kind, name, metadata.name);
      if (seen) found.set(metadata.name, seen);
    }
    return found;
  }
}

// ---------------------------------------------------------------- Docker and the controllers

/** A container of nobody's whose name looks like a Service's is taken for ours. */
const adoptsByName = inDocker((containers) => ({
  list: async (service, signal) => {
    const found = await containers.list(service, signal);
    const stranger: Container = {
      id: "portainer",
      name: "portainer",
      service: service ?? "portainer",
      instance: "xxxx",
      container: "portainer",
      specHash: "",
      state: "running",
      health: "none",
      exitCode: 0,
      outOfMemory: false,
      restarts: 0,
      imageId: "",
      restartPolicy: "no",
      published: {},
    };
    return [...found, stranger];
  },
}));

const leavesDeletedBehind = inControllers({
  service: { plan: (desired, facts, context) => (desired ? plan(desired, facts, context) : { actions: [], conditions: [] }) },
});

const removesWhatFails = inControllers({
  service: {
    plan: (desired, facts, context) =>
      plan(facts.local.containers?.some(({ state }) => state === "restarting") ? undefined : desired, facts, context),
  },
});

const ignoresNodes = inControllers({
  service: { wakes: (change, mirror) => (change.kind === "Service" ? serviceController.wakes(change, mirror) : []) },
});
const writesAtRest = inControllers({
  service: {
    plan: (desired, facts, context) => {
      const planned = plan(desired, facts, context);
      const observed = facts.local.reported?.value;
      if (planned.actions.length > 0 || observed === undefined) return planned;
      return {
        ...planned,
        recheckAfterMs: 60_000,
        actions: context.now % 7 === 0 ? [{ kind: "Report", service: facts.name, node: context.node, observed }] : [],
      };
    },
  },
});
const servesTheDeleted = inControllers({
  route: { plan: (route, facts, context) => (route ? routeController.plan(route, facts, context) : { actions: [], conditions: [] }) },
});
const ignoresEndpoints = inControllers({ route: { wakes: (change) => (change.kind === "Route" ? [change.name] : []) } });
const asksWhereItWas = inControllers({
  house: {
    plan: (house, facts, context) =>
      facts.held === undefined ? houseController.plan(house, facts, context) : { actions: [], conditions: [] },
  },
});
const returnsWithoutStopping = inControllers({
  membership: {
    plan: (membership, facts, context) => membershipController.plan(membership, facts && { ...facts, leftovers: [] }, context),
  },
});

/** It takes a drained node for one that is cordoned. */
const onlyCordons = inNodes((node) => ({ ...node, leaving: undefined, schedulable: node.schedulable && node.leaving === undefined }));

/** What a computer says of its going is nothing to it. */
const ignoresGoing = inNodes(({ leaving, ...node }) => ({ ...node, leaving: leaving === "drained" ? leaving : undefined }));

/** Evens out what is decided whenever another node has less. */
const rebalances = inControllers({
  service: {
    plan: (desired, facts, context) => {
      const planned = plan(desired, facts, context);
      const decided = facts.house.decided;
      const idle = facts.house.nodes.find(
        ({ load, record, downSinceMs, schedulable }) => load.instances === 0 && record && downSinceMs === undefined && schedulable,
      );
      const [first, ...others] = decided?.value.instances ?? [];
      if (desired === undefined || planned.actions.length > 0 || decided === undefined || first === undefined || idle === undefined)
        return planned;
      const moved = { ...first, id: `${first.id.slice(1)}z`, node: idle.name };
      const next = { ...decided.value, instances: [moved, ...others] };
      return {
        ...planned,
        actions: [
          {
            kind: "Decide",
            service: facts.name,
            next,
            over: decided.modRevision,
            desired: Number(desired.metadata.resourceVersion),
            memberships: {},
            countedOut: {},
            placement: { room: {}, revision: 0 },
            newVolumes: [],
          },
        ],
      };
    },
  },
});

const endsNothing: Partial<Wiring> = { ...inDocker(() => ({ kill: async () => {} })), killProcesses: () => () => 0 };

/** What else it runs, too. */
const endsAll = inControllers({
  service: {
    observe: async (name, ports, signal) => {
      const facts = await serviceController.observe(name, ports, signal);
      ports.fence.keep(
        name,
        (facts.local.containers ?? []).map(({ id }) => id),
      );
      return facts;
    },
  },
});

/** As if all had been over for long when a node is declared Down. */
const takesOverAtOnce = inNodes((node) =>
  node.downSinceMs === undefined ? node : { ...node, downSinceMs: -Infinity, goneSinceMs: node.goneSinceMs && -Infinity },
);

/** As if whose lease has run out had been declared Down. */
const takesSilenceForDeath = inNodes((node) => (node.record === undefined ? { ...node, downSinceMs: node.goneSinceMs ?? 0 } : node));

/** It goes on as if nobody had asked for the move. */
const forgetsTheCall = inControllers({
  service: {
    plan: (desired, facts, context) => {
      const { decided } = facts.house;
      const instances = decided?.value.instances.map(({ to: _, ...instance }) => instance) ?? [];
      const house = { ...facts.house, decided: decided && { ...decided, value: { ...decided.value, instances } } };
      return plan(desired, { ...facts, house }, context);
    },
  },
});

const believesOwnEarsAlone: Partial<Wiring> = {
  hear: (sign) => ({ ...sign, heard: sign.heard.map(({ agoMs }) => ({ nodeId: "nobody", agoMs })) }),
};
const asksForNoMajority: Partial<Wiring> = { voters: (self) => [self] };

const startsWithoutPromise = inControllers({
  service: {
    plan: (desired, facts, context) => {
      const told = new Map(
        [...facts.house.told].map(([node, { instances, ...said }]) => [node, { ...said, instances: instances.map(promised) }]),
      );
      return plan(desired, { ...facts, local: { ...facts.local, voters: 1 }, house: { ...facts.house, told } }, context);
    },
  },
});

function promised(instance: ObservedInstance): ObservedInstance {
  return { ...instance, fenced: true };
}

/** Of containers that its engine does not speak of any more it knows nothing. */
const forgetsLastWords = inControllers({
  service: { plan: (desired, facts, context) => plan(desired, { ...facts, local: { ...facts.local, lastHeard: [] } }, context) },
});

/** What is ready by the last word of an engine is as good as any. */
const countsOnLastWords = inControllers({
  service: {
    plan: (desired, facts, context) => {
      const observed = new Map(
        [...facts.house.observed].map(([node, { value, ...seen }]) => [
          node,
          { ...seen, value: { ...value, instances: value.instances.map(heard) } },
        ]),
      );
      return plan(desired, { ...facts, house: { ...facts.house, observed } }, context);
    },
  },
});

function heard(instance: ObservedInstance): ObservedInstance {
  return instance.ready ? { ...instance, conditions: [] } : instance;
}

/** As if there were none of the Services that it comes after. */
const startsOutOfTurn = inControllers({
  service: {
    plan: (desired, facts, context) => plan(desired, { ...facts, house: { ...facts.house, others: new Map() } }, context),
  },
});

const TWICE = /given twice|stays where it was placed|the most it may have/;
const AT_ONCE = /at once/;
const NOT_CONVERGED = /not converged|did not stay converged/;

export const bugs: readonly Bug[] = [
  { name: "decides without comparing what it decided from", wiring: decidesWithoutComparing, finds: TWICE, seed: 2 },
  { name: "sends a write without an answer again, blindly", wiring: repeatsBlindly, finds: TWICE, seed: 31 },
  { name: "takes an unreachable store for an empty one", wiring: takesUnreachableForEmpty, finds: /serves and is decided/, seed: 7 },
  { name: "reads only the first page of a listing", wiring: readsOnePage, finds: /serves and is decided|not converged/, seed: 4 },
  { name: "resumes a watch from the newest revision", wiring: resumesFromTheHeader, finds: NOT_CONVERGED },
  { name: "loses deletes", wiring: losesDeletes, finds: NOT_CONVERGED },
  { name: "plans before the first full list", wiring: inMirror(FreshBeforeTheFirstList), finds: /serves and is decided/, seed: 7 },
  { name: "places on nodes that are Down", wiring: inMirror(NobodyIsDown), finds: /which has been Down/, seed: 2 },
  { name: "places on cordoned nodes", wiring: inMirror(NobodyIsCordoned), finds: /which has been cordoned/, seed: 19 },
  { name: "leaves on a drained node what others could run", wiring: onlyCordons, finds: /which is drained/, seed: 2 },
  { name: "believes what a dead node observed", wiring: inMirror(CountsTheDead), finds: /still leads/, seed: 9 },
  { name: "adopts containers by name", wiring: adoptsByName, finds: /not ours/ },
  { name: "forgets the surge", wiring: inUpdate({ parallel: 5 }), finds: /the most it may have/, seed: 6 },
  {
    name: "stops first although it should start first",
    wiring: inUpdate({ order: "stop-first" }),
    finds: /lost its last serving/,
    seed: 13,
  },
  { name: "leaves behind what was deleted", wiring: leavesDeletedBehind, finds: NOT_CONVERGED },
  { name: "removes a Service that crashes", wiring: removesWhatFails, finds: NOT_CONVERGED, seed: 58 },
  { name: "does not hear of nodes", wiring: ignoresNodes, finds: NOT_CONVERGED, seed: 3 },
  { name: "writes at rest", wiring: writesAtRest, finds: /while the house was at rest/ },
  { name: "serves a route that was deleted", wiring: servesTheDeleted, finds: NOT_CONVERGED, seed: 5 },
  { name: "does not hear where a Service answers", wiring: ignoresEndpoints, finds: /still leads|not converged/ },
  { name: "asks the LAN's filter where it was once", wiring: asksWhereItWas, finds: /asks .* instead of/ },
  { name: "comes back without stopping what others took over", wiring: returnsWithoutStopping, finds: /is back and still runs/ },
  { name: "ends nothing when it loses contact", wiring: endsNothing, finds: AT_ONCE, seed: 24 },
  { name: "ends all that it runs when it loses contact", wiring: endsAll, finds: /no other computer may start it/ },
  { name: "takes over without waiting for the end of what must not run twice", wiring: takesOverAtOnce, finds: AT_ONCE, seed: 94 },
  { name: "takes for promised what no node promised", wiring: startsWithoutPromise, finds: AT_ONCE, seed: 56 },
  { name: "forgets what runs when its engine hangs", wiring: forgetsLastWords, finds: /hangs, its apps serve/, seed: 11 },
  { name: "counts on what an engine said before it hung", wiring: countsOnLastWords, finds: /lost its last serving/, seed: 22 },
  { name: "moves instances to whoever has none", wiring: rebalances, finds: /moved|without a reason/ },
  {
    name: "condemns whom it does not hear, although others do",
    wiring: believesOwnEarsAlone,
    finds: /has heard of it all the while/,
    seed: 13,
  },
  {
    name: "condemns others although it hears no majority",
    wiring: asksForNoMajority,
    finds: /has not heard most of those who vote/,
    seed: 26,
  },
  { name: "takes whoever cannot reach the store for dead", wiring: takesSilenceForDeath, finds: /without a reason/, seed: 21 },
  { name: "keeps its apps where a computer is about to stop", wiring: ignoresGoing, finds: /which goes|has said that it goes/, seed: 17 },
  { name: "forgets what a person asked to move", wiring: forgetsTheCall, finds: /still to move/, seed: 4 },
  { name: "starts apps before those that they come after", wiring: startsOutOfTurn, finds: /which it comes after/, seed: 14 },
];
