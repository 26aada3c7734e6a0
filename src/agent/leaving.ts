// The write by which a node leaves its house. That it rests is written down before it: who is taken out must not come back by itself, and who is
// not must not rest.
import { OutcomeUnknown } from "../api/errors.ts";
import { keys } from "../api/keys.ts";
import type { NodeName } from "../api/resource.ts";
import type { Clock, Store, Transaction } from "../ports.ts";
import { ApiError } from "../server/api-error.ts";
import type { JoinWish } from "./joining/wish.ts";

export interface LeavingPorts {
  readonly store: Pick<Store, "commit" | "get">;
  readonly nodeId: string;
  readonly wish: Pick<JoinWish, "rest" | "clear">;
  /** It is in that house no more, whatever was written. */
  readonly isOver: () => boolean;
  readonly clock: Pick<Clock, "sleep">;
}

const AGAIN_AFTER_MS = 200;

/**
 * By a transaction that its record in the roster guards. As long as nobody can tell whether it is out, nothing is answered. Throws where it
 * belongs to the house still, and when its agent ends.
 */
export async function leaveRoster(ports: LeavingPorts, out: Pick<Transaction, "compare" | "writes">, signal: AbortSignal): Promise<void> {
  const { wish } = ports;
  wish.rest();
  const isOut = await isWritten(ports, out, signal).catch((error: unknown) => {
    if (!signal.aborted) wish.clear(); // nothing was written
    throw error;
  });
  if (isOut) return;
  wish.clear();
  throw new ApiError("Conflict", "Cannot leave: somebody changed this node just now. Try again.", { next: "fossora leave" });
}

/**
 * The house forgets what stops here with this node, and could start it elsewhere beside that. Throws while there is anything. A drain lasts:
 * who tried to leave and stays takes it back.
 */
export function mustHaveStopped(node: NodeName, stopping: readonly string[]): void {
  if (stopping.length === 0) return;
  const others = stopping.length === 1 ? "it may not start elsewhere before it has" : "they may not start elsewhere before they have";
  throw new ApiError(
    "Conflict",
    `Cannot leave: ${stopping.join(" and ")} still stop${stopping.length === 1 ? "s" : ""} here, and ${others}.`,
    {
      next: `fossora node drain ${node}, then: fossora leave; or, where it never stops: fossora leave --force`,
    },
  );
}

/** For whoever waits. */
export function unknownYet(): ApiError {
  return new ApiError(
    "NoQuorum",
    "The house's store has not said yet whether this computer is out. It is asked until it does: then this computer leaves by itself, or stays.",
    { next: "fossora status" },
  );
}

/**
 * What was not answered is written once more, until that is: by then only one of the two can have been made, and none comes late. To read would
 * not be enough, for what was sent may still be under way.
 */
async function isWritten(
  { store, nodeId, isOver, clock }: LeavingPorts,
  out: Pick<Transaction, "compare" | "writes">,
  signal: AbortSignal,
): Promise<boolean> {
  for (let isUnknown = false; !isUnknown || !isOver(); await clock.sleep(AGAIN_AFTER_MS, signal)) {
    try {
      if ((await store.commit(out, signal)).committed) return true;
      return isUnknown && (await store.get(keys.houseNode(nodeId), signal)) === undefined; // else somebody has changed it
    } catch (error) {
      isUnknown ||= error instanceof OutcomeUnknown;
      if (!isUnknown || signal.aborted) throw error;
    }
  }
  return true;
}
