// `Max-Forwards` of an OPTIONS (RFC 9110, 7.6.2): how many more proxies may pass it on. TRACE, which has it too, is never passed on.
import type http from "node:http";
import type { Exchange } from "./exchange.ts";

/** Whoever counts further asks about a way that nobody has. */
const FORWARDS_MAX = 255;

/** For other methods it means nothing. */
export function maxForwardsProblem(request: http.IncomingMessage): string | undefined {
  if (request.method !== "OPTIONS") return undefined;
  const value = request.headers["max-forwards"];
  if (value === undefined) return undefined;
  const lines = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "max-forwards");
  return lines.length === 1 && /^\d+$/.test(String(value)) ? undefined : "Max-Forwards is one number.";
}

/** It ends here: whoever it was for is not asked. */
export function isLast(request: http.IncomingMessage): boolean {
  return request.method === "OPTIONS" && Number(request.headers["max-forwards"] ?? 1) === 0;
}

export function answerAsLast(exchange: Exchange): void {
  exchange.reason = "lastForward";
  exchange.response.writeHead(200, { "Content-Length": 0 }).end();
}

/** What the next one is told; undefined: what the client said. */
export function maxForwardsOnward(request: http.IncomingMessage): string | undefined {
  if (request.method !== "OPTIONS") return undefined;
  const value = request.headers["max-forwards"];
  return value === undefined ? undefined : String(Math.min(Math.max(Number(value) - 1, 0), FORWARDS_MAX));
}
