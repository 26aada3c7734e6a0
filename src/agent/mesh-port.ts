// Port 733 of this node, where other computers meet its agent: opened as soon as it is free, and until then said to be busy, and by whom.
import type { MeshServer } from "../adapters/mesh/server.ts";
import { portHolder } from "../adapters/sockets/port-holder.ts";
import type { Clock, Log } from "../ports.ts";
import { isCode } from "./files.ts";

const EVERYWHERE = "::";
const RETRY_MS = 5_000;

export interface MeshPortOptions {
  readonly server: Pick<MeshServer, "listen" | "close">;
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class MeshPort {
  readonly #options: MeshPortOptions;
  #problem: string | undefined;

  constructor(options: MeshPortOptions) {
    this.#options = options;
  }

  /** Why other computers cannot reach this node. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Until the signal. A house of one goes on without it. */
  async run(signal: AbortSignal): Promise<void> {
    const { server, clock, log } = this.#options;
    while (!signal.aborted && !(await this.#open())) await clock.sleep(RETRY_MS, signal).catch(() => undefined); // aborted: the loop ends
    if (!signal.aborted) {
      log.info("Other computers can reach this node", { port: this.#options.port });
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    await server.close();
  }

  async #open(): Promise<boolean> {
    const { server, port, log } = this.#options;
    try {
      await server.listen({ address: EVERYWHERE, port });
      this.#problem = undefined;
      return true;
    } catch (error) {
      const why = await this.#why(error);
      if (why !== this.#problem) log.warn("Other computers cannot reach this node", { why });
      this.#problem = why;
      return false;
    }
  }

  async #why(error: unknown): Promise<string> {
    const { port } = this.#options;
    if (isCode(error, "EADDRINUSE")) return `port ${port} is held by ${(await portHolder(["tcp"], EVERYWHERE, port)) ?? "another program"}`;
    if (isCode(error, "EACCES")) return `port ${port} is for root alone`;
    return `port ${port} cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}
