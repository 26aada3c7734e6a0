// The `Containers` port over the fake engine: every call takes virtual time and may fail before or after it took effect.
import { EngineError, type EngineFault } from "../../src/api/errors.ts";
import { LABEL } from "../../src/api/labels.ts";
import type { FileEntry } from "../../src/api/types.ts";
import type {
  Container,
  ContainerEvent,
  Containers,
  ContainerSpec,
  EngineInfo,
  ExecSession,
  ImageInfo,
  LogChunk,
  NetworkSpec,
  PullProgress,
} from "../../src/container-ports.ts";
import type { FakeEngine } from "./containers-engine.ts";
import type { FakeContainer } from "./containers-life.ts";

/** What goes wrong with one call: it takes longer, or fails before or after it took effect. */
export interface CallFault {
  readonly delayMs?: number;
  readonly fails?: "before" | "after";
  readonly fault?: EngineFault;
}

/** Asked before each call. `subject`: a container's, network's or volume's name, an image's reference. */
export type CallFaults = (method: keyof Containers, subject: string) => CallFault | undefined;

type RestartPolicy = Parameters<Containers["setRestartPolicy"]>[1];

const callMs = 1;
const startMs = 150;
const pullSteps = 10;

export class FakeContainers implements Containers {
  readonly #engine: FakeEngine;
  readonly #faults: CallFaults;

  constructor(engine: FakeEngine, faults: CallFaults = () => undefined) {
    this.#engine = engine;
    this.#faults = faults;
  }

