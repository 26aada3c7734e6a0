// Port 733 of this node, where other computers meet its agent, by TCP and with signs of life by UDP: opened as soon as it is free, and until then said to be busy, and by whom.
import type { Gossip } from "../adapters/gossip/socket.ts";
import type { MeshServer } from "../adapters/mesh/server.ts";
import { portHolder } from "../adapters/sockets/port-holder.ts";
import type { Clock, Log } from "../ports.ts";
import { isCode } from "./files.ts";

const EVERYWHERE = "::";
/** Above those that only root may open. */
const OTHER_PORT = 7330;
const RETRY_MS = 5_000;

interface PortProblem {
  readonly why: string;
  readonly next: string;
}

export interface MeshPortOptions {
  readonly server: Pick<MeshServer, "listen" | "close">;
  readonly gossip: Pick<Gossip, "open" | "close">;
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class MeshPort {
  readonly #options: MeshPortOptions;
  #problem: PortProblem | undefined;
  #hears = false;

  constructor(options: MeshPortOptions) {
    this.#options = options;
  }

  /** Why other computers cannot reach this node, and what to do about it. */
  get problem(): PortProblem | undefined {
    return this.#problem;
  }

  /** Until the signal. A house of one goes on without it. */
  async run(signal: AbortSignal): Promise<void> {
    const { server, gossip, clock, log } = this.#options;
    while (!signal.aborted && !(await this.#open())) await clock.sleep(RETRY_MS, signal).catch(() => undefined); // aborted: the loop ends
    if (!signal.aborted) {
      log.info("Other computers can reach this node", { port: this.#options.port });
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    await Promise.all([server.close(), gossip.close()]);
  }

  async #open(): Promise<boolean> {
    const { server, gossip, port, log } = this.#options;
    try {
      if (!this.#hears) await gossip.open(port);
      this.#hears = true;
      await server.listen({ address: EVERYWHERE, port });
      this.#problem = undefined;
      return true;
    } catch (error) {
      const problem = await this.#explain(error);
      if (problem.why !== this.#problem?.why) log.warn("Other computers cannot reach this node", { why: problem.why });
      this.#problem = problem;
      return false;
    }
  }

  async #explain(error: unknown): Promise<PortProblem> {
    const { port } = this.#options;
    if (isCode(error, "EADDRINUSE")) {
      const holder = (await portHolder([this.#hears ? "tcp" : "udp"], EVERYWHERE, port)) ?? "another program";
      return { why: `port ${port} is held by ${holder}`, next: "free the port; this node takes it within seconds" };
    }
    const other = `fossora up --mesh-port ${OTHER_PORT}`;
    if (isCode(error, "EACCES")) return { why: `port ${port} is for root alone`, next: `sudo fossora up, or: ${other}` };
    return { why: `port ${port} cannot be opened: ${error instanceof Error ? error.message : String(error)}`, next: other };
  }
}
