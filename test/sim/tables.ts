// What the tables of the nodes' ingresses still lack: every name that was asked for leads to what serves it, on every node, and no name
// is left of what is gone.
import { PREFIX, parseKey } from "../../src/api/keys.ts";
import type { AnyResource, Resource, StoredResource } from "../../src/api/resource.ts";
import type { DecidedInstance } from "../../src/api/state.ts";
import type { Backend } from "../../src/api/table.ts";
import { Objects } from "../../src/engine/objects.ts";
import { decidedService, nodesOn } from "./convergence.ts";
import type { SimNode } from "./node.ts";
import { FILTER, type World } from "./world.ts";

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

export function tableProblems(world: World): readonly string[] {
  const objects = desiredObjects(world);
  const routes = [...objects.all("Route").values()];
  const records = [...objects.all("DnsRecord").values()];
  return nodesOn(world).flatMap((node) => [
    ...routeProblems(world, node, routes),
    ...recordProblems(node, records),
    ...resolverProblems(world, node),
  ]);
}

/** Whom the node asks in its people's stead: the filter's instances on all nodes that are on, and then the address that stands behind it. */
function resolverProblems(world: World, node: SimNode): readonly string[] {
  const upstreams = node.agent?.proxy.rows?.resolver?.upstreams ?? [];
  const asked = upstreams.flatMap(({ host, isApp }) => (isApp ? [host] : [])).sort();
  const expected = instancesOnNodes(world, FILTER)
    .map((instance) => addressOf(world, instance, FILTER) ?? "none")
    .sort();
  const wrong = asked.join() === expected.join() ? [] : [`${node.name} asks ${asked.join()} instead of ${expected.join()}`];
  return upstreams.some(({ isApp }) => !isApp) ? wrong : [...wrong, `${node.name} has nobody else to ask`];
}

function routeProblems(world: World, node: SimNode, routes: readonly Resource<"Route">[]): readonly string[] {
  const held = node.agent?.proxy.routes ?? NONE;
  const names = new Set(routes.map(({ metadata }) => metadata.name));
  const extra = [...held.keys()].filter((name) => !names.has(name)).map((name) => `${node.name} still has the route ${name}`);
  const hosts = [...new Set(routes.map(({ spec }) => spec.host))].filter((host) => host !== undefined);
  const rows = [...held.values()].flatMap(({ http }) => http);
  const wrong = hosts.flatMap((host) => {
    const found = rows.filter((row) => row.host === host);
    const [row] = found;
    if (row === undefined || found.length > 1) return [`${node.name} has ${found.length} rows for ${host}`];
    const route = routes.find(({ metadata }) => metadata.name === row.name);
    const expected = route && expectedBackends(world, route, node);
    const actual = row.backends.map(({ node: place, instance, host: address }) => `${place}/${instance}/${address}`).sort();
    return expected?.join() === actual.join() ? [] : [`${node.name} leads ${host} to ${actual.join()} instead of ${expected?.join()}`];
  });
  return [...extra, ...wrong];
}

/** From Docker itself: where the containers of the Service's instances answer. */
function expectedBackends(world: World, { spec }: Resource<"Route">, node: SimNode): readonly string[] {
  if ("url" in spec.to) return [`${node.name}//${new URL(spec.to.url).hostname}`];
  const service = spec.to.service;
  const container = spec.to.container ?? service;
  return instancesOnNodes(world, service)
    .map((instance) => `${instance.node}/${service}-${instance.id}/${addressOf(world, instance, container)}`)
    .sort();
}

function instancesOnNodes(world: World, service: string): readonly DecidedInstance[] {
  const on = new Set(nodesOn(world).map(({ name }) => name));
  return instancesOf(world, service).filter((instance) => on.has(instance.node));
}

function instancesOf(world: World, service: string): readonly DecidedInstance[] {
  const exists = world.etcd.get(`${PREFIX.desired}Service/${service}`) !== undefined;
  return (exists && decidedService(world, service)?.instances) || [];
}

function addressOf(world: World, instance: { readonly node: string; readonly id: string }, container: string): Backend["host"] | undefined {
  const containers = [...(world.nodes.get(instance.node)?.docker.containers.values() ?? [])].map((each) => each.view());
  return containers.find((each) => each.instance === instance.id && each.container === container)?.address;
}

function recordProblems(node: SimNode, records: readonly Resource<"DnsRecord">[]): readonly string[] {
  const held = node.agent?.proxy.records ?? NONE;
  const names = new Set(records.map(({ metadata }) => metadata.name));
  const extra = [...held.keys()].filter((name) => !names.has(name)).map((name) => `${node.name} still has the record ${name}`);
  const rows = [...held.values()];
  const wrong = records.flatMap(({ spec }) => {
    const fqdn = `${spec.name}.home.internal`;
    const values = rows
      .flatMap((row) => row.records)
      .filter(({ name }) => name === fqdn)
      .flatMap((entry) => entry.values);
    const leads = rows.flatMap(({ houseNames }) => houseNames).filter(({ name }) => name === fqdn);
    if (spec.values === undefined) return leads.length === 1 ? [] : [`${node.name} has ${leads.length} rows for ${fqdn}`];
    return values.join() === spec.values.join()
      ? []
      : [`${node.name} answers ${fqdn} with ${values.join()} instead of ${spec.values.join()}`];
  });
  return [...extra, ...wrong];
}

function desiredObjects(world: World): Objects {
  const objects = new Objects();
  for (const { key, value } of world.etcd.below(PREFIX.desired)) {
    const ref = parseKey(key);
    const stored = JSON.parse(value) as StoredResource;
    const metadata = { ...stored.metadata, generation: 1, resourceVersion: "1" };
    if (ref.room === "desired")
      objects.set(ref, { apiVersion: stored.apiVersion, kind: stored.kind, metadata, spec: stored.spec } as AnyResource); // as it was stored
  }
  return objects;
}
