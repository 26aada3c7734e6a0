// One address that shall be listened on: takes the first free port of a list, says who holds the wanted one, and tries again
// while it has none.
import type { IngressStatus } from "../../api/table.ts";
import type { Listen, ListenAt, Listening, Log } from "../../ports.ts";
import { descriptorOf, stopReceiving } from "./descriptor.ts";
import { codeOf } from "./error-code.ts";
import { portHolder } from "./port-holder.ts";

export type ListenerStatus = IngressStatus["listeners"][number];
export type Protocol = ListenerStatus["protocol"];

export interface ListenerSpec {
  readonly protocol: Protocol;
  readonly address: string;
  /** The first is the wanted one. */
  readonly ports: readonly number[];
}

/** What a process hands to the next one. */
export interface HandedDown {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  readonly fds: readonly number[];
  readonly problem?: string;
}

interface Problem {
  readonly code?: string | undefined;
  readonly text: string;
}

const RETRY_MS = 1000;
const ALL = "::";
const ALL_IPV4 = "0.0.0.0";
/** What is asked of the kernel's sockets for each protocol. */
const TRANSPORTS: Readonly<Record<Protocol, readonly ("tcp" | "udp")[]>> = {
  http: ["tcp"],
  mesh: ["tcp"],
  dns: ["udp", "tcp"],
  tcp: ["tcp"],
  udp: ["udp"],
};

export class Listener {
  readonly spec: ListenerSpec;
  readonly #listen: Listen;
  readonly #log: Log;
  #listening: Listening | undefined;
  #problem: Problem | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(spec: ListenerSpec, listen: Listen, log: Log) {
    this.spec = spec;
    this.#listen = listen;
    this.#log = log;
  }

  /** Port 0: nothing is held yet. A raw port is no other than the wanted one, held or not. */
  get status(): ListenerStatus {
    const { protocol, address, ports } = this.spec;
    const [wanted = 0] = protocol === "tcp" || protocol === "udp" ? ports : [];
    const status = { protocol, address, port: this.#listening?.port ?? wanted };
    return this.#problem === undefined ? status : { ...status, problem: this.#problem.text };
  }

  get handedDown(): HandedDown | undefined {
    if (this.#listening === undefined) return undefined;
    const { protocol, address } = this.spec;
    const { port, sockets } = this.#listening;
    const handed = { protocol, address, port, fds: sockets.map(descriptorOf) };
    return this.#problem === undefined ? handed : { ...handed, problem: this.#problem.text };
  }

  /** Holds what is wished for: the wanted port, or one taken in its stead from the same list. */
  satisfies({ protocol, address, ports }: ListenerSpec): boolean {
    const same = protocol === this.spec.protocol && address === this.spec.address;
    return same && (ports.join() === this.spec.ports.join() || this.#listening?.port === ports[0]);
  }

  /** Given up, it holds its port until it is drained: of TCP only connections are left then. */
  isInTheWayOf({ protocol, address, ports }: ListenerSpec): boolean {
    if (protocol !== "udp" || this.spec.protocol !== "udp" || this.#listening === undefined) return false;
    const meets = [address, this.spec.address].some((each) => each === ALL || each === ALL_IPV4) || address === this.spec.address;
    return meets && ports.includes(this.#listening.port);
  }

  async adopt(handed: HandedDown): Promise<void> {
    this.#listening = await this.#listenAt({ fds: handed.fds });
    this.#problem = handed.problem === undefined ? undefined : { text: handed.problem };
  }

  /**
   * Tries all ports once and goes on by itself when none was free. A port that was busy is not tried again once another was taken:
   * whoever holds it may only be restarting, and must find it free.
   */
  async open(): Promise<void> {
    const listening = await this.#firstFree();
    if (this.#closed) {
      await listening?.drain();
      return;
    }
    this.#listening = listening;
    if (listening === undefined) this.#timer = setTimeout(() => void this.open(), RETRY_MS);
    else this.#log.info("Listener opened", { ...this.status });
  }

  /** `now`: what is in flight is given up. */
  async drain(now?: AbortSignal): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    // The next process reads what is still in the kernel's queue.
    this.#listening?.sockets.forEach(stopReceiving);
    await this.#listening?.drain(now);
  }

  async #firstFree(): Promise<Listening | undefined> {
    let first: Problem | undefined;
    for (const port of this.spec.ports) {
      try {
        const listening = await this.#listenAt({ port });
        this.#problem = first && { ...first, text: `${first.text}; ${listening.port} was taken instead` };
        return listening;
      } catch (error) {
        first ??= await this.#problemOf(port, error);
        if (codeOf(error) === "EADDRNOTAVAIL") break;
      }
    }
    this.#problem = first;
    return undefined;
  }

  async #listenAt(at: ListenAt): Promise<Listening> {
    const { address } = this.spec;
    try {
      return await this.#listen(address, at);
    } catch (error) {
      const isIpv4Kernel = address === ALL && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(codeOf(error) ?? "");
      if (!isIpv4Kernel) throw error;
      return this.#listen(ALL_IPV4, at);
    }
  }

  /** Looks for the holder of a port once, not at every try. */
  async #problemOf(port: number, error: unknown): Promise<Problem> {
    const code = codeOf(error);
    return this.#problem !== undefined && this.#problem.code === code ? this.#problem : { code, text: await this.#explain(port, error) };
  }

  async #explain(port: number, error: unknown): Promise<string> {
    const { protocol, address } = this.spec;
    switch (codeOf(error)) {
      case "EADDRINUSE":
        return `port ${port} is held by ${(await portHolder(TRANSPORTS[protocol], address, port)) ?? "another program"}`;
      case "EACCES":
        return `port ${port} needs root`;
      case "EADDRNOTAVAIL":
        return `this computer has no address ${address} yet`;
      default:
        return `port ${port}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
