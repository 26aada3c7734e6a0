// The edge of a Service: reads its facts from the mirror and from this node's Docker, and carries out the verbs of its plan.
import { EngineError, Refusal } from "../../src/api/errors.ts";
import { keys } from "../../src/api/keys.ts";
import { LABEL } from "../../src/api/labels.ts";
import { stamped } from "../../src/api/conditions.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { DecidedService, DecidedVolume, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Change, Controller, Mirror, Ports } from "../../src/engine/contract.ts";
import type { LocalAction, Report, ServiceAction } from "./actions.ts";
import {
  containerName,
  containerSpec,
  dockerVolume,
  filesOf,
  hostPathsOf,
  networkKey,
  secretsOf,
  type Fillings,
  type Part,
} from "./container-spec.ts";
import type { Container, ContainerSpec, JobState } from "./docker-types.ts";
import type { LocalContainer, LocalFacts, ServiceFacts } from "./facts.ts";
import { fillValues, ZONE_DEFAULT } from "./fill-values.ts";
import { addressOf, probeOf } from "./health.ts";
import { houseFacts, isDecidedName, unusedImages } from "./house-facts.ts";
import { jobKeys } from "./job-keys.ts";
import { containerJobs, isOf, mayHaveNetworks, nameOf, networksOf, partsOn, pullsOf } from "./parts.ts";
import { plan, transactionOf } from "./plan.ts";
import { networkOf, volumeName, volumeNames } from "./traits.ts";

const kind = "Service";
const LOOPBACK = "127.0.0.1";

export const serviceController: Controller<Resource<"Service">, ServiceFacts, ServiceAction> = {
  kind,
  wakes,
  names: async ({ containers, mirror }, signal) => {
    const wanted = [...mirror.all(kind)].map(({ metadata }) => metadata.name);
    const decided = [...mirror.allDecided(kind)].map(([name]) => name);
    return [...new Set([...wanted, ...decided, ...(await ownedNames(containers, signal))])];
  },
  observe,
  plan,
  act: {
    PullImage: async ({ image, platform, key, service }, { jobs, containers, events }) => {
      jobs.start(key, { kind, name: service }, async (report, signal) => {
        await containers.pull(image, platform, report, signal);
        events.emit({ kind, name: service, type: "Normal", reason: "Pulled", message: `Image '${image}' was pulled` });
      });
    },
    CreateContainer: async (action, ports) => {
      ports.jobs.start(jobKeys.create(action.name), { kind, name: action.service }, (_report, signal) => create(action, ports, signal));
    },
    StartContainer: async (action, ports) => {
      ports.jobs.start(jobKeys.start(action.name), { kind, name: action.service }, (_report, signal) => start(action, ports, signal));
    },
    RemoveContainer: async ({ name, id, graceMs, service }, { jobs, containers, events }) => {
      jobs.start(jobKeys.remove(name), { kind, name: service }, async (_report, signal) => {
        await containers.stop(id, graceMs, signal);
        await containers.remove(id, signal);
        for (const key of [jobKeys.create(name), jobKeys.start(name)]) jobs.forget(key);
        events.emit({ kind, name: service, type: "Normal", reason: "Removed", message: `Container '${name}' was stopped and removed` });
      });
    },
    RemoveNetwork: async ({ name, service }, { jobs, containers }) => {
      jobs.start(jobKeys.network(name), { kind, name: service }, async (_report, signal) => {
        await containers.removeNetwork(name, signal);
      });
    },
    ReleaseAddress: async ({ key }, { addresses }) => {
      await addresses.release(key);
      await addresses.releaseNetwork(key);
    },
    RemoveImage: async ({ image, service }, { jobs, containers }) => {
      jobs.start(jobKeys.removeImage(image), { kind, name: service }, async (_report, signal) => {
        await containers.removeImage(image, signal);
      });
    },
    Decide: async (action, { store, log }, signal) => {
      const { committed } = await store.commit(transactionOf(action), signal);
      // Lost: another node was quicker, and the next look sees what it decided.
      if (!committed) log.debug("Decision came too late", { kind, name: action.service });
    },
    Report: report,
  },
};

/** Services that this machine still has something of, although nobody may want them any more. */
async function ownedNames(containers: Ports["containers"], signal: AbortSignal): Promise<readonly Name[]> {
  try {
    const owned = (await containers.list(undefined, signal)).map(({ service }) => service);
    const networks = (await containers.networks(signal)).map(({ labels }) => labels[LABEL.name]).filter((name) => name !== undefined);
    return [...owned, ...networks];
  } catch (error) {
    // Everything is looked at again once Docker is back.
    if (error instanceof EngineError) return [];
    throw error;
  }
}

