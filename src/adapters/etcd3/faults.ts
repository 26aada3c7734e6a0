// What an error of etcd3, of grpc-js below it or of etcd itself says about a request: did it happen, may it be sent again? Pure.

/**
 * - `refused`: it never left, or etcd said no before it proposed anything; another host may say yes
 * - `unanswered`: it was sent, and may or may not have happened
 * - `invalid`: etcd says no to the request itself, and so would every other host
 * - `tooLarge`: more than one message may hold, the request or what it asks for; so every other host would find
 * - `full`: no member takes a write until room was made; deletes and reads it takes
 */
export type Fault = "refused" | "unanswered" | "invalid" | "tooLarge" | "full";

/**
 * Texts that prove that nothing happened: grpc-js 1.14 (`load-balancer-pick-first`, `internal-channel`, `load-balancing-call` and
 * `subchannel-call`, whose REFUSED_STREAM is HTTP/2's word for "not processed") and etcd's `api/v3rpc/rpctypes/error.go`.
 */
const REFUSED: readonly string[] = [
  "No connection established",
  "Channel closed before call started",
  "Channel has been shut down",
  "Waiting for LB pick",
  "Name resolution failed",
  "Stream refused by server",
  "etcdserver: no leader",
  "etcdserver: too many requests",
  "etcdserver: rpc not supported for learner",
];

const FULL = "etcdserver: mvcc: database space exceeded";

const INVALID: readonly string[] = [
  "etcdserver: duplicate key given in txn request",
  "etcdserver: too many operations in txn request",
  "etcdserver: key is not provided",
  "etcdserver: requested lease not found",
  "etcdserver: mvcc: required revision",
];

/** Of an answer grpc-js says it here; of a request the server's gRPC does, before etcd sees it, or etcd itself. */
const TOO_LARGE: readonly string[] = [
  "Received message larger than max",
  "received message larger than max",
  "etcdserver: request is too large",
];

export function faultOf(error: unknown): Fault {
  const message = error instanceof Error ? error.message : "";
  if (message.includes(FULL)) return "full";
  if (TOO_LARGE.some((text) => message.includes(text))) return "tooLarge";
  if (INVALID.some((text) => message.includes(text))) return "invalid";
  return REFUSED.some((text) => message.includes(text)) ? "refused" : "unanswered";
}
