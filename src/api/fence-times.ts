// How long who waits for whom when a node loses contact with its house: the one that lost it stops by itself what must not run twice, and
// only after that may another one start it. Pure.

/** A node's record in the store lives so long after the last renewal that was answered. */
export const LEASE_TTL_MS = 20_000;
/** Counted from when the last answered renewal was sent: then what must not run twice is killed. */
export const FENCE_AFTER_MS = 14_000;
/** And then it is over: an engine that does not answer included. */
export const KILL_LIMIT_MS = 4_000;
/** So long after it saw the record go another node waits. */
export const TAKEOVER_GRACE_MS = 6_000;
/** Nothing is started on an older contact than this: a start that an engine takes long for must be over before anybody else may. */
export const START_WITHIN_MS = 5_800;
/** What an engine may take for a start. */
const START_LIMIT_MS = 20_000;

const isFencedInTime = FENCE_AFTER_MS + KILL_LIMIT_MS < LEASE_TTL_MS + TAKEOVER_GRACE_MS;
const isStartedInTime = START_WITHIN_MS + START_LIMIT_MS < LEASE_TTL_MS + TAKEOVER_GRACE_MS;
if (!isFencedInTime || !isStartedInTime) throw new Error("An app could run on two computers at once");