function wakes(change: Change, mirror: Mirror): readonly Name[] {
  if (change.kind === kind) return [change.name];
  const isAboutNodes = change.room === "node" || change.kind === "Membership";
  return isAboutNodes ? [...mirror.all(kind)].map(({ metadata }) => metadata.name) : [];
}

async function observe(name: Name, ports: Ports, signal: AbortSignal): Promise<ServiceFacts> {
  const { mirror, identity, jobs } = ports;
  const desired = mirror.desired(kind, name);
  const volumes = await unknownVolumes(name, desired?.spec, ports, signal);
  const house = houseFacts(name, mirror, { desiredSeenAtMs: firstSeenMs(desired, ports), volumes });
  const decided = house.decided?.value;
  const reported = mirror.written<ObservedService>(kind, name, identity.node);
  const parts = partsOn(identity.node, name, decided);
  const pulls = pullsOf(parts);
  // Jobs before containers: what a job that has ended did is in the list, then.
  const begun = jobStates([...pulls.map(({ key }) => key), ...parts.flatMap((part) => containerJobs(nameOf(part)))], ports);
  const docker = await listed(name, ports, signal);
  const missing = parts.filter((part) => !docker.containers?.some((each) => isOf(part, each)));
  const untold = parts.filter(({ instance }) => !reported?.value.instances.some(({ id }) => id === instance));
  const networks = mayHaveNetworks(decided) && docker.containers ? networksOf(name, await ports.containers.networks(signal)) : [];
  const unused = unusedImages(reported?.value, mirror);
  const images = docker.containers ? [...missing, ...untold].map(({ container }) => container.image) : [];
  const ending = [
    ...(docker.containers ?? []).flatMap((each) => containerJobs(each.name)),
    ...networks.map((each) => jobKeys.network(each.name)),
    ...unused.map(jobKeys.removeImage),
  ];
  const local: LocalFacts = {
    ...docker,
    bootId: identity.bootId,
    images: await imagesByReference([...images, ...(docker.containers ? unused : [])], ports, signal),
    jobs: { ...jobStates(ending, ports), ...begun },
    probes: probeStates(name, parts, docker.containers ?? [], ports),
    missingPaths: await missingPaths(missing, ports),
    missingSecrets: missing
      .flatMap(({ container }) => secretsOf(container))
      .filter((reference) => ports.secrets.get(reference) === undefined),
    networks,
    strayAddresses: docker.containers
      ? strayAddresses(
          name,
          [...docker.containers.map((each) => each.name), ...networks.map((each) => networkKey(name, each.instance))],
          ports,
        )
      : [],
    pulled: pulls.filter(({ key }) => jobs.get(key)?.state === "done").map(({ image }) => image),
    unused,
    reported,
  };
  return { name, house, local };
}

/** By the object itself: the mirror makes another one when it changes. */
const seenAtMs = new WeakMap<Resource<"Service">, number>();

function firstSeenMs(desired: Resource<"Service"> | undefined, { clock }: Ports): number {
  if (desired === undefined) return 0;
  const known = seenAtMs.get(desired) ?? clock.now();
  seenAtMs.set(desired, known);
  return known;
}

/** Volumes outlive Services: the store is asked for those of which this Service's decision says nothing. */
async function unknownVolumes(
  name: Name,
  spec: ServiceSpec | undefined,
  { mirror, store }: Ports,
  signal: AbortSignal,
): Promise<ServiceFacts["house"]["volumes"]> {
  const known = mirror.decided<DecidedService>(kind, name)?.value.volumes ?? {};
  const names = spec === undefined ? [] : volumeNames(name, spec).filter((volume) => known[volume] === undefined);
  const found = await Promise.all(names.map(async (volume) => [volume, readVolume(await store.get(keys.volume(volume), signal))] as const));
  return Object.fromEntries(found);
}

function readVolume(entry: { readonly value: string } | undefined): DecidedVolume | undefined {
  return entry && (JSON.parse(entry.value) as DecidedVolume); // only Decide and `made` below write it
}

async function listed(
  name: Name,
  { containers, clock }: Ports,
  signal: AbortSignal,
): Promise<Pick<LocalFacts, "containers" | "dockerProblem">> {
  try {
    const wallMs = Date.parse(clock.wall());
    return { containers: (await containers.list(name, signal)).map((each) => aged(each, wallMs)), dockerProblem: undefined };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { containers: undefined, dockerProblem: error.message };
  }
}

