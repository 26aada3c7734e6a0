// Whom this node met and whom it could not: for people who ask why it does not find the others.
import { MeshRefusal } from "../../api/errors.ts";
import type { Address, NodeId } from "../../joining/messages.ts";

const FAILURES_MAX = 64;
const HEARD_MAX = 256;

/** Nobody could be spoken to at an address, or it is somebody else's computer. */
export interface Failed {
  readonly address: Address;
  readonly error: unknown;
}

export class Encounters {
  #refusal: string | undefined;
  readonly #failures = new Map<Address, Failed>();
  readonly #heardAtMs = new Map<NodeId, number>();

  /** What a house that was asked last said no with. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  get failures(): readonly Failed[] {
    return [...this.#failures.values()];
  }

  /** On this node's clock; absent: not since its agent started. */
  heardAtMs(nodeId: NodeId): number | undefined {
    return this.#heardAtMs.get(nodeId);
  }

  heard(nodeId: NodeId, nowMs: number): void {
    keep(this.#heardAtMs, HEARD_MAX, nodeId, nowMs);
  }

  reached(address: Address): void {
    this.#failures.delete(address);
  }

  failed(address: Address, error: unknown): void {
    keep(this.#failures, FAILURES_MAX, address, { address, error });
  }

  /** Nothing but that it has a key of its own is known of it. */
  isStrange(address: Address, name: string): void {
    this.failed(address, new MeshRefusal("Stranger", name));
  }

  refused(why: string): void {
    this.#refusal = why;
  }

  /** A person wants something else. */
  forget(): void {
    this.#refusal = undefined;
    this.#failures.clear();
  }
}

function keep<K, V>(map: Map<K, V>, most: number, key: K, value: V): void {
  const [oldest] = map.keys();
  if (map.size >= most && !map.has(key) && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
