// Which route a request belongs to: by host, then by the longest path. Compiled once a table, looked up at each request. Pure.
import { normalPath, readingsOf } from "../api/paths.ts";
import type { HttpRoute, Table } from "../api/table.ts";
import { hostNames, normalHost } from "../api/urls.ts";

/** `ambiguous`: what one app reads as a path of one route, another one reads as one of another. */
export type Found = HttpRoute | "ambiguous" | undefined;

export interface Router {
  /** `host` as it stands in the request; `target` is the path with or without its query. */
  find(host: string | undefined, target: string): Found;
  /** What answers for the host as a whole. */
  root(host: string): HttpRoute | undefined;
}

export function compileRouter(table: Pick<Table, "zone" | "http">): Router {
  const byHost = new Map<string, Entry[]>();
  for (const route of table.http) {
    const entry = { base: normalPath(route.path).replace(/^\/$/, ""), route };
    for (const host of hostNames(route.host, table.zone)) {
      const entries = byHost.get(host);
      if (entries) entries.push(entry);
      else byHost.set(host, [entry]);
    }
  }
  // A stable sort: of two equal paths the one that comes first in the table wins, on every node.
  for (const entries of byHost.values()) entries.sort((a, b) => b.base.length - a.base.length);
  return {
    find(host, target) {
      const entries = host === undefined ? undefined : byHost.get(normalHost(host));
      if (entries === undefined) return undefined;
      const [longest] = entries;
      if (longest?.base === "") return longest.route;
      const readings = readingsOf(target);
      if (readings === undefined) return "ambiguous";
      const [found, ...others] = readings.map((path) => entries.find(({ base }) => covers(base, path))?.route);
      return others.every((other) => other === found) ? found : "ambiguous";
    },
    root: (host) => byHost.get(normalHost(host))?.find(({ base }) => base === "")?.route,
  };
}

interface Entry {
  /** The route's path as requests are compared with it; of the root it is empty. */
  readonly base: string;
  readonly route: HttpRoute;
}

/** `/api` covers `/api` and `/api/x`, never `/apix`. */
function covers(base: string, path: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}
