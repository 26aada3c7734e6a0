// Engines whose containers cannot be dialled (rootless, in a VM): their ports are published on the node's 127.0.0.1 instead. Which
// ports that must be, and where one of them is reached.
import type { Container as ContainerOf, ServiceSpec } from "../../src/api/types.ts";
import type { Container, ContainerSpec } from "./docker-types.ts";
import { networkOf } from "./traits.ts";

type Port = ContainerSpec["publish"][number];

/** All that the Service itself names; a Route of its own cannot lead to another port there. */
export function portsToPublish(spec: ServiceSpec, owner: ContainerOf): readonly Port[] {
  const inside = new Set(spec.containers.filter((each) => (networkOf(each) ?? each.name) === owner.name).map(({ name }) => name));
  const listened = (spec.listen ?? []).flatMap(({ container, port, endPort, targetPort, protocol }) =>
    Array.from({ length: (endPort ?? port) - port + 1 }, (_, offset) => ({ container, port: (targetPort ?? port) + offset, protocol })),
  );
  const asked = [...(spec.port ? [spec.port] : []), ...(spec.routes ?? []).map((route) => route.port)];
  const probed = spec.containers.flatMap(({ name, health }) => {
    const port = typeof health !== "object" ? undefined : "tcp" in health ? health.tcp : "http" in health ? health.port : undefined;
    return port === undefined ? [] : [{ container: name, port }];
  });
  const all = [...[...asked, ...probed].map((each) => ({ ...each, protocol: "tcp" as const })), ...listened];
  const own = all.filter(({ container }) => inside.has(container)).map(({ port, protocol }) => ({ port, protocol }));
  return own.filter((each, index) => own.findIndex(({ port, protocol }) => port === each.port && protocol === each.protocol) === index);
}

/** What a container's ports lead to; undefined: it is dialled at its own address. */
export function publishedOf(container: ContainerOf, containers: readonly Container[]): Readonly<Record<string, number>> | undefined {
  const owner = networkOf(container) ?? container.name;
  const published = containers.find((each) => each.container === owner)?.published ?? {};
  return Object.keys(published).length === 0 ? undefined : published;
}