  info(signal: AbortSignal): Promise<EngineInfo> {
    return this.#call("info", "", signal, () => ({
      version: "28.0.0",
      apiVersion: "1.48",
      arch: "amd64",
      os: "Fake",
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      remoteNetwork: this.#engine.options.remoteNetwork ?? false,
      runtimes: ["runc"],
      dataDir: "/var/lib/docker",
    }));
  }

  list(service: string | undefined, signal: AbortSignal): Promise<readonly Container[]> {
    return this.#call("list", service ?? "", signal, () => {
      const all = [...this.#engine.containers.values()];
      return all.filter((each) => service === undefined || each.service === service).map((each) => each.view());
    });
  }

  create(spec: ContainerSpec, signal: AbortSignal): Promise<string> {
    const engine = this.#engine;
    return this.#call("create", spec.name, signal, () => {
      const namesake = [...engine.containers.values()].find((each) => each.spec.name === spec.name);
      if (namesake && namesake.spec.labels[LABEL.specHash] === spec.labels[LABEL.specHash]) return namesake.id;
      if (namesake || engine.foreign.has(spec.name)) {
        throw new EngineError("nameInUse", `Cannot create container "${spec.name}": another container has that name`);
      }
      const image = engine.images.get(spec.image);
      if (!image) throw new EngineError("imageNotFound", `Cannot create container "${spec.name}": there is no image "${spec.image}"`);
      engine.requireSpace(`container "${spec.name}"`);
      for (const { source } of spec.mounts) if ("hostPath" in source) engine.requirePath(source.hostPath, spec.name, "hostPathMissing");
      return engine.add(spec, image).id;
    });
  }

  putFiles(id: string, files: readonly FileEntry[], signal: AbortSignal): Promise<void> {
    return this.#on("putFiles", id, signal, (container) => {
      for (const file of files) container.files.set(file.path, file);
    });
  }

  start(id: string, signal: AbortSignal): Promise<void> {
    return this.#on("start", id, signal, (container) => {
      if (container.state === "running") return;
      this.#engine.requireStartable(container.spec);
      container.start();
    });
  }

  async stop(id: string, graceMs: number, signal: AbortSignal): Promise<void> {
    const stopMs = this.#engine.containers.get(id)?.stopMs ?? 0;
    await this.#engine.options.clock.sleep(Math.min(stopMs, graceMs), signal);
    await this.#unlessGone("stop", id, signal, (container) => container.end(stopMs > graceMs ? "kill" : "term"));
  }

  kill(id: string, signal: AbortSignal): Promise<void> {
    return this.#unlessGone("kill", id, signal, (container) => container.end("kill"));
  }

  remove(id: string, signal: AbortSignal): Promise<void> {
    return this.#unlessGone("remove", id, signal, (container) => {
      container.end("kill");
      this.#engine.containers.delete(id);
      this.#engine.emit(container, "destroy");
    });
  }

  async discard(id: string, signal: AbortSignal): Promise<readonly string[]> {
    await this.remove(id, signal);
    return [];
  }

  setRestartPolicy(id: string, policy: RestartPolicy, signal: AbortSignal): Promise<void> {
    return this.#on("setRestartPolicy", id, signal, (container) => {
      container.restartPolicy = policy;
    });
  }

  image(reference: string, signal: AbortSignal): Promise<ImageInfo | undefined> {
    return this.#call("image", reference, signal, () => this.#engine.imageInfo(reference));
  }

  async pull(
    reference: string,
    _platform: string | undefined,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ): Promise<ImageInfo> {
    const engine = this.#engine;
    const found = engine.options.registry?.get(reference) ?? { refused: "imageNotFound" as const };
    const { pullMs = 1000, bytes = 50_000_000, refused } = found;
    for (let step = 1; step <= pullSteps; step++) {
      await engine.options.clock.sleep(pullMs / pullSteps, signal);
      await engine.answers(signal);
      if (refused !== undefined) throw new EngineError(refused, `Cannot pull image "${reference}": ${refused}`);
      onProgress({ doneBytes: Math.round((bytes * step) / pullSteps), totalBytes: bytes, layers: 1 });
    }
    return this.#call("pull", reference, signal, () => {
      engine.requireSpace(`image "${reference}"`);
      return engine.load(reference, found);
    });
  }

  removeImage(reference: string, signal: AbortSignal): Promise<boolean> {
    return this.#call("removeImage", reference, signal, () => {
      const { id } = this.#engine.imageInfo(reference) ?? {};
      if ([...this.#engine.containers.values()].some(({ imageId }) => imageId === id)) return false;
      this.#engine.images.delete(reference);
      return true;
    });
  }

  ensureNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    return this.#call("ensureNetwork", spec.name, signal, () => {
      const overlapping = [...this.#engine.networks.values()].find((each) => each.subnet === spec.subnet && each.name !== spec.name);
      if (overlapping)
        throw new EngineError("addressInUse", `Cannot make network "${spec.name}": "${overlapping.name}" has ${spec.subnet}`);
      this.#engine.networks.set(spec.name, spec);
    });
  }

  networks(signal: AbortSignal): Promise<readonly NetworkSpec[]> {
    return this.#call("networks", "", signal, () => [...this.#engine.networks.values()]);
  }

  removeNetwork(name: string, signal: AbortSignal): Promise<void> {
    return this.#call("removeNetwork", name, signal, () => {
      const user = [...this.#engine.containers.values()].find(({ state, spec: { network } }) => {
        return state === "running" && network.kind === "bridge" && network.network === name;
      });
      if (user) throw new EngineError("addressInUse", `Cannot remove network "${name}": container "${user.spec.name}" is on it`);
      this.#engine.networks.delete(name);
    });
  }

  ensureVolume(name: string, directory: string, _labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    return this.#call("ensureVolume", name, signal, () => {
      const present = this.#engine.volumes.get(name);
      if (present !== undefined && present !== directory) {
        throw new EngineError("nameInUse", `Cannot make volume "${name}": one of that name leads to "${present}"`);
      }
      this.#engine.volumes.set(name, directory);
    });
  }

  removeVolume(name: string, signal: AbortSignal): Promise<void> {
    return this.#call("removeVolume", name, signal, () => void this.#engine.volumes.delete(name));
  }

  async *events(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const events = this.#engine.events.subscribe(signal);
    yield { action: "connected" };
    yield* events;
  }

  async *logs(id: string, _options: unknown, signal: AbortSignal): AsyncIterable<LogChunk> {
    const output = await this.#on("logs", id, signal, (container) => container.output);
    yield { stream: "stdout", data: Buffer.from(output) };
  }

  /** Prints its command and ends with 0. */
  exec(id: string, command: readonly string[], _options: unknown, signal: AbortSignal): Promise<ExecSession> {
    async function* output(): AsyncIterable<LogChunk> {
      yield { stream: "stdout", data: Buffer.from(`${command.join(" ")}\n`) };
    }
    return this.#on("exec", id, signal, () => ({
      output: output(),
      write: () => true,
      onDrain: () => {},
      end: () => {},
      resize: () => Promise.resolve(),
      exitCode: () => Promise.resolve(0),
      close: () => {},
    }));
  }

  stats(id: string, signal: AbortSignal): Promise<{ readonly memoryBytes: number; readonly cpuNanos: number }> {
    return this.#on("stats", id, signal, () => ({ memoryBytes: 10_000_000, cpuNanos: 1_000_000 }));
  }

  #on<T>(method: keyof Containers, id: string, signal: AbortSignal, run: (container: FakeContainer) => T): Promise<T> {
    const name = this.#engine.containers.get(id)?.spec.name ?? id;
    return this.#call(method, name, signal, () => {
      if (this.#engine.foreign.has(id)) this.#engine.violations.push(`${method} ${id}`);
      const container = this.#engine.containers.get(id);
      if (!container) throw new EngineError("notFound", `Cannot ${method} container "${id}": there is none`);
      return run(container);
    });
  }

  async #unlessGone(method: keyof Containers, id: string, signal: AbortSignal, run: (container: FakeContainer) => void): Promise<void> {
    try {
      await this.#on(method, id, signal, run);
    } catch (error) {
      if (!(error instanceof EngineError && error.fault === "notFound")) throw error;
    }
  }

  async #call<T>(method: keyof Containers, subject: string, signal: AbortSignal, run: () => T): Promise<T> {
    const { delayMs = 0, fails, fault = "unavailable" } = this.#faults(method, subject) ?? {};
    await this.#engine.options.clock.sleep((method === "start" ? startMs : callMs) + delayMs, signal);
    await this.#engine.answers(signal);
    if (fails === "before") throw new EngineError(fault, `Cannot ${method} "${subject}": ${fault}`);
    const result = run();
    if (fails === "after") throw new EngineError(fault, `Cannot ${method} "${subject}": ${fault}`);
    return result;
  }
}
