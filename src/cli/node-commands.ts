// What the CLI asks of the node's own side for `agent`, `up`, `down`, `uninstall` and `supervise`. Types only: the agent's room
// implements them and src/main.ts hands them over, so that no other verb loads it.

import type { JoinWish } from "../api/computers.ts";

/** Absent means the default. */
export interface NodeOptions {
  readonly dataDir?: string;
  readonly runDir?: string;
  readonly dockerSocket?: string;
  readonly nodeName?: string;
  /** `[ADDRESS:]PORT` */
  readonly httpListen?: string;
  readonly dnsPort?: number;
  /** Where other computers meet the agent. */
  readonly meshPort?: number;
  /** Whether names are announced on the LAN; on by default. */
  readonly mdns?: "on" | "off";
  /** Whose devices of the tailnet are trusted until the House says which. */
  readonly tailnetTag?: string;
  /** Path of the etcd program. */
  readonly etcd?: string;
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  /** It votes and runs no apps. */
  readonly witness?: boolean;
  /** A file, or `off`. */
  readonly accessLog?: string;
}

/** Where a node command talks to the person: data on stdout, all else on stderr. */
export interface Terminal {
  out(line: string): void;
  note(line: string): void;
  /** `✓`, `!` or `✗` in colour where the stream has it, before a sentence. */
  mark(kind: "ok" | "warn" | "error", text: string): string;
  /** Aborted by Ctrl-C, with what is to be thrown then. */
  readonly interrupted: AbortSignal;
}

/** Each answers the exit code. Throws UserError for what a person should mend. */
export interface NodeCommands {
  agent(options: NodeOptions, terminal: Terminal): Promise<number>;
  /** `wish`: the house that this computer is to join. */
  up(
    options: NodeOptions & { readonly timeoutMs: number; readonly openFirewall?: boolean; readonly wish?: JoinWish },
    terminal: Terminal,
  ): Promise<number>;
  down(options: NodeOptions, terminal: Terminal): Promise<number>;
  /** `force`: also where a house goes on counting on this computer, or no Docker engine answers. */
  uninstall(options: NodeOptions & { readonly force?: boolean }, terminal: Terminal): Promise<number>;
  supervise(options: NodeOptions, terminal: Terminal): Promise<number>;
}
