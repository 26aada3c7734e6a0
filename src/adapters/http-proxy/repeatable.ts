// Which requests may be said twice, and when another backend, or the same one later, may answer in place of one that did not.
import type http from "node:http";
import type { Outcome } from "./forwarder.ts";
import { hasBody } from "./headers.ts";

/** It changes nothing. */
export function isRepeatable(request: http.IncomingMessage): boolean {
  return (request.method === "GET" || request.method === "HEAD") && !hasBody(request);
}

/**
 * A connection that was answered on before, and now ends without a word: browsers ask on another one, since such connections are closed at
 * any moment. On a new one that is an error to them.
 */
export function isAskedAgain(request: http.IncomingMessage, { socket, headersSent }: http.ServerResponse): boolean {
  return isRepeatable(request) && !headersSent && socket !== null && socket.bytesWritten > 0;
}

/** Nothing was sent, so that the body is unread, or what may be said twice was lost with its node. */
export function isWorthWaiting(request: http.IncomingMessage, { kind }: Outcome): boolean {
  return kind === "unreachable" || (kind === "cut" && isRepeatable(request));
}
