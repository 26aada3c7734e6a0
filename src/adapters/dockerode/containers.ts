// The `Containers` port on one Docker engine, through dockerode. Thin: every decision was made before, in the spec.
import { homedir } from "node:os";
import path from "node:path";
import type { Container as DockerContainer, ContainerInspectInfo } from "dockerode";
import type Docker from "dockerode";
import { EngineError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { FileEntry } from "../../api/types.ts";
import type {
  Container,
  ContainerEvent,
  Containers,
  ContainerSpec,
  EngineInfo,
  ExecSession,
  ImageInfo,
  LogChunk,
  LogOptions,
  NetworkSpec,
  PullProgress,
} from "../../container-ports.ts";
import { Connection } from "./connection.ts";
import { createBody, seconds } from "./create-body.ts";
import { containerEvents } from "./events.ts";
import { openExec } from "./exec.ts";
import { statusCode } from "./faults.ts";
import { ensureNetwork, ensureVolume, freeEndpoint, listNetworks, removeNetwork, removeVolume } from "./networks.ts";
import { pull } from "./pull.ts";
import { demultiplexed, raw } from "./streams.ts";
import { tar } from "./tar.ts";
import {
  containerView,
  endpointsOf,
  imageView,
  type InfoAnswer,
  infoView,
  isOwn,
  processView,
  volumesToKeep,
  type ContainerProcess,
} from "./view.ts";

export interface DockerOptions {
  readonly socketPath: string;
  /** Where `docker login` writes; absent: `~/.docker/config.json`. */
  readonly dockerConfig?: string;
}

/** What Docker may take beyond the grace until it says that a container has ended. */
const stopExtraMs = 15_000;
const notModified = 304;
const notFound = 404;
const conflict = 409;

export class DockerContainers implements Containers {
  readonly #connection: Connection;
  readonly #dockerConfig: string;

  constructor({ socketPath, dockerConfig = path.join(homedir(), ".docker/config.json") }: DockerOptions) {
    this.#connection = new Connection(socketPath);
    this.#dockerConfig = dockerConfig;
  }

  info(signal: AbortSignal): Promise<EngineInfo> {
    return this.#connection.call("ask Docker about this machine", signal, async (docker, _abortSignal, apiMinor) => {
      return infoView((await docker.info()) as InfoAnswer, apiMinor, process.platform); // untyped by dockerode
    });
  }

  async list(service: string | undefined, signal: AbortSignal): Promise<readonly Container[]> {
    return (await this.#inspectAll(service, signal)).map(containerView);
  }

  /** Of all containers with our labels. */
  async processes(signal: AbortSignal): Promise<readonly ContainerProcess[]> {
    return (await this.#inspectAll(undefined, signal)).map(processView);
  }

  async create(spec: ContainerSpec, signal: AbortSignal): Promise<string> {
    try {
      const made = await this.#connection.call(`create container "${spec.name}"`, signal, (docker, abortSignal, apiMinor) => {
        return docker.createContainer({ ...createBody(spec, apiMinor), abortSignal });
      });
      return made.id;
    } catch (error) {
      if (!(error instanceof EngineError && error.fault === "nameInUse")) throw error;
      const namesake = await this.#inspect(spec.name, signal);
      const labels = namesake?.Config.Labels;
      if (namesake && labels?.[LABEL.kind] !== undefined && labels[LABEL.specHash] === spec.labels[LABEL.specHash]) return namesake.Id;
      const whose = labels?.[LABEL.kind] === undefined ? "is not Fossora's: rename or remove it" : "was made from another spec";
      throw new EngineError(
        "nameInUse",
        `Cannot create container "${spec.name}": the container of that name (${namesake?.Id.slice(0, 12)}) ${whose}`,
        { cause: error },
      );
    }
  }

  async putFiles(id: string, files: readonly FileEntry[], signal: AbortSignal): Promise<void> {
    const archive = tar(files.map(({ path: target, content = "", mode, owner }) => ({ path: target, content, mode, ...ids(owner) })));
    // Else Docker would remove a whole directory, and what is mounted below it, to put a file in its place.
    const options = { path: "/", noOverwriteDirNonDir: "true" };
    await this.#on("write files into", id, signal, (container, abortSignal) => container.putArchive(archive, { ...options, abortSignal }));
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#on("start", id, signal, (container, abortSignal) => unless([notModified], container.start({ abortSignal })));
  }

  async stop(id: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#on(
      "stop",
      id,
      signal,
      (container, abortSignal) => {
        return unless([notModified, notFound], container.stop({ t: seconds(graceMs), abortSignal }));
      },
      graceMs + stopExtraMs,
    );
  }

  /** What does not run is dead enough (409). */
  async kill(id: string, signal: AbortSignal): Promise<void> {
    await this.#on("kill", id, signal, (container, abortSignal) =>
      unless([notFound, conflict], container.kill({ signal: "SIGKILL", abortSignal })),
    );
  }

  /** Being removed already is as good (409). */
  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#on("remove", id, signal, (container, abortSignal) =>
      unless([notFound, conflict], container.remove({ force: true, v: true, abortSignal })),
    );
  }

  async discard(id: string, signal: AbortSignal): Promise<readonly string[]> {
    const found = await this.#inspect(id, signal);
    if (found === undefined) return [];
    const kept = volumesToKeep(found);
    await this.#on("remove", id, signal, (container, abortSignal) =>
      unless([notFound, conflict], container.remove({ force: true, v: kept.length === 0, abortSignal })),
    );
    for (const endpoint of endpointsOf(found)) await freeEndpoint(this.#connection, endpoint, signal);
    return kept;
  }

  async setRestartPolicy(id: string, policy: "no" | "on-failure" | "unless-stopped", signal: AbortSignal): Promise<void> {
    await this.#on("update", id, signal, (container, abortSignal) => container.update({ RestartPolicy: { Name: policy }, abortSignal }));
  }

  async image(reference: string, signal: AbortSignal): Promise<ImageInfo | undefined> {
    return this.#connection.call(`inspect image "${reference}"`, signal, async (docker) => {
      const found = await unless([notFound], docker.getImage(reference).inspect());
      return found && imageView(found);
    });
  }

  async pull(
    reference: string,
    platform: string | undefined,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ): Promise<ImageInfo> {
    await pull(this.#connection, { reference, platform, dockerConfig: this.#dockerConfig, onProgress }, signal);
    const image = await this.image(reference, signal);
    if (!image) throw new EngineError("imageNotFound", `Cannot pull image "${reference}": Docker has not got it after the pull`);
    return image;
  }

  removeImage(reference: string, signal: AbortSignal): Promise<boolean> {
    return this.#connection.call(`remove image "${reference}"`, signal, async (docker, abortSignal) => {
      try {
        await docker.getImage(reference).remove({ abortSignal });
        return true;
      } catch (error) {
        if (statusCode(error) === notFound) return true;
        if (statusCode(error) === conflict) return false;
        throw error;
      }
    });
  }

  ensureNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    return ensureNetwork(this.#connection, spec, signal);
  }

  networks(signal: AbortSignal): Promise<readonly NetworkSpec[]> {
    return listNetworks(this.#connection, signal);
  }

  removeNetwork(name: string, signal: AbortSignal): Promise<void> {
    return removeNetwork(this.#connection, name, signal);
  }

  ensureVolume(name: string, directory: string, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    return ensureVolume(this.#connection, name, directory, labels, signal);
  }

  removeVolume(name: string, signal: AbortSignal): Promise<void> {
    return removeVolume(this.#connection, name, signal);
  }

  events(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    return containerEvents(this.#connection, signal);
  }

  async *logs(id: string, { follow, tail, since, timestamps }: LogOptions, signal: AbortSignal): AsyncIterable<LogChunk> {
    const inspected = await this.#on("read the logs of", id, signal, (container, abortSignal) => container.inspect({ abortSignal }));
    const query = {
      follow,
      stdout: true,
      stderr: true,
      timestamps,
      ...(tail !== undefined && { tail }),
      ...(since !== undefined && { since }),
    };
    // dockerode buffers the whole log unless told to follow; `_query` is what Docker is really asked.
    const stream = await this.#on("read the logs of", id, signal, (container) =>
      container.logs({ follow: true, _query: query, abortSignal: signal } as { follow: true }),
    );
    try {
      yield* (inspected.Config.Tty ? raw : demultiplexed)(stream as NodeJS.ReadableStream & AsyncIterable<Uint8Array>); // a response: a Node stream of bytes
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  exec(id: string, command: readonly string[], options: Parameters<Containers["exec"]>[2], signal: AbortSignal): Promise<ExecSession> {
    return openExec(this.#connection, id, command, options, signal);
  }

  async stats(id: string, signal: AbortSignal): Promise<{ readonly memoryBytes: number; readonly cpuNanos: number }> {
    const { memory_stats: memory, cpu_stats: cpu } = await this.#on("measure", id, signal, (container) =>
      container.stats({ stream: false, "one-shot": true }),
    );
    // As `docker stats` counts: file pages that can be dropped are not the app's (cgroup v1 and v2 name them differently).
    const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
    return { memoryBytes: Math.max(0, (memory.usage ?? 0) - cache), cpuNanos: cpu.cpu_usage.total_usage };
  }

  /** Ends the idle connections. */
  close(): void {
    this.#connection.close();
  }

  async #inspectAll(service: string | undefined, signal: AbortSignal): Promise<readonly ContainerInspectInfo[]> {
    const label = service === undefined ? [LABEL.kind] : [LABEL.kind, `${LABEL.name}=${service}`];
    const found = await this.#connection.call("list containers", signal, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: { label }, abortSignal }),
    );
    const inspected = await Promise.all(found.map(({ Id }) => this.#inspect(Id, signal)));
    return inspected.filter((each) => each !== undefined).filter(isOwn);
  }

  #inspect(idOrName: string, signal: AbortSignal): Promise<ContainerInspectInfo | undefined> {
    return this.#connection.call(`inspect container "${idOrName}"`, signal, (docker: Docker, abortSignal) => {
      return unless([notFound], docker.getContainer(idOrName).inspect({ abortSignal }));
    });
  }

  #on<T>(
    verb: string,
    id: string,
    signal: AbortSignal,
    run: (container: DockerContainer, signal: AbortSignal) => Promise<T>,
    limitMs?: number,
  ): Promise<T> {
    return this.#connection.call(
      `${verb} container "${id}"`,
      signal,
      (docker, abortSignal) => run(docker.getContainer(id), abortSignal),
      limitMs,
    );
  }
}

/** Undefined where Docker answered one of these: there was nothing to do. */
async function unless<T>(statusCodes: readonly number[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusCodes.includes(statusCode(error) ?? 0)) return undefined;
    throw error;
  }
}

/** `1000` or `1000:2000`; absent: root. */
function ids(owner = "0"): { readonly uid: number; readonly gid: number } {
  const [uid = "0", gid = uid] = owner.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
