// The admission queue as its entries: who gets in line, whom a newer request replaces, who is at the head. Pure.
import {
  isAlive,
  nodeOfMember,
  sameMachine,
  silentMs,
  type HouseNode,
  type HouseView,
  type QueueEntry,
  type Stored,
} from "./house-view.ts";
import type { Join, JoinTrust, NodeId } from "./messages.ts";
import { sharesUrl, withoutUrls } from "./peer-urls.ts";
import { versionProblem } from "./versions.ts";

const QUEUE_MAX = 64;
/** A machine that was reinstalled: so long must its former self have been silent. */
const REINSTALLED_AFTER_MS = 60_000;
/** Two machines with the same hints, as cloned virtual machines are. */
const HEARD_RECENTLY_MS = 5_000;

export type QueueChange =
  | {
      readonly kind: "put";
      readonly entry: QueueEntry;
      /** Of the entry with the same node id that was looked at; 0: there must be none. */
      readonly modRevision: number;
      /** Entries with the same address, which are older installations of it. */
      readonly removes: readonly Stored<QueueEntry>[];
    }
  | { readonly kind: "keep"; readonly entry: QueueEntry }
  /** A person has to approve it first: it is written down elsewhere. */
  | { readonly kind: "wait" }
  | { readonly kind: "refuse"; readonly reason: string };

interface Asked {
  readonly join: Join;
  readonly trust: JoinTrust;
  readonly entries: readonly Stored<QueueEntry>[];
  readonly joining: "auto" | "approve" | "off";
  readonly clusterVersion: string;
  /** Its key belongs to a node of the house already: nobody has to be asked again. */
  readonly known: boolean;
  /** A person has said whose place it takes. */
  readonly replaces?: NodeId;
}

/** What becomes of the queue when a computer asks. Asking again changes nothing. Only who was let in by somebody is ever in it. */
export function enqueue({ join, trust, entries, joining, clusterVersion, known, ...asked }: Asked): QueueChange {
  const { nodeId, name, addresses, versions } = join.from;
  if (trust === "refused") return refuse("this house does not know whose computer it is");
  if (joining === "off" && !known) return refuse("this house lets nobody in: `joining` of its House is `off`");
  const problem = versionProblem(versions.etcd, clusterVersion);
  if (problem !== undefined) return refuse(problem);
  const same = entries.find(({ value }) => value.nodeId === nodeId);
  const byItself = known || (trust === "trusted" && joining === "auto") || same?.value.byItself === true;
  if (!byItself && trust !== "approved" && same === undefined) return { kind: "wait" };
  const sameAddress = entries.filter(({ value }) => value.nodeId !== nodeId && value.addresses[0] === addresses[0]);
  if (same === undefined && entries.length - sameAddress.length >= QUEUE_MAX) return refuse("too many computers want to join at once");
  const replaces = asked.replaces ?? same?.value.replaces;
  const entry: QueueEntry = {
    nodeId,
    name,
    addresses,
    versions,
    request: join.request,
    order: same?.value.order ?? behind(entries),
    missed: same?.value.missed ?? 0,
    byItself,
    ...(replaces !== undefined && { replaces }),
  };
  if (same !== undefined && sameAddress.length === 0 && JSON.stringify(same.value) === JSON.stringify(entry))
    return { kind: "keep", entry };
  return { kind: "put", entry, modRevision: same?.modRevision ?? 0, removes: sameAddress };
}

function refuse(reason: string): QueueChange {
  return { kind: "refuse", reason };
}

/** The others go first. */
export function postponed(
  { value }: Stored<QueueEntry>,
  { order, missed }: { readonly order: number; readonly missed: boolean },
): QueueEntry {
  return { ...value, order, missed: value.missed + (missed ? 1 : 0) };
}

/** A worker of the house gets in line to become a member. */
export function recruited(
  { nodeId, name, addresses, versions, request }: HouseNode,
  entries: readonly Pick<Stored<QueueEntry>, "value">[],
): QueueEntry {
  return { nodeId, name, addresses, versions, request, order: behind(entries), missed: 0, byItself: true };
}

/** The order of who comes last. */
export function behind(entries: readonly Pick<Stored<QueueEntry>, "value">[]): number {
  return entries.reduce((last, { value }) => Math.max(last, value.order), 0) + 1;
}

export function headOf(entries: readonly Stored<QueueEntry>[]): Stored<QueueEntry> | undefined {
  return entries.reduce<Stored<QueueEntry> | undefined>(
    (first, each) => (first === undefined || isBefore(each.value, first.value) ? each : first),
    undefined,
  );
}

function isBefore(a: QueueEntry, b: QueueEntry): boolean {
  return a.order === b.order ? a.nodeId < b.nodeId : a.order < b.order;
}

/** The node whose place a newcomer takes: named by a person, or the same machine if it needs no person to be trusted. */
export function replacedBy(view: HouseView, entry: QueueEntry): HouseNode | undefined {
  const named = entry.replaces === undefined ? undefined : view.roster.get(entry.replaces);
  if (named !== undefined) return named;
  return entry.byItself ? formerSelf(view, entry) : undefined;
}

/** It looks like a reinstalled machine whose former self has not been silent for long enough to say. */
export function mayBeReinstalled(view: HouseView, { nodeId, request }: QueueEntry): boolean {
  return [...view.roster.values()].some((node) => {
    const heardMs = view.nowMs - (view.heardAtMs.get(node.nodeId) ?? Number.NEGATIVE_INFINITY);
    return (
      node.nodeId !== nodeId &&
      node.nodeId !== view.self &&
      sameMachine(node.request.machine, request.machine) &&
      (heardMs >= HEARD_RECENTLY_MS || sharesUrl(node.request.peerUrl, request.peerUrl)) &&
      silentMs(view, node.nodeId) < REINSTALLED_AFTER_MS
    );
  });
}

function formerSelf(
  view: HouseView,
  { nodeId, request }: { readonly nodeId: NodeId; readonly request: Join["request"] },
): HouseNode | undefined {
  return [...view.roster.values()].find(
    (node) =>
      node.nodeId !== nodeId &&
      node.nodeId !== view.self &&
      sameMachine(node.request.machine, request.machine) &&
      silentMs(view, node.nodeId) >= REINSTALLED_AFTER_MS,
  );
}

/** Why a newcomer waits: no two members share an address, and it has no other than that of this node, which is alive. */
export function holderOfAddress(
  view: HouseView,
  { nodeId, request }: { readonly nodeId: NodeId; readonly request: Join["request"] },
): HouseNode | undefined {
  const others = view.members.filter((member) => nodeOfMember(member) !== nodeId);
  const own = withoutUrls(
    request.peerUrl,
    others.map(({ peerUrl }) => peerUrl),
  );
  const there = others.find((member) => sharesUrl(member.peerUrl, request.peerUrl));
  if (own !== "" || there === undefined || !isAlive(view, there)) return undefined;
  return view.roster.get(nodeOfMember(there) ?? "");
}

/** For a person to say, as `status` offers it: besides, a silent node at whose address it is now, for no two members share one. */
export function likelyFormerSelf(
  view: HouseView,
  node: { readonly nodeId: NodeId; readonly request: Join["request"] },
): HouseNode | undefined {
  const atItsAddress = ({ nodeId, request }: HouseNode): boolean =>
    nodeId !== node.nodeId && nodeId !== view.self && sharesUrl(request.peerUrl, node.request.peerUrl);
  return (
    formerSelf(view, node) ??
    [...view.roster.values()].find((each) => atItsAddress(each) && silentMs(view, each.nodeId) >= REINSTALLED_AFTER_MS)
  );
}
