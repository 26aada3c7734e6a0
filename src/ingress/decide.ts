// What happens to a request: exactly one of forward, wait, redirect or page, for any table and any request. Pure.
import type { HttpRoute } from "../api/table.ts";
import type { OwnReason } from "../api/traffic.ts";
import { isAllowed, type Around } from "./allow.ts";
import type { Router } from "./match.ts";
import { badRequest, forbidden, notSynced, unknownHost, waiting, type Page } from "./pages.ts";

export type Decision =
  | { readonly kind: "forward"; readonly route: HttpRoute }
  /** No backend: hold it up to `route.holdMs`, then show the page. */
  | { readonly kind: "wait"; readonly route: HttpRoute; readonly page: Page }
  | { readonly kind: "redirect"; readonly route: HttpRoute; readonly status: number; readonly location: string }
  | { readonly kind: "page"; readonly page: Page; readonly reason: OwnReason; readonly route?: HttpRoute };

export interface Asked {
  readonly host: string | undefined;
  /** Path and query as the client wrote them. */
  readonly target: string;
  /** The client's address. */
  readonly from: string;
}

const NO_BACKEND = { reason: "NoBackend", message: "Nothing runs for this name right now" };

const AMBIGUOUS = "The path can be read in several ways, and they lead to different apps.";

/** `router` is absent until the first table. */
export function decide(router: Router | undefined, asked: Asked, around: Around = {}): Decision {
  if (router === undefined) return { kind: "page", page: notSynced(), reason: "notSynced" };
  const route = router.find(asked.host, asked.target);
  if (route === "ambiguous") return { kind: "page", page: badRequest(AMBIGUOUS), reason: "badRequest" };
  if (route === undefined) return { kind: "page", page: unknownHost(asked.host ?? ""), reason: "unknownHost" };
  if (!isAllowed(route.allow, asked.from, around)) return { kind: "page", page: forbidden(), reason: "notAllowed", route };
  if (route.redirect !== undefined) {
    const { status, to } = route.redirect;
    return { kind: "redirect", route, status, location: locationOf(to, asked.target) };
  }
  if (route.backends.length > 0) return { kind: "forward", route };
  return { kind: "wait", route, page: waiting(route.name, route.waiting ?? NO_BACKEND) };
}

/** Path and query are kept where `to` ends with `/`. */
function locationOf(to: string, target: string): string {
  return to.endsWith("/") && target.startsWith("/") ? to + target.slice(1) : to;
}
