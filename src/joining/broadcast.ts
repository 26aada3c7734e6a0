// What the agent beside the etcd leader says to the queue, each second and on every change: to all of it, also while an admission is under
// way, because the timer of everyone who waits depends on it. Pure.
import { admissionOf } from "./admission.ts";
import type { HouseView } from "./house-view.ts";
import { PROTOCOL, type Address, type Admission, type RequestAdmission, type Sender } from "./messages.ts";
import { headOf } from "./queue.ts";

const MEMBER_ADDRESSES_MAX = 64;

export interface Broadcast {
  readonly message: RequestAdmission;
  /** One list for each node that waits; the edge tries its addresses in turn. */
  readonly to: readonly (readonly Address[])[];
}

export interface Admit {
  readonly to: readonly Address[];
  /** The edge adds the credentials and sends it as `admitted`. */
  readonly admission: Admission;
}

export function broadcast(view: HouseView, from: Sender): Broadcast {
  const head = view.active?.value.nodeId ?? headOf(view.entries)?.value.nodeId;
  const members = memberAddresses(view);
  return {
    message: { protocol: PROTOCOL, kind: "request-admission", from, term: view.term, ...(head !== undefined && { head }), members },
    to: view.entries.map(({ value }) => value.addresses),
  };
}

export function admit(view: HouseView): Admit | undefined {
  const admission = admissionOf(view);
  const entry = view.entries.find(({ value }) => value.nodeId === admission?.nodeId);
  return admission && entry && { to: entry.value.addresses, admission };
}

/** Of every node of the house, for any can take a request to join: the best of each, then their others. */
export function memberAddresses({ roster }: Pick<HouseView, "roster">): readonly Address[] {
  const nodes = [...roster.values()];
  const most = nodes.reduce((count, { addresses }) => Math.max(count, addresses.length), 0);
  const ranks = Array.from({ length: most }, (_, rank) => nodes.flatMap(({ addresses }) => addresses.slice(rank, rank + 1)));
  return ranks.flat().slice(0, MEMBER_ADDRESSES_MAX);
}
