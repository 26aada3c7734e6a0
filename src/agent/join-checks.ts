// What has to be so before this computer goes into another house, or lets others into its own.
import { MeshUnreachable } from "../api/errors.ts";
import type { Here } from "../joining/joiner-state.ts";
import { etcdOfSeveral } from "../joining/versions.ts";
import type { Clock } from "../ports.ts";
import { ApiError } from "../server/api-error.ts";
import type { Inside } from "./joining/inside.ts";
import type { JoiningNode } from "./joining/joining-node.ts";

const LOOK_EVERY_MS = 100;
/** Its store may lack a quorum: what its disk tells of it has to do then. */
const UNSEEN_MAX_MS = 10_000;

/** An etcd of another minor version cannot be a member beside ours. Throws ApiError. */
export function mustBeOfSeveral(cannot: string, etcd: string): void {
  if (etcdOfSeveral(etcd) !== "") return;
  throw new ApiError(
    "Conflict",
    `${cannot}: this program carries no etcd of its own, and with the machine's ${etcd} it can be a house of one alone.`,
    { next: "a build that carries etcd: README, Install" },
  );
}

/** Waits until this computer has read something of its own house, if it has one. */
export async function untilSeen(inside: () => Inside | undefined, clock: Clock, signal: AbortSignal): Promise<void> {
  const untilMs = clock.now() + UNSEEN_MAX_MS;
  while (inside()?.sight.isUnseen === true && clock.now() < untilMs) await clock.sleep(LOOK_EVERY_MS, signal);
}

/** True: it is this node's own house already. Throws when nobody of the wanted one answers. */
export async function isThere(
  { addresses, houseId }: NonNullable<Here["wish"]>,
  joining: Pick<JoiningNode, "meet" | "seen">,
): Promise<boolean> {
  const met = await Promise.allSettled(addresses.map((address) => joining.meet(address)));
  const peers = met.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (peers.some((peer) => peer.house !== undefined && peer.house.hash === joining.seen?.house.id)) return true;
  if (peers.some((peer) => peer.house !== undefined && (houseId === undefined || peer.house.hash === houseId))) return false;
  if (addresses.length === 0) return false; // found on the tailnet or the LAN
  const [failed] = met.flatMap((each) =>
    each.status === "rejected" && each.reason instanceof MeshUnreachable ? [each.reason.message] : [],
  );
  const why = peers.length > 0 ? `nobody at ${addresses.join(" or ")} belongs to that house` : (failed ?? "nobody answers");
  throw new ApiError("Conflict", `Cannot join: ${why}. This computer's own house stays as it is.`, { next: "fossora status" });
}
