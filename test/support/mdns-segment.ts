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

interface Station {
  readonly responder: MdnsResponder;
  /** With one it speaks and hears by IPv6 as well. */
  readonly ipv6: readonly string[];
}

/** What else is known of a station. */
interface Wish {
  readonly members?: SegmentWish["members"];
  readonly ipv6?: readonly string[];
  readonly elsewhere?: readonly string[];
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
  readonly #stations = new Map<string, Station>();
  readonly #cut = new Set<string>();
  #underway: Underway[] = [];
  #repeat: (bytes: Buffer) => void = () => {};

  constructor(options: { readonly random?: () => number; readonly delayMs?: () => number } = {}) {
    this.#random = options.random ?? (() => 0);
    this.#delayMs = options.delayMs ?? (() => 1);
  }

  responder(address: string): MdnsResponder {
    const found = this.#stations.get(address);
    if (found === undefined) throw new Error(`${address} is not on the segment`);
    return found.responder;
  }

  /** A new responder, or the one at that address with another wish. */
  wish(address: string, hosts: readonly string[], { members = new Map(), ipv6 = [], elsewhere = [] }: Wish = {}): MdnsResponder {
    const before = this.#stations.get(address);
    const responder = before?.responder ?? new MdnsResponder(this.#random);
    // A kernel that has lost its last lasting address still speaks from a link-local one.
    this.#stations.set(address, { responder, ipv6: ipv6.length > 0 ? ipv6 : (before?.ipv6 ?? []) });
    this.#send(responder.update({ address, ipv6, hosts, members, elsewhere }, this.nowMs), address);
    return responder;
  }

  move(from: string, to: string, hosts: readonly string[]): void {
    const station = this.#stations.get(from);
    if (station === undefined) throw new Error(`${from} is not on the segment`);
    this.#stations.delete(from);
    this.#stations.set(to, station);
    this.wish(to, hosts, { ipv6: station.ipv6 });
  }

  leave(address: string): void {
    this.#send(this.responder(address).leave(), address);
    this.#stations.delete(address);
  }

  /** A router with that address on the other segment says there what stations say here to all. */
  repeatTo(other: MdnsSegment, router: string): void {
    this.#repeat = (bytes) => other.send(bytes, { address: router, port: MDNS_PORT });
  }

  /** Neither hears nor is heard. */
  cut(address: string): void {
    for (const each of [address, linkLocal(address)]) this.#cut.add(each);
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
      const next = Math.min(
        ...this.#underway.map(({ atMs }) => atMs),
        ...[...this.#stations.values()].map(({ responder }) => responder.dueAtMs),
      );
      if (next > untilMs) {
        this.nowMs = untilMs;
        return;
      }
      this.nowMs = Math.max(this.nowMs, next);
      this.#deliver();
      for (const [address, { responder }] of this.#stations)
        if (responder.dueAtMs <= this.nowMs) this.#send(responder.tick(this.nowMs), address);
      each();
    }
    throw new Error(`Not at rest after ${STEPS_MAX} steps, at ${this.nowMs} ms`);
  }

  /** Addresses of those that have the name. */
  owners(host: string): readonly string[] {
    const owns = (responder: MdnsResponder): boolean => responder.names.some((name) => name.host === host && name.state === "owned");
    return [...this.#stations].filter(([, { responder }]) => owns(responder)).map(([address]) => address);
  }

  #deliver(): void {
    const arrived = this.#underway.filter(({ atMs }) => atMs <= this.nowMs);
    this.#underway = this.#underway.filter(({ atMs }) => atMs > this.nowMs);
    for (const { bytes, from, to } of arrived)
      for (const [address, { responder, ipv6 }] of this.#stations)
        if (to === undefined && !this.#cut.has(address) && (familyOf(from) === 4 || ipv6.length > 0))
          this.#send(responder.receive(bytes, from, this.nowMs), address);
  }

  #send(datagrams: readonly Datagram[], address: string): void {
    const speaks = (this.#stations.get(address)?.ipv6.length ?? 0) > 0 ? ([4, 6] as const) : ([4] as const);
    for (const { bytes, to, family } of datagrams)
      for (const each of speaks)
        if (each === (to === undefined ? (family ?? each) : familyOf(to))) {
          this.send(bytes, { address: each === 4 ? address : linkLocal(address), port: MDNS_PORT }, to);
          if (to === undefined) this.#repeat(bytes);
        }
  }
}

/** Where one with that IPv4 address speaks from by IPv6. */
export function linkLocal(address: string): string {
  return `fe80::${address.split(".").at(-1)}%eth0`;
}

export function familyOf({ address }: Pick<Endpoint, "address">): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}
