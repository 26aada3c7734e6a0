// Answers that are no success: one shape, one table of codes, and where the errors of the other rooms end up.
import { EngineError, OutcomeUnknown, StoreFull, StoreUnavailable, UserError } from "../api/errors.ts";
import type { ErrorStatus, StatusReason } from "../api/wire.ts";

const CODES: Readonly<Record<StatusReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  ManagedElsewhere: 409,
  Expired: 410,
  TooLarge: 413,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  NoHouse: 503,
  Unreachable: 503,
  NoQuorum: 503,
  StoreFull: 507,
};

/** Thrown by a handler: the client gets exactly this. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ErrorStatus;

  constructor(reason: StatusReason, message: string, more: Pick<ErrorStatus, "next" | "details"> = {}) {
    super(message);
    this.status = { kind: "Status", reason, code: CODES[reason], message, ...more };
  }
}

/** What a client is told about any error; what is nobody's fault but ours is an InternalError and worth a log line. */
export function statusOf(error: unknown): ErrorStatus {
  if (error instanceof ApiError) return error.status;
  if (error instanceof UserError || error instanceof URIError) return new ApiError("BadRequest", error.message).status;
  if (error instanceof StoreFull)
    return new ApiError("StoreFull", "Nothing was changed: the house's store is full, and makes room by itself within minutes if it can.", {
      next: "fossora status",
    }).status;
  if (error instanceof StoreUnavailable) {
    return new ApiError("NoQuorum", `The house's store does not answer, so nothing was changed: ${error.message}`, {
      next: "fossora status",
    }).status;
  }
  if (error instanceof OutcomeUnknown) {
    return new ApiError(
      "NoQuorum",
      `The house's store did not confirm the change: it may or may not have been made. Look, then try again: ${error.message}`,
      { next: "fossora status" },
    ).status;
  }
  if (error instanceof EngineError && error.fault === "notFound") return new ApiError("NotFound", error.message).status;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError("InternalError", message, { next: "fossora status" }).status;
}
