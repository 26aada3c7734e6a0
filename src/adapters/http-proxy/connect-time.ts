// How long a backend has to take a connection, ms.
import type { Backend } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";

const CONNECT_MS = 3000;
/** With another backend to try, a silent one does not get the whole time: a person waits. */
const CONNECT_MORE_MS = 500;
/** Three round trips to another node, which may be far away in the tailnet. */
const CONNECT_MORE_AWAY_MS = 1000;

export function connectTimeoutMs(backend: Backend, ways: Ways, isLast: boolean): number {
  if (isLast) return CONNECT_MS;
  return ways.isElsewhere(backend) ? CONNECT_MORE_AWAY_MS : CONNECT_MORE_MS;
}
