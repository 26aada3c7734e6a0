// A page of ours in place of an app's answer.
import http from "node:http";
import type { OwnReason } from "../../api/traffic.ts";
import type { Exchange } from "./exchange.ts";
import type { Page } from "./front.ts";

export function showOwn(exchange: Exchange, page: Page, reason: OwnReason): void {
  exchange.reason = reason;
  showPage(exchange.request, exchange.response, page);
}

export function showPage(request: http.IncomingMessage, response: http.ServerResponse, page: Page): void {
  const body = Buffer.from(page.html);
  const headers: http.OutgoingHttpHeaders = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": body.length,
    "Cache-Control": "no-store",
    "Content-Security-Policy": page.policy,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  };
  if (page.refresh !== undefined) headers["Retry-After"] = page.refresh;
  // With words of its own: an answer that could not be passed on may have left its own there.
  response.writeHead(page.status, http.STATUS_CODES[page.status], headers).end(request.method === "HEAD" ? undefined : body);
}
