// One connection to a Docker engine: keep-alive, an API version both sides know, a deadline for each call, faults for failures.
import { Agent } from "node:http";
import { inspect } from "node:util";
import Docker from "dockerode";
import { EngineError } from "../../api/errors.ts";
import { engineError } from "./faults.ts";
import { PullTurns } from "./pull-turns.ts";

/** The newest version that this adapter was written against; an older engine (20.10 has 1.41) is asked in its own. */
const apiMinorMax = 50;
const callLimitMs = 25_000;
/** What it is asked after a call without an answer takes no work, so it is only slow if it answers within this. */
const silentAfterMs = 1_000;
const idleSocketsMax = 8;

export class Connection {
  readonly docker: Docker;
  readonly socketPath: string;
  readonly pullTurns = new PullTurns();
  readonly #agent: QuietAgent;
  #negotiated: Promise<number> | undefined;
  /** It hangs: what it did not answer within, until it answers anything. Others are not to wait as long for the same. */
  #silence: { readonly limitMs: number } | undefined;
  #isAsking = false;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.#agent = new QuietAgent({ keepAlive: true, maxFreeSockets: idleSocketsMax });
    // docker-modem would follow $DOCKER_HOST before the path; it takes the agent, which dockerode's types do not know.
    const options = { socketPath, host: undefined, protocol: "http" as const, agent: this.#agent };
    this.docker = new Docker(options);
  }

  /**
   * One call within a limit: throws an EngineError, or the signal's reason when that was aborted. `action` reads on from
   * "Cannot". The version is asked once, and again after the engine was away: it may have been upgraded.
   */
  async call<T>(
    action: string,
    signal: AbortSignal,
    run: (docker: Docker, signal: AbortSignal, apiMinor: number) => Promise<T>,
    limitMs = callLimitMs,
  ): Promise<T> {
    signal.throwIfAborted();
    if (this.#silence !== undefined) throw unanswered(action, this.#silence.limitMs);
    const limit = AbortSignal.timeout(limitMs);
    const either = AbortSignal.any([signal, limit]);
    try {
      const asked = this.#version().then((apiMinor) => {
        either.throwIfAborted(); // what nobody waits for any more is not begun
        return run(this.docker, either, apiMinor);
      });
      return await Promise.race([asked, rejected(either)]);
    } catch (cause) {
      signal.throwIfAborted();
      const error = limit.aborted ? unanswered(action, limitMs, cause) : engineError(action, cause);
      if (error.fault === "unavailable") this.#negotiated = undefined;
      if (limit.aborted) this.#waitForAnswer(limitMs);
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** However long that takes; an engine that was slow with one call alone answers at once. */
  #waitForAnswer(limitMs: number): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const timer = setTimeout(() => (this.#silence = { limitMs }), silentAfterMs).unref();
    const end = (): void => {
      clearTimeout(timer);
      this.#isAsking = false;
      this.#silence = undefined;
    };
    this.#version().then(end, end); // one that ended says so at the next call
  }

  #version(): Promise<number> {
    this.#negotiated ??= this.#negotiate().catch((error: unknown) => {
      this.#negotiated = undefined;
      throw error;
    });
    return this.#negotiated;
  }

  async #negotiate(): Promise<number> {
    const modem = this.docker.modem as { version?: string }; // docker-modem's own field: the prefix of every path
    delete modem.version;
    const { ApiVersion } = await this.docker.version();
    const minor = Math.min(apiMinorMax, Number(ApiVersion.split(".")[1]));
    modem.version = `v1.${minor}`;
    return minor;
  }
}

function unanswered(action: string, limitMs: number, cause?: unknown): EngineError {
  return new EngineError("unavailable", `Cannot ${action}: Docker did not answer within ${limitMs / 1000} s`, { cause });
}

/** Some of dockerode's calls (inspecting an image or a network) take no signal: the wait ends, whatever they do. */
function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** docker-modem inspects the options of every request for its debug log, to any depth: an agent with its sockets is milliseconds. */
class QuietAgent extends Agent {
  [inspect.custom](): string {
    return "Agent";
  }
}
