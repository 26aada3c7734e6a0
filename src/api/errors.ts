// The errors that mean something to whoever catches them; anything else is thrown as it came and retried. Pure.

/** Mend your input: bad flags, a bad manifest. The message names the place and the remedy. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The world says no until `desired` changes: condition `Stalled`, no retry. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Nothing was read or written; it may be tried again. */
export class StoreUnavailable extends Error {
  override readonly name: string = "StoreUnavailable";
}

/** The store answers, and has no room left: nothing was written. */
export class StoreFull extends StoreUnavailable {
  override readonly name = "StoreFull";
}

/** A write, or what another node was to do, was sent and not answered: it may or may not have happened. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
}

/** The watch cannot go on from its revision. */
export class WatchExpired extends Error {
  override readonly name = "WatchExpired";
}

/** A node's answer to another one is no; `code` is for programs. Thrown by whoever answers, and again where it was asked. */
export class MeshRefusal extends Error {
  override readonly name = "MeshRefusal";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Another node did not answer: what was asked of it may or may not have been done. */
export class MeshUnreachable extends Error {
  override readonly name = "MeshUnreachable";
}

/** There are as many as may be: whoever says so is there, and works. */
export class NoRoom extends Error {
  override readonly name = "NoRoom";
}

/** Why Docker said no, so that a condition can name the remedy. */
export type EngineFault =
  | "unavailable" // no answer from the socket
  | "imageNotFound"
  | "platformMissing" // the image is there, and not for this processor
  | "registryRefused" // 401, 403
  | "registryUnreachable"
  | "rateLimited"
  | "diskFull"
  | "addressInUse"
  | "nameInUse"
  | "leftover" // a task of the container outlived its daemon: the container must be made anew
  | "hostPathMissing"
  | "deviceMissing"
  | "notFound"
  | "invalid"; // the create call was refused: the message says why

export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly fault: EngineFault;
  constructor(fault: EngineFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}
