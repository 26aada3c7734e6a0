// Port 734 of this node, and its ways to that of others: one trust for both, taken anew without a restart.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { MeshSettings } from "../../api/table.ts";
import type { Listen, Log, Ways } from "../../ports.ts";
import type { MeshTrust } from "./identify.ts";
import { WayClient, type WayClientOptions } from "./way-client.ts";
import { WayServer, type WayServerOptions } from "./way-server.ts";

export type MeshOptions = Pick<WayClientOptions, "node" | "nodeOf" | "now"> &
  Pick<WayServerOptions, "isOwn" | "isFavoured" | "onContact"> & { readonly log: Log };

export class Mesh {
  readonly #options: MeshOptions;
  readonly #server: WayServer;
  readonly #client: WayClient;
  #trust: MeshTrust | undefined;

  constructor(options: MeshOptions) {
    this.#options = options;
    const shared = { ...options, trust: () => this.#trust };
    this.#server = new WayServer(shared);
    this.#client = new WayClient(shared);
  }

  get ways(): Ways {
    return this.#client;
  }

  get listen(): Listen {
    return this.#server.listen;
  }

  get connections(): { readonly incoming: number; readonly outgoing: number } {
    return { incoming: this.#server.connections, outgoing: this.#client.connections };
  }

  /** Instances of this node that other nodes have a connection to. */
  busy(): readonly string[] {
    return this.#server.busy();
  }

  /** What others have open to instances of this node, before this process ends. */
  breakOff(): void {
    this.#server.breakOff();
  }

  /** undefined: this node has no house. What cannot be read leaves everything as it was. */
  use(settings: MeshSettings | undefined): void {
    try {
      this.#trust = settings && trustOf(settings);
    } catch (error) {
      this.#options.log.error("Certificates for the way to other nodes could not be used", { error: String(error) });
      return;
    }
    this.#server.trustChanged();
    this.#client.trustChanged();
  }

  /** Throws when its ingress does not answer in time. */
  ping(node: string, limitMs: number, contactAtMs?: number): Promise<void> {
    return this.#client.ping(node, limitMs, contactAtMs);
  }

  /** That node is dead. */
  cut(node: string): void {
    this.#client.cut(node);
  }
}

/** Throws when the key cannot be read, or is another's. */
function trustOf({ certificate, keyFile, ca, removed }: MeshSettings): MeshTrust {
  const key = readFileSync(keyFile, "utf8");
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) throw new Error(`the key in ${keyFile} is another's`);
  return { certificate, key, ca, removed };
}
