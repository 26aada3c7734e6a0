// The edge of a Service: reads its facts from the mirror and from this node's Docker, and carries out the verbs of its plan.
import { EngineError, Refusal } from "../../src/api/errors.ts";
import { keys } from "../../src/api/keys.ts";
import { containerName, LABEL } from "../../src/api/labels.ts";
import { stamped } from "../../src/api/conditions.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import { secretsOf } from "../../src/api/service-rules.ts";
import type { DecidedService, DecidedVolume, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Controller, Ports } from "../../src/engine/contract.ts";
import type { LocalAction, Report, ServiceAction } from "./actions.ts";
import { containerSpec, dockerVolume, filesOf, hostPathsOf, networkKey, type Part } from "./container-spec.ts";
import type { Container, ContainerSpec } from "./docker-types.ts";
import type { LocalFacts, ServiceFacts } from "./facts.ts";
import { fillingsFor } from "./fill-values.ts";
import { houseFacts, imagesOf, unusedImages, wokenBy } from "./house-facts.ts";
import { jobKeys } from "./job-keys.ts";
import { recall, remember } from "./last-word.ts";
import { aged, firstAnnounced, firstSeenMs, heardOf, holdersOf, jobStates, probeStates, strayAddresses } from "./local-facts.ts";
import { newsOfDecision, newsOfReport } from "./news.ts";
import { containerJobs, findPart, isOf, isToStart, mayHaveNetworks, nameOf, networksOf, partsOn, pullsOf } from "./parts.ts";
import { hasOrder } from "./order.ts";
import { plan, transactionOf } from "./plan.ts";
import { isRoomy, prepulledImages } from "./prepull.ts";
import { endingContainers, endsWithContact } from "./promise.ts";
import { isId, noteUntagged, untaggedImages, withoutRunning } from "./pulled-images.ts";
import { withQuickEnds } from "./quick-ends.ts";
import { holdRoom } from "./room.ts";
import { networkOf, volumeName, volumeNames } from "./traits.ts";
import { isRemembered, readVolume, withMade, withOwner } from "./volumes.ts";

const kind = "Service";
/** Each time another container of the instance was quicker. */
const REMEMBER_TRIES_MAX = 8;

export const serviceController: Controller<Resource<"Service">, ServiceFacts, ServiceAction> = {
  kind,
  wakes: wokenBy,
  names: async ({ containers, mirror, addresses, identity }, signal) => {
    const wanted = [...mirror.all(kind)].map(({ metadata }) => metadata.name);
    const decided = [...mirror.allDecided(kind)].map(([name]) => name);
    // What was said of one that is deleted may be all that is left of it.
    const told = mirror.writtenBy(kind, identity.node);
    const known = [...wanted, ...decided, ...told, ...(await ownedNames(containers, signal))];
    return [...new Set([...known, ...holdersOf(addresses.keys(), known)])];
  },
  observe,
  plan,
  act: {
    PullImage: async (action, ports) => {
      ports.jobs.start(action.key, { kind, name: action.service }, (progress, signal) => pull(action, ports, progress, signal));
    },
    // Over at once: its time is all that it is for.
    BeginWait: async ({ service, instance }, { jobs }) =>
      jobs.start(jobKeys.order(service, instance), { kind, name: service }, async () => {}),
    CreateContainer: async (action, ports) => {
      ports.jobs.start(jobKeys.create(action.name), { kind, name: action.service }, (_report, signal) => create(action, ports, signal));
    },
    StartContainer: async (action, ports) => {
      ports.jobs.start(jobKeys.start(action.name), { kind, name: action.service }, (_report, signal) => start(action, ports, signal));
    },
    SetRestartPolicy: async ({ id, policy }, { containers }, signal) => containers.setRestartPolicy(id, policy, signal),
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
        // What had lost its tag and has one again is somebody's.
        const tags = isId(image) ? (await containers.image(image, signal))?.tags : [];
        if (tags?.length === 0) await containers.removeImage(image, signal);
        jobs.forget(jobKeys.prepull(service, image));
      });
    },
    Decide: async (action, { store, mirror, events }, signal) => {
      const before = mirror.decided<DecidedService>(kind, action.service)?.value;
      const settle = holdRoom(action.placement, mirror);
      if (settle === undefined) return;
      let written: number | undefined;
      try {
        const { committed, revision } = await store.commit(transactionOf(action), signal);
        // Lost: another node was quicker, and the next look sees what it decided.
        if (committed) written = revision;
      } finally {
        settle(written);
      }
      if (written === undefined) return;
      for (const news of newsOfDecision(action.service, before, action.next)) events.emit({ kind, name: action.service, ...news });
    },
    Report: report,
  },
};

