// What must hold in a Service beyond the types of its fields. Pure.
import { addressProblems } from "./addresses.ts";
import { circleFrom } from "./circle.ts";
import { engineDevices, engineMounts, enginePorts, isOnHostNetwork } from "./engine-options.ts";
import { httpProblems } from "./http-options.ts";
import type { Report } from "./expand.ts";
import { closest, lengthProblem, RESERVED_NAMES } from "./names.ts";
import { normalPath } from "./paths.ts";
import { portProblem } from "./ports-in-use.ts";
import type { Container, Listen, ServiceSpec, VolumeMount } from "./types.ts";

export function checkService(spec: ServiceSpec, name: string, report: Report): void {
  checkContainers(spec, report);
  checkAfter(spec.containers, report);
  for (const [at, other] of (spec.after ?? []).entries())
    if (other === name) report(`spec.after[${at}]`, "must name another Service: it cannot wait for itself");
  checkPorts(spec, name, report);
  checkUpdate(spec, report);
}

/** Why two instances at once would do harm, in words; undefined: they may overlap. Decides the default of `update.order`. */
export function whyNotTwice(spec: ServiceSpec): string | undefined {
  for (const container of spec.containers) {
    const [written] = writtenBy(container);
    if (written !== undefined) return `'${written}' may be written by one instance at a time`;
    const [device] = [...(container.devices ?? []).map((each) => each.class), ...engineDevices(container)];
    if (device !== undefined) return `the device '${device}' belongs to one instance at a time`;
    if (isOnHostNetwork(container)) return "two instances cannot both have the ports of the host's network";
    const [port] = enginePorts(container);
    if (port !== undefined) return `two instances cannot both have the host's port ${port}`;
    if (container.macAddress !== undefined) return `two instances cannot both have the address ${container.macAddress}`;
  }
  return undefined;
}

/**
 * Why what is wished for may do harm, although it is carried out: several instances of what must not run twice. `all` is one on each node,
 * so that only a path that may lead to one share is common to them.
 */
export function whySeveralMayHarm(spec: ServiceSpec): string | undefined {
  const { replicas } = spec;
  if (replicas === "all") {
    const [path] = spec.containers.flatMap(({ volumes = [] }) => volumes.filter(({ type, readOnly }) => type === "host" && !readOnly));
    return path && `runs on each node, and all write to '${volumeText(path)}': that does harm where it is one share`;
  }
  const reason = whyNotTwice(spec);
  if (reason !== undefined && spec.update.order === "start-first")
    return `is to start the new one first, as 'update.order' says, and that may do harm: ${reason}`;
  if (replicas <= 1) return undefined;
  return reason && `is to run ${replicas} times at once, as 'replicas' says, and that may do harm: ${reason}`;
}

/** What makes this Service as mighty as root on its machine: for the admin role, and said by `apply` and `describe`. */
export function rootReasons(spec: ServiceSpec): readonly string[] {
  return spec.containers.flatMap((container) => [
    ...(container.privileged ? [`container '${container.name}' is privileged`] : []),
    ...(isOnHostNetwork(container) ? [`container '${container.name}' uses the host's network`] : []),
    ...(container.pid === "host" ? [`container '${container.name}' sees the host's processes`] : []),
    ...(container.engine !== undefined ? [`container '${container.name}' sets options of Docker directly`] : []),
    ...(container.volumes ?? []).flatMap((volume) =>
      "source" in volume ? [`container '${container.name}' mounts ${volume.source} of the host`] : [],
    ),
  ]);
}

/** References of the secrets that a container names: what must be there before it is made. */
export function secretsOf(container: Container): readonly string[] {
  const fromEnv = Object.values(container.env ?? {}).flatMap((value) => (typeof value === "string" ? [] : [value.secret]));
  const fromFiles = (container.files ?? []).flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
  return [...new Set([...fromEnv, ...fromFiles])];
}

