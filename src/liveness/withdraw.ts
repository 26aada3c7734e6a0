// What a node does by itself, without anybody's vote, about nodes that it does not hear: it leads nobody to them. Pure.
import type { NodeName } from "../api/resource.ts";
import type { Backend, HttpRoute, Table } from "../api/table.ts";

/** The table for as long as these nodes are silent. What is under way to them is cut, so that it is tried elsewhere or said to have failed. */
export function withdraw(table: Table, silent: readonly NodeName[]): Table {
  const gone = new Set(silent.filter((node) => node !== table.node));
  if (gone.size === 0) return table;
  const remaining = (backends: readonly Backend[]): readonly Backend[] => backends.filter(({ node }) => !gone.has(node));
  return {
    ...table,
    http: table.http.map((route) => withReason({ ...route, backends: remaining(route.backends) }, route)),
    streams: table.streams.map((route) => ({ ...route, backends: remaining(route.backends) })),
    houseNames: table.houseNames.map((name) => ({ ...name, nodes: name.nodes.filter((node) => !gone.has(node)) })),
    nodes: Object.fromEntries(Object.entries(table.nodes).filter(([node]) => !gone.has(node))),
    down: [...new Set([...(table.down ?? []), ...gone])],
    ...(table.resolver && {
      resolver: {
        ...table.resolver,
        upstreams: table.resolver.upstreams.filter(({ node }) => node === undefined || !gone.has(node)),
      },
    }),
  };
}

function withReason(route: HttpRoute, { backends }: HttpRoute): HttpRoute {
  const [lost] = backends;
  if (route.backends.length > 0 || lost === undefined) return route;
  const message = `${lost.node}, where it runs, does not answer`;
  return { ...route, waiting: { reason: "NodeSilent", message, next: `fossora describe node/${lost.node}` } };
}
