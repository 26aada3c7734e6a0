// A Docker engine's state in memory, over a virtual clock: the world's side of it, for the simulator and for tests. What is
// called is in containers.ts.
import { EngineError, type EngineFault } from "../../src/api/errors.ts";
import { LABEL } from "../../src/api/labels.ts";
import type { ContainerEvent, ContainerSpec, ImageInfo, NetworkSpec } from "../../src/container-ports.ts";
import type { Clock, Random } from "../../src/ports.ts";
import { Broadcast } from "./broadcast.ts";
import { type Behaviour, FakeContainer, imageId } from "./containers-life.ts";

/** What a registry, or the engine, has under a reference. */
export interface FakeImage {
  readonly pullMs?: number;
  readonly bytes?: number;
  /** Another one is another image under the same reference. */
  readonly build?: string;
  readonly hasHealthcheck?: boolean;
  readonly exposedTcpPorts?: readonly number[];
  /** What asking the registry for it ends in. */
  readonly refused?: EngineFault;
}

export interface FakeEngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** What pulls find; may change at any time and be shared by several engines. */
  readonly registry?: ReadonlyMap<string, FakeImage>;
  readonly behave?: (spec: ContainerSpec) => Behaviour;
  readonly remoteNetwork?: boolean;
}

const idDigits = 64;
/** As the real adapter has it. */
const CALL_LIMIT_MS = 25_000;
const HUNG_LOOK_MS = 1_000;

export class FakeEngine {
  readonly options: FakeEngineOptions;
  readonly images = new Map<string, FakeImage>();
  readonly networks = new Map<string, NetworkSpec>();
  readonly volumes = new Map<string, string>();
  readonly containers = new Map<string, FakeContainer>();
  readonly events = new Broadcast<ContainerEvent>();
  /** Host paths and devices that do not exist here. */
  readonly missingPaths = new Set<string>();
  /** Containers without our labels, by name, with their address: nobody may touch them. */
  readonly foreign = new Map<string, string | undefined>();
  /** Each call that would have touched a foreign container: must stay empty. */
  readonly violations: string[] = [];
  /** No image can be pulled and no container made. */
  diskFull = false;
  daemonUp = true;
  /** The daemon answers nothing and does nothing, and its containers go on. */
  hangs = false;
  /** It has been found to hang: nobody waits for it as long again. */
  isSilent = false;
  /** What it tells when it goes on. */
  #late: (() => void)[] = [];

  constructor(options: FakeEngineOptions) {
    this.options = options;
  }

  /** What answers on an address now, as a probe or a proxy would find it. */
  serving(address: string): FakeContainer | undefined {
    return [...this.containers.values()].find((each) => each.address === address && each.serving);
  }

  /** The daemon ends and takes its containers with it: by its own stop, or with the machine's power. */
  stopDaemon(how: "stopped" | "powerLoss" = "stopped"): void {
    this.daemonUp = false;
    this.hangs = false;
    this.isSilent = false;
    this.#late = [];
    for (const container of this.containers.values()) container.end(how === "stopped" ? "term" : "powerLoss");
  }

  hang(): void {
    this.hangs = true;
  }

  goOn(): void {
    this.hangs = false;
    this.isSilent = false;
    for (const tell of this.#late.splice(0)) tell();
  }

  /** Throws when the daemon has hung for the time that a call may take. */
  async answers(signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; this.hangs; waitedMs += HUNG_LOOK_MS) {
      this.isSilent ||= waitedMs >= CALL_LIMIT_MS;
      if (this.isSilent) throw new EngineError("unavailable", "Cannot reach Docker: it did not answer within 25 s");
      await this.options.clock.sleep(HUNG_LOOK_MS, signal);
    }
    if (!this.daemonUp) throw new EngineError("unavailable", "Cannot reach Docker: nobody answers on its socket");
  }

  /** What the daemon does of itself waits until it goes on. */
  whenItGoesOn(run: () => void): void {
    if (this.hangs) this.#late.push(run);
    else run();
  }

  startDaemon(): void {
    this.daemonUp = true;
    for (const container of this.containers.values()) container.daemonStarted();
    this.events.send({ action: "connected" });
  }

  add(spec: ContainerSpec, image: FakeImage): FakeContainer {
    const container = new FakeContainer(this.#newId(), spec, imageInfo(spec.image, image), {
      clock: this.options.clock,
      behave: this.options.behave ?? (() => ({})),
      emit: (action) => this.emit(container, action),
      whenDaemonRuns: (run) => this.whenItGoesOn(run),
    });
    this.containers.set(container.id, container);
    return container;
  }

  /** Lost while the daemon is away, as with a real stream. */
  emit(container: FakeContainer, action: string): void {
    const service = container.spec.labels[LABEL.name];
    if (this.daemonUp) this.whenItGoesOn(() => this.events.send({ action, ...(service !== undefined && { service }) }));
  }

  /** As if it had been pulled before. An image that had the reference stays under its id. */
  load(reference: string, image: FakeImage = {}): ImageInfo {
    const [before, after] = [this.imageInfo(reference), imageInfo(reference, image)];
    if (before !== undefined && before.id !== after.id) this.images.set(before.id, this.images.get(reference) ?? {});
    this.images.delete(after.id);
    this.images.set(reference, image);
    return imageInfo(reference, image);
  }

  imageInfo(reference: string): ImageInfo | undefined {
    const image = this.images.get(reference);
    return image && imageInfo(reference, image);
  }

  /** What Docker checks when a container starts, and not before. */
  requireStartable({ name, network, mounts, devices }: ContainerSpec): void {
    for (const { source } of mounts) if ("hostPath" in source) this.requirePath(source.hostPath, name, "hostPathMissing");
    for (const { source } of mounts)
      if ("volume" in source) this.requirePath(this.volumes.get(source.volume) ?? source.volume, name, "hostPathMissing");
    for (const { host } of devices) this.requirePath(host, name, "deviceMissing");
    if (network.kind === "container" && this.containers.get(network.id)?.state !== "running") {
      throw new EngineError("invalid", `Cannot start container "${name}": the container whose network it joins does not run`);
    }
    if (network.kind !== "bridge") return;
    if (!this.networks.has(network.network))
      throw new EngineError("notFound", `Cannot start container "${name}": there is no network "${network.network}"`);
    const taken = this.serves(network.address) || [...this.foreign.values()].includes(network.address);
    if (taken) throw new EngineError("addressInUse", `Cannot start container "${name}": address ${network.address} is in use`);
  }

  requirePath(path: string, name: string, fault: EngineFault): void {
    if (this.missingPaths.has(path))
      throw new EngineError(fault, `Cannot use "${path}" in container "${name}": it does not exist on this machine`);
  }

  requireSpace(what: string): void {
    if (this.diskFull) throw new EngineError("diskFull", `Cannot make ${what}: no space left on device`);
  }

  serves(address: string): boolean {
    return [...this.containers.values()].some((each) => each.address === address && each.state === "running");
  }

  #newId(): string {
    return Array.from({ length: idDigits }, () => Math.floor(this.options.random.next() * 16).toString(16)).join("");
  }
}

function imageInfo(reference: string, image: FakeImage): ImageInfo {
  const isUntagged = reference.startsWith("sha256:");
  const id = isUntagged ? reference : imageId(reference, image.build);
  return {
    id,
    digests: [`${reference}@${id}`],
    tags: isUntagged ? [] : [reference],
    arch: "amd64",
    hasHealthcheck: image.hasHealthcheck ?? false,
    exposedTcpPorts: image.exposedTcpPorts ?? [],
    bytes: image.bytes ?? 0,
  };
}
