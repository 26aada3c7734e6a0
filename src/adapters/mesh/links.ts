// Connections to the other nodes of the house, made when first needed and kept while they are of use.
import type { MeshLink } from "../../mesh-ports.ts";
import { dial, type MeshConnection } from "./client.ts";
import type { MeshTrust } from "./identify.ts";

const LINKS_MAX = 128;
const IDLE_MS = 60_000;
const DIAL_MS = 3_000;

export interface MeshTarget {
  readonly address: string;
  readonly port: number;
  /** Anybody else who answers is not spoken to; absent: whoever is a member. */
  readonly nodeId?: string;
}

interface Kept {
  readonly target: MeshTarget;
  readonly link: Promise<MeshConnection>;
  /** Requests that wait for their answer. */
  waiting: number;
  idle?: NodeJS.Timeout;
}

export class MeshLinks {
  #trust: MeshTrust;
  readonly #kept = new Map<string, Kept>();

  constructor(trust: MeshTrust) {
    this.#trust = trust;
  }

  /** Who was removed is not spoken to any more, and nobody of a house that was left. */
  setTrust(trust: MeshTrust): void {
    const sameHouse = trust.ca === this.#trust.ca;
    this.#trust = trust;
    for (const [key, { link }] of this.#kept)
      void link.then(
        ({ peer }) => !(sameHouse && !trust.removed.includes(peer.nodeId)) && this.#drop(key),
        () => {},
      );
  }

  /** Of a member of this house alone. Throws MeshRefusal or MeshUnreachable, after which the next request makes another connection. */
  async request(
    target: MeshTarget,
    method: string,
    body: unknown,
    options: { readonly limitMs: number; readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const kept = this.#keep(target);
    kept.waiting++;
    clearTimeout(kept.idle);
    try {
      const link = await kept.link;
      return await link.request(method, body, options);
    } finally {
      kept.waiting--;
      if (kept.waiting === 0) kept.idle = setTimeout(() => this.#drop(keyOf(target), kept), IDLE_MS).unref();
    }
  }

  close(): void {
    for (const key of this.#kept.keys()) this.#drop(key);
  }

  #keep(target: MeshTarget): Kept {
    const key = keyOf(target);
    const known = this.#kept.get(key);
    if (known) return known;
    if (this.#kept.size >= LINKS_MAX) this.#dropOldest();
    const link = dial({
      address: target.address,
      port: target.port,
      trust: this.#trust,
      limitMs: DIAL_MS,
      expect: { standing: "member", ...(target.nodeId !== undefined && { nodeId: target.nodeId }) },
    });
    const kept: Kept = { target, link, waiting: 0 };
    this.#kept.set(key, kept);
    link.then(
      ({ closed }: MeshLink) => closed.addEventListener("abort", () => this.#drop(key, kept), { once: true }),
      () => this.#drop(key, kept),
    );
    return kept;
  }

  #dropOldest(): void {
    const [key] = [...this.#kept].find(([, { waiting }]) => waiting === 0) ?? [...this.#kept][0] ?? [];
    if (key !== undefined) this.#drop(key);
  }

  #drop(key: string, only?: Kept): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || (only !== undefined && kept !== only)) return;
    this.#kept.delete(key);
    clearTimeout(kept.idle);
    kept.link.then(
      (link) => link.close(),
      () => {},
    );
  }
}

function keyOf({ address, port, nodeId }: MeshTarget): string {
  return `${nodeId ?? ""} ${address} ${port}`;
}
