// How a command ends: one table of exit codes, and failures that name the next command to type.
import type { ErrorStatus, StatusReason } from "../api/wire.ts";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  invalid: 3,
  notFound: 4,
  conflict: 5,
  timeout: 6,
  unreachable: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a person is told: a sentence, and what to type next. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: ExitCode;
  readonly next: string;

  constructor(code: ExitCode, message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.next = next;
  }
}

/** The server said no. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly status: ErrorStatus;

  constructor(status: ErrorStatus) {
    super(status.message);
    this.status = status;
  }
}

const BY_REASON: Readonly<Record<StatusReason, ExitCode>> = {
  BadRequest: EXIT.usage,
  Unauthorized: EXIT.failed,
  Forbidden: EXIT.failed,
  NotFound: EXIT.notFound,
  Conflict: EXIT.conflict,
  ManagedElsewhere: EXIT.conflict,
  Expired: EXIT.failed,
  TooLarge: EXIT.invalid,
  Invalid: EXIT.invalid,
  TooManyRequests: EXIT.failed,
  InternalError: EXIT.failed,
  NoHouse: EXIT.unreachable,
  Unreachable: EXIT.unreachable,
  NoQuorum: EXIT.unreachable,
  StoreFull: EXIT.failed,
};

export function exitCodeOf(status: ErrorStatus): ExitCode {
  return BY_REASON[status.reason] ?? EXIT.failed;
}

/** What a node says that starts again, before it is in its house and has read the store. `Expired`: what it tells is to be asked for anew. */
const PASSING: readonly StatusReason[] = ["Expired", "NoHouse", "NoQuorum"];

/** Worth waiting for by whoever it has answered before. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApiFailure) return PASSING.includes(error.status.reason);
  return error instanceof Failure && error.code === EXIT.unreachable;
}
