// Pulls an image: progress folded from its layers, and what a registry's refusal means.
import { EngineError } from "../../api/errors.ts";
import type { PullProgress } from "../../container-ports.ts";
import type { Connection } from "./connection.ts";
import { engineError } from "./faults.ts";
import { type LoginFound, registryLogin } from "./registry-auth.ts";
import { jsonLines } from "./streams.ts";

/** A pull that says nothing for so long, and does not wait for others, is given up; Docker keeps the layers that are complete. */
const silenceLimitMs = 120_000;

export interface PullOptions {
  readonly reference: string;
  readonly platform: string | undefined;
  readonly dockerConfig: string;
  readonly onProgress: (progress: PullProgress) => void;
}

/** Throws an EngineError, or the signal's reason. */
export async function pull(
  { docker, pullTurns }: Connection,
  { reference, platform, dockerConfig, onProgress }: PullOptions,
  signal: AbortSignal,
): Promise<void> {
  const action = `pull image "${reference}"`;
  const silence = new AbortController();
  const giveUp = (): void =>
    silence.abort(new EngineError("registryUnreachable", `Cannot ${action}: nothing arrived for ${silenceLimitMs / 1000} s`));
  const timer = setTimeout(giveUp, silenceLimitMs);
  const either = AbortSignal.any([signal, silence.signal]);
  let found: LoginFound = {};
  try {
    found = await registryLogin(reference, dockerConfig);
    const { login: authconfig } = found;
    const stream = await docker.pull(reference, {
      abortSignal: either,
      ...(platform !== undefined && { platform }),
      ...(authconfig && { authconfig }),
    });
    const layers = new Layers();
    // A response is a Node stream of bytes; an aborted signal ends it with an error.
    for await (const line of jsonLines(stream as AsyncIterable<Uint8Array> & NodeJS.ReadableStream)) {
      const progress = layers.take(line as PullLine); // as Docker's API describes
      pullTurns.heard(timer, layers.isWaiting);
      if (progress) onProgress(progress);
    }
  } catch (cause) {
    signal.throwIfAborted();
    silence.signal.throwIfAborted();
    throw withLogin(engineError(action, cause, "pull"), found);
  } finally {
    pullTurns.ended(timer);
    clearTimeout(timer);
  }
}

/** A refusal says where else the login may be; Docker Hub's words for it are those of an image that does not exist. */
function withLogin(error: EngineError, { elsewhere }: LoginFound): EngineError {
  const isRefusal = error.fault === "registryRefused" || error.message.includes("docker login");
  return elsewhere === undefined || !isRefusal ? error : new EngineError(error.fault, `${error.message}. ${elsewhere}`, { cause: error });
}

export interface PullLine {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

/** Docker says of a layer once that it waits, and then nothing until another one, of whatever pull, makes room for it. */
const WAITS = /^Waiting$/;
/** Something goes on: what it says next of the layer comes by itself. `Retrying in 5 seconds` is said each second. */
const GOES_ON = /^(Pulling fs layer|Downloading|Verifying Checksum|Extracting|Retrying)/;

/** What Docker tells of each layer, as one figure. Extracting is not counted: its bytes were counted when they came. */
export class Layers {
  readonly #layers = new Map<string, { doneBytes: number; totalBytes: number }>();
  /** What was said last of each layer that is not done. */
  readonly #open = new Map<string, "waits" | "goes on">();

  /** All that is left waits for its turn. */
  get isWaiting(): boolean {
    const said = [...this.#open.values()];
    return said.length > 0 && said.every((each) => each === "waits");
  }

  /** Undefined when the line changed nothing. Throws Docker's own words when the pull failed. */
  take({ status = "", id, progressDetail, error }: PullLine): PullProgress | undefined {
    if (error !== undefined) throw new Error(error);
    if (id !== undefined) this.#note(id, status);
    if (id === undefined || !/^(Pulling fs layer|Downloading|Download complete|Already exists)$/.test(status)) return undefined;
    const layer = this.#layers.get(id) ?? { doneBytes: 0, totalBytes: 0 };
    this.#layers.set(id, layer);
    layer.totalBytes = progressDetail?.total ?? layer.totalBytes;
    layer.doneBytes = status === "Download complete" ? layer.totalBytes : (progressDetail?.current ?? layer.doneBytes);
    return this.#sum();
  }

  #note(id: string, status: string): void {
    if (WAITS.test(status)) this.#open.set(id, "waits");
    else if (GOES_ON.test(status)) this.#open.set(id, "goes on");
    else this.#open.delete(id); // complete, also where it is still to be extracted: that goes by turns within the pull
  }

  #sum(): PullProgress {
    let [doneBytes, totalBytes] = [0, 0];
    for (const layer of this.#layers.values()) {
      doneBytes += layer.doneBytes;
      totalBytes += layer.totalBytes;
    }
    return { doneBytes, totalBytes, layers: this.#layers.size };
  }
}
