// One request as a line of the access log. Pure. Never the query: apps put keys and passwords there.
import type { LoggedExchange } from "../ports.ts";
import { plainAddress } from "./address.ts";

const PATH_LENGTH_MAX = 2048;
const WORD_LENGTH_MAX = 256;

/** `endedAtMs` is wall time. A field that says nothing is left out. */
export function accessLine(exchange: LoggedExchange, endedAtMs: number): string {
  const { route, backend, reason, status, firstByteMs, whole, asked, bytesIn, bytesOut, tookMs } = exchange;
  const entry = {
    time: new Date(endedAtMs - tookMs).toISOString(),
    client: plainAddress(asked.client),
    host: asked.host.slice(0, WORD_LENGTH_MAX),
    method: asked.method.slice(0, WORD_LENGTH_MAX),
    path: pathOf(asked.target),
    status,
    bytesIn,
    bytesOut,
    ms: tenths(tookMs),
    ...(firstByteMs !== undefined && { firstByteMs: tenths(firstByteMs) }),
    ...(route && { route: route.name }),
    ...(backend && { backend: backend.instance === "" ? `${backend.host}:${backend.port}` : backend.instance, node: backend.node }),
    ...(reason !== undefined && { reason }),
    ...(!whole && status > 0 && { cutOff: true }),
  };
  return `${JSON.stringify(entry)}\n`;
}

/** An absolute target may carry a name and a password before its host. */
function pathOf(target: string): string {
  const rest = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  return (/^[^?#]*/.exec(rest)?.[0] ?? "").slice(0, PATH_LENGTH_MAX);
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
