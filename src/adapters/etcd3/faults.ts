// What an error of etcd3, of grpc-js below it or of etcd itself says about a request: did it happen, may it be sent again? Pure.

/**
 * - `refused`: it never left, or etcd said no before it proposed anything; another host may say yes
 * - `unanswered`: it was sent, and may or may not have happened
 * - `invalid`: etcd says no to the request itself, and so would every other host
 * - `full`: no member takes a write until room was made; deletes and reads it takes
 */
export type Fault = "refused" | "unanswered" | "invalid" | "full";

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
  "etcdserver: request is too large",
  "etcdserver: key is not provided",
  "etcdserver: requested lease not found",
  "etcdserver: mvcc: required revision",
];

export function faultOf(error: unknown): Fault {
  const message = error instanceof Error ? error.message : "";
  if (message.includes(FULL)) return "full";
  if (INVALID.some((text) => message.includes(text))) return "invalid";
  return REFUSED.some((text) => message.includes(text)) ? "refused" : "unanswered";
}
