// Networks and named volumes: made if absent, checked if present, touched only with our label.
import { createHash } from "node:crypto";
import { EngineError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { NetworkSpec } from "../../container-ports.ts";
import type { Connection } from "./connection.ts";
import { type NetworkAnswer, networkOptions, networkView } from "./view.ts";

/** The kernel's limit for the name of an interface (IFNAMSIZ less its NUL). */
const interfaceNameMax = 15;

/** One that is there with other addresses is made anew, which fails while containers are on it. */
export async function ensureNetwork(connection: Connection, spec: NetworkSpec, signal: AbortSignal): Promise<void> {
  const present = await findNetwork(connection, spec.name, signal);
  if (present && !isOurs(present.Labels)) {
    throw new EngineError("nameInUse", `Cannot make network "${spec.name}": Docker has one of that name that is not Fossora's`);
  }
  if (present) {
    const { subnet, gateway, icc } = networkView(present);
    if (subnet === spec.subnet && gateway === spec.gateway && icc === spec.icc) return;
    await removeNetwork(connection, spec.name, signal);
  }
  await connection.call(`make network "${spec.name}" (${spec.subnet})`, signal, (docker, abortSignal) =>
    docker.createNetwork({
      Name: spec.name,
      Driver: "bridge",
      CheckDuplicate: true,
      IPAM: {
        Config: [{ Subnet: spec.subnet, Gateway: spec.gateway, ...(spec.othersRange !== undefined && { IPRange: spec.othersRange }) }],
      },
      Options: networkOptions(spec.icc, bridgeName(spec.name)),
      Labels: { ...spec.labels },
      abortSignal,
    }),
  );
}

export async function listNetworks(connection: Connection, signal: AbortSignal): Promise<readonly NetworkSpec[]> {
  const networks = await connection.call("list networks", signal, (docker, abortSignal) =>
    docker.listNetworks({ filters: { label: [LABEL.kind] }, abortSignal }),
  );
  return networks.map((each) => networkView(each as NetworkAnswer)); // as Docker's API describes
}

/** What is gone, or not ours, is left alone. */
export async function removeNetwork(connection: Connection, name: string, signal: AbortSignal): Promise<void> {
  const present = await findNetwork(connection, name, signal);
  if (!present || !isOurs(present.Labels)) return;
  try {
    await connection.call(`remove network "${name}"`, signal, (docker, abortSignal) => docker.getNetwork(name).remove({ abortSignal }));
  } catch (cause) {
    if (cause instanceof EngineError && cause.fault === "notFound") return;
    const inUse = cause instanceof EngineError && /active endpoints/.test(cause.message);
    throw inUse ? new EngineError("addressInUse", cause.message, { cause }) : cause;
  }
}

/**
 * A daemon that was killed may have left an endpoint under the name of a container that is gone, so that none of that name could start: Docker
 * finds it by that name alone.
 */
export async function freeEndpoint(
  connection: Connection,
  { network, container }: { readonly network: string; readonly container: string },
  signal: AbortSignal,
): Promise<void> {
  const present = await findNetwork(connection, network, signal);
  if (!present || !isOurs(present.Labels)) return;
  const freed = connection.call(`disconnect "${container}" from network "${network}"`, signal, (docker, abortSignal) =>
    docker.getNetwork(network).disconnect({ Container: container, Force: true, abortSignal }),
  );
  await orAbsent(freed);
}

/**
 * A bind of `directory` under a name: Docker copies the image's files into it at first use, which it does not for a path. One
 * of that name that leads elsewhere is never changed.
 */
export async function ensureVolume(
  connection: Connection,
  name: string,
  directory: string,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const present = await findVolume(connection, name, signal);
  if (!present) {
    await connection.call(`make volume "${name}"`, signal, (docker, abortSignal) =>
      docker.createVolume({
        Name: name,
        Driver: "local",
        DriverOpts: { type: "none", o: "bind", device: directory },
        Labels: { ...labels },
        abortSignal,
      }),
    );
    return;
  }
  if (!isOurs(present.Labels) || present.Options?.["device"] !== directory) {
    throw new EngineError("nameInUse", `Cannot make volume "${name}": Docker has one of that name that does not lead to "${directory}"`);
  }
}

/** What is gone, or not ours, is left alone. The directory and its files stay. */
export async function removeVolume(connection: Connection, name: string, signal: AbortSignal): Promise<void> {
  const present = await findVolume(connection, name, signal);
  if (!present || !isOurs(present.Labels)) return;
  await connection.call(`remove volume "${name}"`, signal, (docker, abortSignal) => docker.getVolume(name).remove({ abortSignal }));
}

function findNetwork(connection: Connection, name: string, signal: AbortSignal): Promise<NetworkAnswer | undefined> {
  return orAbsent(
    connection.call(`inspect network "${name}"`, signal, (docker) => docker.getNetwork(name).inspect() as Promise<NetworkAnswer>),
  ); // untyped by dockerode
}

function findVolume(connection: Connection, name: string, signal: AbortSignal) {
  return orAbsent(connection.call(`inspect volume "${name}"`, signal, (docker) => docker.getVolume(name).inspect()));
}

async function orAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof EngineError && error.fault === "notFound") return undefined;
    throw error;
  }
}

function isOurs(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[LABEL.kind] !== undefined;
}

function bridgeName(network: string): string {
  if (network.length <= interfaceNameMax) return network;
  return `fossora-${createHash("sha256").update(network).digest("hex").slice(0, 7)}`;
}
