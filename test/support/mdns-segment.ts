// A LAN segment in memory for responders of multicast DNS: one clock, and datagrams that take their time and reach everybody, whoever
// sent them too.
import { decodeMessage, type MdnsMessage } from "../../src/ingress/mdns-message.ts";
import { MDNS_PORT, MdnsResponder, type Datagram, type Endpoint, type SegmentWish } from "../../src/ingress/mdns-responder.ts";

export interface Heard {
  readonly atMs: number;
  readonly from: string;
  readonly to: Endpoint | undefined;
  readonly message: MdnsMessage;
}

interface Underway {
  readonly atMs: number;
  readonly bytes: Buffer;
  readonly from: Endpoint;
  readonly to: Endpoint | undefined;
}

const STEPS_MAX = 100_000;

export class MdnsSegment {
  nowMs = 0;
  /** All that was sent and not cut off, as it was sent. */
  readonly heard: Heard[] = [];
  readonly #delayMs: () => number;
  readonly #random: () => number;
  readonly #stations = new Map<string, MdnsResponder>();
  readonly #cut = new Set<string>();
  #underway: Underway[] = [];

  constructor(options: { readonly random?: () => number; readonly delayMs?: () => number } = {}) {
    this.#random = options.random ?? (() => 0);
    this.#delayMs = options.delayMs ?? (() => 1);
  }

  responder(address: string): MdnsResponder {
    const found = this.#stations.get(address);
    if (found === undefined) throw new Error(`${address} is not on the segment`);
    return found;
  }

  /** A new responder, or the one at that address with another wish. */
  wish(address: string, hosts: readonly string[], members: SegmentWish["members"] = new Map()): MdnsResponder {
    const responder = this.#stations.get(address) ?? new MdnsResponder(this.#random);
    this.#stations.set(address, responder);
    this.#send(responder.update({ address, hosts, members }, this.nowMs), address);
    return responder;
  }

  move(from: string, to: string, hosts: readonly string[]): void {
    const responder = this.responder(from);
    this.#stations.delete(from);
    this.#stations.set(to, responder);
    this.wish(to, hosts);
  }

  leave(address: string): void {
    this.#send(this.responder(address).leave(), address);
    this.#stations.delete(address);
  }

  /** Neither hears nor is heard. */
  cut(address: string): void {
    this.#cut.add(address);
  }

  heal(): void {
    this.#cut.clear();
  }

  send(bytes: Buffer, from: Endpoint, to?: Endpoint): void {
    if (this.#cut.has(from.address)) return;
    const message = decodeMessage(bytes);
    if (message !== undefined) this.heard.push({ atMs: this.nowMs, from: from.address, to, message });
    this.#underway.push({ atMs: this.nowMs + this.#delayMs(), bytes, from, to });
  }

  /** Calls `each` after every step. */
  run(untilMs: number, each: () => void = () => {}): void {
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const next = Math.min(...this.#underway.map(({ atMs }) => atMs), ...[...this.#stations.values()].map(({ dueAtMs }) => dueAtMs));
      if (next > untilMs) {
        this.nowMs = untilMs;
        return;
      }
      this.nowMs = Math.max(this.nowMs, next);
      this.#deliver();
      for (const [address, responder] of this.#stations)
        if (responder.dueAtMs <= this.nowMs) this.#send(responder.tick(this.nowMs), address);
      each();
    }
    throw new Error(`Not at rest after ${STEPS_MAX} steps, at ${this.nowMs} ms`);
  }

  /** Addresses of those that have the name. */
  owners(host: string): readonly string[] {
    const owns = (responder: MdnsResponder): boolean => responder.names.some((name) => name.host === host && name.state === "owned");
    return [...this.#stations].filter(([, responder]) => owns(responder)).map(([address]) => address);
  }

  #deliver(): void {
    const arrived = this.#underway.filter(({ atMs }) => atMs <= this.nowMs);
    this.#underway = this.#underway.filter(({ atMs }) => atMs > this.nowMs);
    for (const { bytes, from, to } of arrived)
      for (const [address, responder] of this.#stations)
        if (to === undefined && !this.#cut.has(address)) this.#send(responder.receive(bytes, from, this.nowMs), address);
  }

  #send(datagrams: readonly Datagram[], address: string): void {
    for (const { bytes, to } of datagrams) this.send(bytes, { address, port: MDNS_PORT }, to);
  }
}