/**
 * Whose private networks were here at the last resync: one that was made while its instance was being taken away is in no decision, and no
 * address tells of it.
 */
const networkHolders = new WeakMap<Ports["containers"], ReadonlySet<Name>>();

/** The last of the pulls that nobody waits for: each begins when the one before it has ended. */
const earlyPulls = new WeakMap<Ports["containers"], Promise<unknown>>();

function afterEarlierPulls<T>(containers: Ports["containers"], run: () => Promise<T>): Promise<T> {
  const before = earlyPulls.get(containers) ?? Promise.resolve();
  const mine = before.then(run, run);
  earlyPulls.set(containers, mine);
  return mine;
}

async function pull(
  { image, platform, service, isEarly }: Extract<LocalAction, { readonly kind: "PullImage" }>,
  { jobs, containers, events, mirror, identity }: Ports,
  progress: Parameters<Ports["containers"]["pull"]>[2],
  signal: AbortSignal,
): Promise<void> {
  jobs.forget(jobKeys.removeImage(image)); // it is to be removed again
  const isOwn = mirror.written<ObservedService>(kind, service, identity.node)?.value.pulled?.includes(image) === true;
  const before = isOwn ? (await containers.image(image, signal))?.id : undefined;
  const run = (): ReturnType<Ports["containers"]["pull"]> => containers.pull(image, platform, progress, signal);
  const { id: after } = await (isEarly ? afterEarlierPulls(containers, run) : run());
  noteUntagged(service, { before, after }, { containers, jobs });
  events.emit({ kind, name: service, type: "Normal", reason: "Pulled", message: `Image '${image}' was pulled` });
}

/** Services that this machine still has something of, although nobody may want them any more. */
async function ownedNames(containers: Ports["containers"], signal: AbortSignal): Promise<readonly Name[]> {
  try {
    const owned = (await containers.list(undefined, signal)).map(({ service }) => service);
    const networks = (await containers.networks(signal)).map(({ labels }) => labels[LABEL.name]).filter((name) => name !== undefined);
    networkHolders.set(containers, new Set(networks));
    return [...owned, ...networks];
  } catch (error) {
    // Everything is looked at again once Docker is back.
    if (error instanceof EngineError) return [];
    throw error;
  }
}

async function observe(name: Name, ports: Ports, signal: AbortSignal): Promise<ServiceFacts> {
  const { mirror, identity, jobs } = ports;
  const desired = mirror.desired(kind, name);
  const volumes = mirror.fresh ? await unknownVolumes(name, desired?.spec, ports, signal) : {}; // else nothing is decided
  const house = houseFacts(name, mirror, { desiredSeenAtMs: firstSeenMs(desired, ports), volumes });
  const decided = house.decided?.value;
  const reported = mirror.written<ObservedService>(kind, name, identity.node);
  const parts = partsOn(identity.node, name, decided);
  const early = prepulledImages(name, house, identity.node);
  const pulls = [...pullsOf(parts), ...early.map((image) => ({ image, key: jobKeys.prepull(name, image) }))];
  // Also where others were chosen by the time it had pulled: what nobody tells of nobody removes.
  const prepulls = imagesOf(decided).map((image) => ({ image, key: jobKeys.prepull(name, image) }));
  // Jobs before containers: what a job that has ended did is in the list, then.
  const waits = parts.map(({ instance }) => jobKeys.order(name, instance));
  const begun = jobStates([...pulls.map(({ key }) => key), ...waits, ...parts.flatMap((part) => containerJobs(nameOf(part)))], ports);
  const docker = await listed(name, ports, signal);
  const standing = { reported, voters: ports.voters() };
  const told = { report: reported?.value, bootId: identity.bootId };
  const lastHeard = docker.containers ? remember(name, docker.containers, ports) : recall(name, told, ports);
  if (docker.containers) ports.fence.keep(name, endingContainers(docker.containers, decided, standing));
  const missing = parts.filter((part) => !docker.containers?.some((each) => isOf(part, each)));
  const untold = parts.filter(({ instance }) => !reported?.value.instances.some(({ id }) => id === instance));
  const present = (docker.containers ?? []).map((each) => each.name);
  // What is still taken for no container may be a network of an earlier revision.
  const mayHave = mayHaveNetworks(decided) || networkHolders.get(ports.containers)?.has(name) === true;
  const asks = docker.containers && (mayHave || strayAddresses(name, present, ports).length > 0);
  const networks = asks ? networksOf(name, await ports.containers.networks(signal)) : [];
  const idle = parts.filter((part) => !docker.containers?.some((each) => isOf(part, each) && !isToStart(part, each)));
  const unneeded = unusedImages(reported?.value, mirror);
  const unused = withoutRunning(unneeded, unneeded.some(isId) && docker.containers ? await ports.containers.list(undefined, signal) : []);
  const images = docker.containers ? [...[...missing, ...untold].map(({ container }) => container.image), ...early] : [];
  const ending = [
    ...(docker.containers ?? []).flatMap((each) => containerJobs(each.name)),
    ...networks.map((each) => jobKeys.network(each.name)),
    ...unused.map(jobKeys.removeImage),
  ];
  const local: LocalFacts = {
    ...docker,
    lastHeard,
    bootId: identity.bootId,
    voters: standing.voters,
    inContact: ports.fence.isOpen,
    images: await imagesByReference([...images, ...(docker.containers ? unused : [])], ports, signal),
    jobs: { ...jobStates(ending, ports), ...begun },
    probes: probeStates(name, parts, docker.containers ?? lastHeard, ports),
    missingPaths: await missingPaths(idle, ports),
    missingSecrets: missing
      .flatMap(({ container }) => secretsOf(container))
      .filter((reference) => ports.secrets.get(reference) === undefined),
    networks,
    strayAddresses: docker.containers
      ? strayAddresses(name, [...present, ...networks.map((each) => networkKey(name, each.instance))], ports)
      : [],
    hasRoom: early.length === 0 || isRoomy(await ports.system.disk()),
    busy: await busyInstances(name, decided, docker.containers ?? [], ports),
    pulled: [
      ...[...pulls, ...prepulls].filter(({ key }) => jobs.get(key)?.state === "done").map(({ image }) => image),
      ...untaggedImages(name, reported?.value, ports),
    ],
    unused,
    reported,
    heardOf: heardOf(name, mirror, identity.node),
    announced: firstAnnounced(ports),
  };
  return { name, house, local };
}

