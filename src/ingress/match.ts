// Which route a request belongs to: by host, then by the longest path. Compiled once a table, looked up at each request. Pure.
import type { HttpRoute, Table } from "../api/table.ts";

export interface Router {
  /** `host` as it stands in the request; `target` is the path with or without its query. */
  find(host: string | undefined, target: string): HttpRoute | undefined;
}

export function compileRouter(table: Pick<Table, "zone" | "http">): Router {
  const byHost = new Map<string, HttpRoute[]>();
  for (const route of table.http) {
    for (const host of hostsOf(route.host, table.zone)) {
      const routes = byHost.get(host);
      if (routes) routes.push(route);
      else byHost.set(host, [route]);
    }
  }
  // A stable sort: of two equal paths the one that comes first in the table wins, on every node.
  for (const routes of byHost.values()) routes.sort((a, b) => trimSlash(b.path).length - trimSlash(a.path).length);
  return {
    find(host, target) {
      const routes = host === undefined ? undefined : byHost.get(normalHost(host));
      if (routes === undefined) return undefined;
      const path = normalPath(target);
      return routes.find((route) => covers(route.path, path));
    },
  };
}

/** Lower case, without port and without trailing dot. */
export function normalHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}

/**
 * The path that an app would understand, for matching only: what is sent on is what the client wrote. Otherwise
 * `/open/../private` would be matched as `/open` and served as `/private`.
 */
export function normalPath(target: string): string {
  const path = decode(target.split(/[?#]/, 1)[0] ?? "").replaceAll("\\", "/");
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

function hostsOf(host: string, zone: string): readonly string[] {
  const name = normalHost(host);
  return name.includes(".") ? [name] : [name, `${name}.${zone}`, `${name}.local`];
}

/** `/api` covers `/api` and `/api/x`, never `/apix`. */
function covers(prefix: string, path: string): boolean {
  const base = trimSlash(prefix);
  return path === base || path.startsWith(`${base}/`);
}

function trimSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // Not UTF-8 behind the per cent signs: then it is matched as it was written.
  }
}