/** Docker's times and `wallMs` are of the same machine. */
function aged(container: Container, wallMs: number): LocalContainer {
  const startedMs = Date.parse(container.startedAt ?? "") || 0;
  const endedMs = Date.parse(container.finishedAt ?? "") || 0;
  const isOver = container.state === "exited" || container.state === "dead";
  return {
    ...container,
    startedMs,
    ranMs: Math.max(0, (isOver ? endedMs : wallMs) - startedMs),
    endedAgoMs: Math.max(0, wallMs - endedMs),
  };
}

function jobStates(names: readonly string[], { jobs }: Ports): Readonly<Record<string, JobState | undefined>> {
  return Object.fromEntries(names.map((name) => [name, jobs.get(name)]));
}

async function imagesByReference(references: readonly string[], { containers }: Ports, signal: AbortSignal): Promise<LocalFacts["images"]> {
  const found = await Promise.all(
    [...new Set(references)].map(async (reference) => [reference, await containers.image(reference, signal)] as const),
  );
  return Object.fromEntries(found);
}

/** Taken for containers that are neither here nor to be made: whatever was cut short, they do not stay taken. */
function strayAddresses(name: Name, present: readonly string[], { addresses, mirror }: Ports): readonly string[] {
  const own = addresses.keys().filter((key) => key.startsWith(`${name}-`) && !present.includes(key));
  return own.filter((key) => !isDecidedName(key, mirror));
}

async function missingPaths(parts: readonly Part[], { volumes }: Ports): Promise<readonly string[]> {
  const paths = [...new Set(parts.flatMap(({ container }) => hostPathsOf(container)))];
  const found = await Promise.all(paths.map((path) => volumes.exists(path)));
  return paths.filter((_, index) => found[index] === false);
}

/** Begins or goes on with the agent's own checks of what runs, and ends the others. */
function probeStates(
  name: Name,
  parts: readonly Part[],
  containers: readonly Container[],
  { probes, mirror, identity }: Ports,
): LocalFacts["probes"] {
  const nodeAddress = mirror.nodes().get(identity.node)?.value.addresses.lan[0] ?? LOOPBACK;
  const wanted = parts.flatMap((part) => {
    const docker = containers.find((each) => isOf(part, each));
    const host = addressOf(
      part.container,
      containers.filter(({ instance }) => instance === part.instance),
      nodeAddress,
    );
    const probe = docker?.state === "running" && host !== undefined ? probeOf(part.spec, part.container, docker, host) : undefined;
    return docker && probe ? [{ id: docker.id, probe }] : [];
  });
  probes.keep(
    name,
    wanted.map(({ id }) => id),
  );
  return Object.fromEntries(wanted.map(({ id, probe }) => [id, probes.watch(id, name, probe)]));
}

async function create(
  action: Extract<LocalAction, { readonly kind: "CreateContainer" }>,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  const part = findPart(action, ports.mirror);
  if (part === undefined) return; // decided otherwise meanwhile
  await makeVolumes(part, ports, signal);
  const network = await networkFor(part, ports, signal);
  await ports.containers.create(containerSpec(part, fillingsFor(part, network, ports)), signal);
}

async function start(action: Extract<LocalAction, { readonly kind: "StartContainer" }>, ports: Ports, signal: AbortSignal): Promise<void> {
  const part = findPart(action, ports.mirror);
  if (part === undefined) return; // decided otherwise meanwhile
  const files = filesOf(part.container, fillingsFor(part, { kind: "host" }, ports));
  if (files.length > 0) await ports.containers.putFiles(action.id, files, signal);
  await ports.containers.start(action.id, signal);
  ports.events.emit({ kind, name: part.service, type: "Normal", reason: "Started", message: `Container '${action.name}' was started` });
}

function findPart(
  { service, instance, container }: { readonly service: Name; readonly instance: string; readonly container: string },
  mirror: Mirror,
): Part | undefined {
  const decided = mirror.decided<DecidedService>(kind, service)?.value;
  const node = decided?.instances.find(({ id }) => id === instance)?.node;
  return node === undefined
    ? undefined
    : partsOn(node, service, decided).find((part) => part.instance === instance && part.container.name === container);
}

