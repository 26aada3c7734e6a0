// What the status says of the names on the LAN: those that are announced, and why others are not, and where any can be. Pure.
import type { IngressStatus, LocalName } from "../api/table.ts";
import type { MdnsName, SegmentWish } from "./mdns-responder.ts";

export interface MdnsLinkState {
  readonly wish: Pick<SegmentWish, "address" | "hosts">;
  readonly names: readonly MdnsName[];
  /** Why nothing can be said or heard there. */
  readonly problem?: string;
}

const STATES = { probing: "probing", owned: "announced", yielded: "silent" } as const;

export function mdnsStatus(links: readonly MdnsLinkState[]): Required<Pick<IngressStatus, "localNames" | "announces">> {
  const announces = links.filter(({ problem }) => problem === undefined).map(({ wish: { address } }) => address);
  return { localNames: localNames(links), announces };
}

function localNames(links: readonly MdnsLinkState[]): readonly LocalName[] {
  return links.flatMap(({ wish: { address, hosts }, names, problem }) => {
    if (problem !== undefined) return hosts.map((host) => ({ host, address, state: "silent" as const, problem }));
    return names.map(({ host, state, holder }) => {
      const taken =
        holder === undefined || holder.member
          ? {}
          : { problem: `${holder.address} has that name already: give that device or the Route another one` };
      return { host, address, state: STATES[state], ...taken };
    });
  });
}