/** What it mounts and may write to, as it is written. */
function writtenBy(container: Container): readonly string[] {
  const volumes = (container.volumes ?? []).filter(({ readOnly }) => !readOnly).map(volumeText);
  return [...volumes, ...engineMounts(container).flatMap(({ text, readOnly }) => (readOnly ? [] : [text]))];
}

function volumeText(volume: VolumeMount): string {
  if (volume.type === "volume") return `${volume.name}:${volume.path}`;
  if (volume.type === "shared") return `volume/${volume.name}:${volume.path}`;
  return `${volume.type === "host" ? "host" : volume.node}:${volume.source}:${volume.path}`;
}

/** The addresses of an instance's private network (`privateSubnet`). Those that share another container's network need none. */
export const PRIVATE_CONTAINERS_MAX = 13;

function checkContainers(spec: ServiceSpec, report: Report): void {
  const names = spec.containers.map(({ name }) => name);
  const own = spec.containers.filter(({ network }) => network === "default").length;
  if (own > PRIVATE_CONTAINERS_MAX)
    report(
      "spec.containers",
      `must have ${PRIVATE_CONTAINERS_MAX} containers at most with a network address of their own, has ${own}: ` +
        "make two Services of them, or let some share a network with 'network: container:NAME'",
    );
  for (const [index, container] of spec.containers.entries()) {
    const field = `spec.containers[${index}]`;
    if (names.indexOf(container.name) < index)
      report(`${field}.name`, `there is a container '${container.name}' already: names are there once`);
    checkNetwork(spec.containers, container, `${field}.network`, report);
    checkHealth(spec, container, `${field}.health`, report);
    for (const [path, at] of duplicates((container.volumes ?? []).map((volume) => volume.path))) {
      report(`${field}.volumes[${at}]`, `something is mounted at '${path}' already`);
    }
    for (const [at, alias] of (container.aliases ?? []).entries()) {
      const length = lengthProblem(alias);
      if (length !== undefined) report(`${field}.aliases[${at}]`, length);
    }
    if (container.readOnly && (container.files ?? []).length > 0)
      report(`${field}.files`, "cannot go with 'readOnly': Docker writes no file into such a container; mount them from a folder instead");
    for (const [at, file] of (container.files ?? []).entries()) {
      if (file.source !== undefined)
        report(
          `${field}.files[${at}].source`,
          `'${file.source}' was not sent along: 'fossora apply -f' reads it, or write its text as 'content'`,
        );
    }
  }
}

function checkNetwork(containers: readonly Container[], container: Container, field: string, report: Report): void {
  if (!container.network.startsWith("container:")) return;
  const wanted = container.network.slice("container:".length);
  const owner = containers.find(({ name }) => name === wanted);
  if (wanted === container.name) report(field, "must name another container: it cannot share its own network");
  else if (owner === undefined) report(field, unknownContainer(wanted, containers));
  else if (owner.network.startsWith("container:"))
    report(
      field,
      `must name the container that has the network: '${wanted}' shares that of '${owner.network.slice("container:".length)}' itself`,
    );
}

function checkHealth(spec: ServiceSpec, container: Container, field: string, report: Report): void {
  const { health } = container;
  if (health === undefined || health === "none" || !("http" in health) || health.port !== undefined) return;
  if (spec.port?.container !== container.name) report(field, "must say which port to ask on: try 'port: 8080' beside 'http'");
}

function checkAfter(containers: readonly Container[], report: Report): void {
  for (const [index, container] of containers.entries()) {
    for (const [at, wanted] of (container.after ?? []).entries()) {
      const field = `spec.containers[${index}].after[${at}]`;
      if (!containers.some(({ name }) => name === wanted)) report(field, unknownContainer(wanted, containers));
      else if (wanted === container.name) report(field, "must name another container: it cannot wait for itself");
    }
  }
  const cycle = findCycle(containers);
  const index = containers.findIndex(({ name }) => name === cycle?.[0]);
  if (cycle !== undefined) report(`spec.containers[${index}].after`, `must not go in a circle: ${cycle.join(" waits for ")}`);
}