/** Makes each once; afterwards a missing directory is a loss, and the attempt ends in a Refusal that says so. */
async function makeVolumes({ service, container }: Part, ports: Ports, signal: AbortSignal): Promise<void> {
  const { mirror, volumes, containers, identity } = ports;
  const names = (container.volumes ?? []).map((mount) => volumeName(service, mount)).filter((name) => name !== undefined);
  for (const name of new Set(names)) {
    const decided = mirror.decided<DecidedService>(kind, service)?.value.volumes?.[name];
    // Docker would make an empty volume of that name.
    if (decided?.node !== identity.node)
      throw new Refusal("VolumeLost", `Cannot use volume '${name}' on ${identity.node}: its data is on ${decided?.node ?? "no node"}`);
    const directory = await volumes.ensure(name, decided.uid, decided.made);
    await containers.ensureVolume(dockerVolume(name), directory, { [LABEL.kind]: "Volume", [LABEL.name]: name }, signal);
    if (!decided.made) await rememberMade(name, service, ports, signal);
  }
}

async function rememberMade(name: Name, service: Name, { mirror, store }: Ports, signal: AbortSignal): Promise<void> {
  const decided = mirror.decided<DecidedService>(kind, service);
  const entry = await store.get(keys.volume(name), signal);
  const volume = readVolume(entry);
  if (entry === undefined || volume === undefined || decided === undefined) return;
  const made = { ...volume, made: true } satisfies DecidedVolume;
  const next: DecidedService = { ...decided.value, volumes: { ...decided.value.volumes, [name]: made } };
  const key = keys.decided(kind, service);
  const { committed } = await store.commit(
    {
      compare: [
        { key: entry.key, modRevision: entry.modRevision },
        { key, modRevision: decided.modRevision },
      ],
      writes: [
        { put: entry.key, value: JSON.stringify(made) },
        { put: key, value: JSON.stringify(next) },
      ],
    },
    signal,
  );
  if (!committed) throw new Error(`Volume '${name}' was decided anew while it was made`);
}

async function networkFor(
  { service, instance, spec, container }: Part,
  { containers, addresses }: Ports,
  signal: AbortSignal,
): Promise<ContainerSpec["network"]> {
  if (container.network === "host") return { kind: "host" };
  const shared = networkOf(container);
  if (shared !== undefined) {
    const owner = (await containers.list(service, signal)).find((each) => each.instance === instance && each.container === shared);
    if (owner === undefined) throw new EngineError("notFound", `Cannot share the network of '${shared}': its container is gone`);
    return { kind: "container", id: owner.id };
  }
  const isAlone = spec.containers.length === 1;
  const network = isAlone ? addresses.shared : await addresses.privateNetwork(networkKey(service, instance));
  const owner = isAlone ? {} : { [LABEL.name]: service, [LABEL.instance]: instance };
  await containers.ensureNetwork({ ...network, labels: { ...network.labels, ...owner } }, signal);
  const address = await addresses.take(network, containerName(service, instance, container.name));
  const aliases = isAlone ? [] : [container.name, ...(container.aliases ?? [])];
  return {
    kind: "bridge",
    network: network.name,
    address,
    aliases,
    ...(container.macAddress !== undefined && { macAddress: container.macAddress }),
  };
}

function fillingsFor(part: Part, network: ContainerSpec["network"], { mirror, identity, secrets, addresses, system }: Ports): Fillings {
  const record = mirror.nodes().get(identity.node)?.value;
  const zone = mirror.desired("House", "house")?.spec.zone ?? ZONE_DEFAULT;
  const references = secretsOf(part.container).map((reference) => [reference, secrets.get(reference) ?? ""] as const);
  return {
    values: fillValues(part.service, part.spec, {
      zone,
      node: identity.node,
      proxies: addresses.gateway,
      httpPort: record?.ports.http ?? 80,
    }),
    secrets: Object.fromEntries(references),
    devices: record?.devices ?? [],
    network,
    nameServers: [addresses.gateway, ...system.resolvers()],
  };
}

async function report({ service, node, observed }: Report, { mirror, store, clock }: Ports, signal: AbortSignal): Promise<void> {
  const key = keys.observed(kind, service, node);
  const before = mirror.observed<ObservedService>(kind, service).get(node)?.value.instances ?? [];
  const instances = observed?.instances.map((instance) => ({
    ...instance,
    conditions: stamped(instance.conditions, before.find(({ id }) => id === instance.id)?.conditions ?? [], clock.wall()),
  }));
  const write = observed === undefined ? { delete: key } : { put: key, value: JSON.stringify({ ...observed, instances }) };
  await store.commit({ compare: [], writes: [write] }, signal);
}
