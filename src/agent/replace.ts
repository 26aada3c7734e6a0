// `node replace`: a computer that was set up anew takes the place of the silent node that it was. It comes in again, under the former name.
import type { ReplaceAnswer } from "../api/computers.ts";
import { keys } from "../api/keys.ts";
import { silentMs, type HouseNode, type QueueEntry } from "../joining/house-view.ts";
import { likelyFormerSelf } from "../joining/queue.ts";
import { absenceProblem } from "../joining/voters.ts";
import type { Store, Write } from "../ports.ts";
import { ApiError } from "../server/api-error.ts";
import { findNewcomers, type Newcomer } from "../trust/approvals.ts";
import type { HouseLook } from "./joining/house-look.ts";

export interface ReplacePorts {
  readonly store: Store;
  readonly look: () => Promise<HouseLook>;
  readonly waiting: () => Promise<readonly Newcomer[]>;
  /** Leaves the store and asks again, with the certificates that it has. Throws when it does not answer. */
  readonly comeAgain: (node: HouseNode) => Promise<void>;
}

/** A person's word counts so long: until then it must have come in. */
const REPLACE_WITHIN_MS = 15 * 60_000;
/** Whoever still speaks is not replaced. */
const SILENT_MIN_MS = 10_000;
/** Whoever leads writes the queue, too. */
const TRIES_MAX = 5;

interface Candidate {
  readonly nodeId: string;
  readonly name: string;
  /** In the house already, under another name. */
  readonly node?: HouseNode;
}

export async function replaceNode(
  names: { readonly former: string; readonly newcomer?: string },
  ports: ReplacePorts,
  signal: AbortSignal,
): Promise<ReplaceAnswer> {
  const look = await ports.look();
  const { view } = look;
  const former = [...view.roster.values()].find(({ name }) => name === names.former);
  if (former === undefined)
    throw new ApiError("NotFound", `Cannot replace node/${names.former}: no computer of the house has that name.`, {
      next: "fossora get nodes",
    });
  const answers = look.computers.find(({ nodeId }) => nodeId === former.nodeId)?.roundTripMs !== undefined;
  if (answers || former.nodeId === view.self || silentMs(view, former.nodeId) < SILENT_MIN_MS)
    throw new ApiError("Conflict", `Cannot replace node/${names.former}: it answers. Only a computer that is gone can be replaced.`, {
      next: `fossora describe node ${names.former}`,
    });
  const newcomer = choose(await candidates(look, former, ports), names, look);
  const { node } = newcomer;
  const problem = node && absenceProblem(view, node.nodeId);
  if (problem !== undefined)
    throw new ApiError(
      "Conflict",
      `Cannot replace node/${former.name}: ${newcomer.name} would have to come in again, and ${problem}. Name a computer that has no vote, or take ${former.name} out of the house.`,
      { next: `fossora node remove ${former.name}` },
    );
  await commit(ports.store, { newcomer, former }, signal);
  if (node !== undefined) await ports.comeAgain(node);
  return { kind: "Replaced", former: former.name, newcomer: newcomer.name };
}

async function candidates({ view }: HouseLook, former: HouseNode, { waiting }: ReplacePorts): Promise<readonly Candidate[]> {
  return [
    ...[...view.roster.values()].filter((node) => node !== former).map((node) => ({ nodeId: node.nodeId, name: node.name, node })),
    ...view.entries.filter(({ value }) => !view.roster.has(value.nodeId)).map(({ value: { nodeId, name } }) => ({ nodeId, name })),
    ...(await waiting()),
  ];
}

/** Named, or the only one that looks like it. */
function choose(
  all: readonly Candidate[],
  { former, newcomer }: { readonly former: string; readonly newcomer?: string },
  { view }: HouseLook,
): Candidate {
  const like = all.filter(({ nodeId }) => {
    const request = view.roster.get(nodeId)?.request ?? view.entries.find(({ value }) => value.nodeId === nodeId)?.value.request;
    return request !== undefined && likelyFormerSelf(view, { nodeId, request })?.name === former;
  });
  const found = newcomer === undefined ? like : all.filter(({ nodeId, name }) => nodeId === newcomer || name === newcomer);
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  const others = all.filter(({ nodeId }) => nodeId !== view.self).map(({ name }) => name);
  const why =
    newcomer === undefined
      ? "no computer looks like it; name the one that it is now"
      : `${more.length > 0 ? "several computers are" : "no computer is"} called "${newcomer}"`;
  throw new ApiError("NotFound", `Cannot replace node/${former}: ${why}${others.length === 0 ? "" : ` (${others.join(", ")})`}.`, {
    next: `fossora node replace ${former} NEWCOMER`,
  });
}

/** The one that waits for a person is let in by the same word. */
async function commit(
  store: Store,
  { newcomer, former }: { readonly newcomer: Candidate; readonly former: HouseNode },
  signal: AbortSignal,
): Promise<void> {
  const { nodeId, name, node } = newcomer;
  const waits = await store.get(keys.waiting(nodeId), signal);
  const approved: readonly Write[] = (waits === undefined ? [] : findNewcomers([JSON.parse(waits.value) as Newcomer], nodeId)).map(
    (each) => ({
      put: keys.waiting(nodeId),
      value: JSON.stringify({ ...each, approved: true } satisfies Newcomer),
    }),
  );
  const said: Write = { put: keys.replaces(nodeId), value: former.nodeId };
  await store.commit({ compare: [], writes: [said, ...approved], ttlMs: REPLACE_WITHIN_MS }, signal);
  await tellQueue(store, { nodeId, replaces: former.nodeId }, signal);
  // Its Membership under the name that it has now ends; that of the former name is its own from then on.
  if (node !== undefined) await store.commit({ compare: [], writes: [{ delete: keys.desired("Membership", name) }] }, signal);
}

/** One that waits in the queue already does not ask again. */
async function tellQueue(
  store: Store,
  { nodeId, replaces }: { readonly nodeId: string; readonly replaces: string },
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const entry = await store.get(keys.queued(nodeId), signal);
    if (entry === undefined) return;
    const value: QueueEntry = { ...(JSON.parse(entry.value) as QueueEntry), replaces }; // written by members alone
    const put: Write = { put: entry.key, value: JSON.stringify(value) };
    if ((await store.commit({ compare: [{ key: entry.key, modRevision: entry.modRevision }], writes: [put] }, signal)).committed) return;
  }
}