/** The ingress is asked only while something that ran is taken away. */
async function busyInstances(
  service: Name,
  decided: DecidedService | undefined,
  containers: readonly Container[],
  { identity, proxy }: Ports,
): Promise<readonly string[]> {
  const stays = new Set(decided?.instances.filter(({ node }) => node === identity.node).map(({ id }) => id));
  const leaving = containers.filter(({ instance, state }) => state === "running" && !stays.has(instance));
  if (leaving.length === 0) return [];
  const busy = await proxy.busy();
  return [...new Set(leaving.map(({ instance }) => instance))].filter((id) => busy.has(`${service}-${id}`));
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
  const read = async (volume: Name): Promise<DecidedVolume | undefined> =>
    withOwner(volume, readVolume(await store.get(keys.volume(volume), signal)), mirror);
  return Object.fromEntries(await Promise.all(names.map(async (volume) => [volume, await read(volume)] as const)));
}

async function listed(
  name: Name,
  { containers, clock, identity }: Ports,
  signal: AbortSignal,
): Promise<Pick<LocalFacts, "containers" | "dockerProblem">> {
  try {
    const wallMs = Date.parse(clock.wall());
    const times = { wallMs, bootedMs: wallMs - (clock.now() - identity.bootedAtMs) };
    const found = (await containers.list(name, signal)).map((each) => aged(each, times));
    return { containers: withQuickEnds(name, found, { containers }), dockerProblem: undefined };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { containers: undefined, dockerProblem: error.message };
  }
}

async function imagesByReference(references: readonly string[], { containers }: Ports, signal: AbortSignal): Promise<LocalFacts["images"]> {
  const found = await Promise.all(
    [...new Set(references)].map(async (reference) => [reference, await containers.image(reference, signal)] as const),
  );
  return Object.fromEntries(found);
}

async function missingPaths(parts: readonly Part[], { volumes }: Ports): Promise<readonly string[]> {
  const paths = [...new Set(parts.flatMap(({ container }) => hostPathsOf(container)))];
  const found = await Promise.all(paths.map((path) => volumes.exists(path)));
  return paths.filter((_, index) => found[index] === false);
}

async function create(
  action: Extract<LocalAction, { readonly kind: "CreateContainer" }>,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  const part = findPart(action, ports.mirror.decided<DecidedService>(kind, action.service)?.value);
  if (part === undefined) return; // decided otherwise meanwhile
  await makeVolumes(part, ports, signal);
  const network = await networkFor(part, ports, signal);
  const spec = containerSpec(part, fillingsFor(part, network, ports));
  await ports.containers.create(isEnded(part, ports) || hasOrder(part.spec) ? { ...spec, restart: "no" } : spec, signal);
}

/** With the contact to the house. */
function isEnded({ service, instance }: Part, { mirror, identity, voters }: Ports): boolean {
  const reported = mirror.written<ObservedService>(kind, service, identity.node);
  return endsWithContact(instance, mirror.decided<DecidedService>(kind, service)?.value, { reported, voters: voters() });
}

