// What the API does without quorum: reads are answered from this node's copy and say how old that is, writes are refused with the reason and
// with what to do about it.
import type { ServerResponse } from "node:http";
import type { ErrorStatus } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import type { ServerPorts } from "./ports.ts";

/** After so long a silence a write would wait for nothing; before, it may be an election. */
const HOPELESS_AFTER_MS = 15_000;

/** As RFC 9111 has it of any answer from a copy (section 5.1): in seconds. */
export function sayAge(response: ServerResponse, { copyAgeMs }: Pick<ServerPorts, "copyAgeMs">): void {
  const ageMs = copyAgeMs();
  if (ageMs !== undefined) response.setHeader("age", Math.floor(ageMs / 1000));
}

/** Throws NoQuorum at once where the store has been silent for long. */
export function refuseWithoutQuorum({ copyAgeMs }: Pick<ServerPorts, "copyAgeMs">): void {
  if ((copyAgeMs() ?? 0) > HOPELESS_AFTER_MS) throw new ApiError("NoQuorum", "The house has no quorum, so nothing was changed");
}

/** Who is away, and what to type, where the store did not answer. */
export function withReason(status: ErrorStatus, ports: Pick<ServerPorts, "whyNoQuorum"> | undefined): ErrorStatus {
  if (status.reason !== "NoQuorum" || ports === undefined) return status;
  const { reason, next } = ports.whyNoQuorum();
  // Which address was asked last helps nobody.
  const message = status.message.replace(/(nothing was changed).*$/s, "$1").replace(/\.$/, "");
  return { ...status, message: `${message}: ${reason}.`, next };
}
