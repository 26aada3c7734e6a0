// What an ingress holds for the time when its agent is gone: which containers end with the contact to the house, and the youngest contact
// that the agent told of, or the agents of other nodes when they asked whether it is there. Pure.
import type { FenceTold } from "../api/table.ts";
import { ended, newFence, withContact, type Fence } from "./fence.ts";

export class Guard {
  #containers: readonly string[] = [];
  /** Begins with what is held: a contact from before says nothing of it. */
  #fence: Fence | undefined;

  /** What the agent of this node is to go on from when it starts again. */
  get told(): FenceTold | undefined {
    const contactAtMs = this.#fence?.contactAtMs;
    return contactAtMs === undefined ? undefined : { containers: this.#containers, contactAtMs };
  }

  tell({ containers, contactAtMs }: FenceTold, nowMs: number): void {
    this.#containers = containers;
    this.#fence = this.isIdle ? undefined : (this.#fence ?? newFence(Math.min(contactAtMs, nowMs)));
    this.contact(contactAtMs, nowMs);
  }

  contact(atMs: number, nowMs: number): void {
    if (this.#fence === undefined) return;
    // None is in the future: a clock that was read a moment earlier is no younger contact.
    this.#fence = withContact(this.#fence, { atMs: Math.min(atMs, nowMs), losses: 0, isKnown: true }, nowMs);
  }

  /** Another process holds it from now on, and hears of younger contacts. */
  handOver(): void {
    this.#containers = [];
    this.#fence = undefined;
  }

  /** Nothing is under it. */
  get isIdle(): boolean {
    return this.#containers.length === 0;
  }

  /** What must not run at this moment: the caller kills it. */
  ending(nowMs: number): readonly string[] {
    if (this.#fence === undefined) return [];
    this.#fence = withContact(this.#fence, { atMs: undefined, losses: 0, isKnown: true }, nowMs);
    const isClosed = this.#fence.state === "closed";
    this.#fence = ended(this.#fence);
    return isClosed ? this.#containers : [];
  }
}