async function start(action: Extract<LocalAction, { readonly kind: "StartContainer" }>, ports: Ports, signal: AbortSignal): Promise<void> {
  const part = findPart(action, ports.mirror.decided<DecidedService>(kind, action.service)?.value);
  if (part === undefined) return; // decided otherwise meanwhile
  const files = filesOf(part.container, fillingsFor(part, { kind: "host" }, ports));
  if (files.length > 0) await ports.containers.putFiles(action.id, files, signal);
  if (isEnded(part, ports)) {
    await ports.fence.admit(part.service, action.id, signal);
    if (findPart(action, ports.mirror.decided<DecidedService>(kind, action.service)?.value) === undefined) return;
  }
  try {
    await ports.containers.start(action.id, signal);
  } catch (error) {
    // Trying again would meet it again, for ever; what it needs and has lost, such as its network, is made with a new one.
    if (error instanceof EngineError && (error.fault === "leftover" || error.fault === "notFound")) await discard(action, ports, signal);
    throw error;
  }
  const event = { kind, name: part.service, type: "Normal", reason: "Started", message: `Container '${action.name}' was started` } as const;
  ports.events.emit(
    action.without === undefined
      ? event
      : { ...event, type: "Warning", reason: "StartedWithout", message: `${event.message} without waiting any longer: ${action.without}` },
  );
}

async function discard(
  { id, name, service }: Extract<LocalAction, { readonly kind: "StartContainer" }>,
  { containers, events }: Ports,
  signal: AbortSignal,
): Promise<void> {
  const kept = await containers.discard(id, signal);
  if (kept.length === 0) return;
  const message = `Container '${name}' could not be started and is made anew; what it had in volumes of its image stays in Docker as ${kept.join(", ")}`;
  events.emit({ kind, name: service, type: "Warning", reason: "VolumesLeft", message });
}

/** Makes each once; afterwards a missing directory is a loss, and the attempt ends in a Refusal that says so. */
async function makeVolumes({ service, container }: Part, ports: Ports, signal: AbortSignal): Promise<void> {
  const { mirror, volumes, containers, identity } = ports;
  const names = new Set((container.volumes ?? []).map((mount) => volumeName(service, mount)).filter((name) => name !== undefined));
  const made: Name[] = [];
  for (const name of names) {
    const decided = mirror.decided<DecidedService>(kind, service)?.value.volumes?.[name];
    // Docker would make an empty volume of that name.
    if (decided?.node !== identity.node)
      throw new Refusal("VolumeLost", `Cannot use volume '${name}' on ${identity.node}: its data is on ${decided?.node ?? "no node"}`);
    const directory = await volumes.ensure(name, decided.uid, decided.made);
    await containers.ensureVolume(dockerVolume(name), directory, { [LABEL.kind]: "Volume", [LABEL.name]: name }, signal);
    if (!isRemembered(name, decided, service)) made.push(name);
  }
  if (made.length > 0) await rememberMade(made, service, ports, signal);
}

/** From the store itself: the other containers of the instance are made at the same time, and remember theirs. */
async function rememberMade(names: readonly Name[], service: Name, { store }: Ports, signal: AbortSignal): Promise<void> {
  const places = new Map([[keys.decided(kind, service), names], ...names.map((name) => [keys.volume(name), [name]] as const)]);
  for (let tries = 0; tries < REMEMBER_TRIES_MAX; tries++) {
    const entries = (await Promise.all([...places.keys()].map((key) => store.get(key, signal)))).filter((entry) => entry !== undefined);
    const writes = entries.map(({ key, value }) => ({ put: key, value: withMade(value, places.get(key) ?? [], service) }));
    const compare = entries.map(({ key, modRevision }) => ({ key, modRevision }));
    if ((await store.commit({ compare, writes }, signal)).committed) return;
  }
  throw new Error(`Cannot remember that ${names.join(", ")} were made: others write the same again and again`);
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

async function report({ service, node, observed }: Report, { mirror, store, clock, events }: Ports, signal: AbortSignal): Promise<void> {
  const key = keys.observed(kind, service, node);
  const before = mirror.written<ObservedService>(kind, service, node)?.value.instances ?? [];
  const instances = (observed?.instances ?? []).map((instance) => ({
    ...instance,
    conditions: stamped(instance.conditions, before.find(({ id }) => id === instance.id)?.conditions ?? [], clock.wall()),
  }));
  const write = observed === undefined ? { delete: key } : { put: key, value: JSON.stringify({ ...observed, instances }) };
  await store.commit({ compare: [], writes: [write] }, signal);
  for (const news of newsOfReport(instances, before)) events.emit({ kind, name: service, ...news });
}