/** Names along a circle of two or more, the first one again at its end. */
function findCycle(containers: readonly Container[]): readonly string[] | undefined {
  const after = new Map(containers.map(({ name, after: names = [] }) => [name, names.filter((each) => each !== name)]));
  for (const name of after.keys()) {
    const circle = circleFrom(name, (each) => after.get(each) ?? []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

function checkPorts(spec: ServiceSpec, name: string, report: Report): void {
  const checkContainer = (container: string, field: string): void => {
    if (!spec.containers.some((candidate) => candidate.name === container)) report(field, unknownContainer(container, spec.containers));
  };
  if (spec.port) checkContainer(spec.port.container, "spec.port");
  for (const [index, route] of (spec.routes ?? []).entries()) {
    checkContainer(route.port.container, `spec.routes[${index}].port`);
    for (const { at, message } of addressProblems(route)) report(`spec.routes[${index}].${at}`, message);
    for (const { at, message, instead } of httpProblems(route)) report(`spec.routes[${index}].${at}`, message, instead);
    const length = lengthProblem(route.host);
    if (length !== undefined) report(`spec.routes[${index}].host`, length);
    if (RESERVED_NAMES.includes(route.host))
      report(`spec.routes[${index}].host`, `'${route.host}' is a name of the house's own: take another`);
  }
  for (const [host, at] of duplicates((spec.routes ?? []).map((route) => route.host + normalPath(route.path))))
    report(`spec.routes[${at}]`, `'${host}' leads somewhere already`);
  for (const [index, listen] of (spec.listen ?? []).entries()) {
    const field = `spec.listen[${index}]`;
    for (const { at, message } of addressProblems(listen)) report(`${field}.${at}`, message);
    checkContainer(listen.container, field);
    const problem = portProblem(listen, name) ?? rangeProblem(listen) ?? overlap(listen, spec.listen?.slice(0, index) ?? []);
    if (problem !== undefined) report(field, problem);
  }
}

function rangeProblem({ port, endPort = port, targetPort }: Listen): string | undefined {
  if (endPort < port) return `must go up: ${endPort} comes before ${port}`;
  return targetPort + endPort - port > 65_535 ? "must end at port 65535 inside, too" : undefined;
}

function overlap(listen: Listen, earlier: readonly Listen[]): string | undefined {
  const other = earlier.find(
    (entry) =>
      entry.protocol === listen.protocol &&
      entry.address === listen.address &&
      entry.port <= (listen.endPort ?? listen.port) &&
      listen.port <= (entry.endPort ?? entry.port),
  );
  return other && `port ${Math.max(other.port, listen.port)}/${listen.protocol} is listened on already`;
}

/** What `engine` asks for is warned of alone: how Docker reads it is not ours to say for sure. */
function checkUpdate(spec: ServiceSpec, report: Report): void {
  const plain = { ...spec, containers: spec.containers.map(({ engine: _, ...container }) => container) };
  const reason = spec.update.order === "start-first" ? whyNotTwice(plain) : undefined;
  if (reason !== undefined)
    report("spec.update.order", `cannot be 'start-first': ${reason}; leave it out, or write 'stop-first'`, "stop-first");
}

function unknownContainer(wanted: string, containers: readonly Container[]): string {
  const names = containers.map(({ name }) => name);
  const meant = closest(wanted, names);
  return `unknown container '${wanted}': ${meant === undefined ? `there is ${names.map((name) => `'${name}'`).join(", ")}` : `did you mean '${meant}'?`}`;
}

/** Values that stand there for a second time, with their index. */
function duplicates(values: readonly string[]): readonly (readonly [string, number])[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [[value, index] as const] : []));
}
