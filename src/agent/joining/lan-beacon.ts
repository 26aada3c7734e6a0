// One LAN segment by multicast DNS service discovery (RFC 6762, RFC 6763): says that this node's agent is here, and hears where others
// are. A hint and no trust: whoever is named is asked on its port 733. Messages and the clock in, messages and the next time out. Pure.
import type { Responder, SegmentWish } from "../../adapters/mdns/links.ts";
import type { Datagram, Endpoint } from "../../adapters/mdns/socket.ts";
import {
  decodeMessage,
  encodeMessage,
  nameBytes,
  TYPE,
  type MdnsMessage,
  type MdnsQuestion,
  type MdnsRecord,
} from "../../ingress/mdns-message.ts";
import { addressRecord } from "../../ingress/mdns-records.ts";
import type { Address, NodeId } from "../../joining/messages.ts";

export interface BeaconOptions {
  readonly nodeId: NodeId;
  /** Where its agent listens. */
  readonly port: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface Seen {
  /** Where it was heard from; what it says of its addresses is not used. */
  readonly from: string;
  readonly port: number;
  readonly untilMs: number;
}

const SERVICE = "_fossora._tcp.local";
/** RFC 6763, 9: whoever asks which services there are. */
const SERVICES = "_services._dns-sd._udp.local";
const PTR = 12;
const TXT = 16;
const SRV = 33;
const USUAL_PORT = 733;
const MDNS_PORT = 5353;
const NODE_ID = /^[a-z2-7]{16}$/;

/** Seconds. Nobody is told off for long that a computer is gone, and a few lost questions do no harm. */
const TTL = 300;
const TTL_KNOWN_MIN = TTL / 2;
/** RFC 6762, 8.3. */
const ANNOUNCED_TIMES = 2;
const REPEAT_MS = 1_000;
/** RFC 6762, 5.2 and 6: others answer, and ask, at the same moment. */
const DELAY_MS = { least: 20, spread: 100 } as const;
const ASK_FIRST_MS = 1_000;
const ASK_EVERY_MAX_MS = 60_000;

/** A home has a few; whoever floods has few places. */
const SEEN_MAX = 64;
const SEEN_PER_ADDRESS_MAX = 4;
/** Fit into one message. */
const KNOWN_ANSWERS_MAX = 16;
const PACKETS_PER_SECOND = 200;

export class LanBeacon implements Responder<SegmentWish> {
  readonly #options: BeaconOptions;
  readonly #instance: string;
  readonly #host: string;
  readonly #seen = new Map<NodeId, Seen>();
  /** By where they were heard. */
  readonly #namesakes = new Map<string, Seen>();
  #address = "";
  #announceAtMs = Number.POSITIVE_INFINITY;
  #announcementsLeft = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #askAtMs = Number.POSITIVE_INFINITY;
  #askEveryMs = ASK_FIRST_MS;
  #packets = { second: 0, count: 0 };

  constructor(options: BeaconOptions) {
    this.#options = options;
    this.#instance = `${options.nodeId}.${SERVICE}`;
    this.#host = `fossora-${options.nodeId}.local`;
  }

  get dueAtMs(): number {
    return Math.min(this.#announceAtMs, this.#askAtMs);
  }

  /** Of agents, the last heard first. */
  found(nowMs: number): readonly Address[] {
    return addressesOf(this.#seen, nowMs);
  }

  /** Where else its own name was told from: a copy of it is there, or its own word came round. */
  namesakes(nowMs: number): readonly Address[] {
    return addressesOf(this.#namesakes, nowMs);
  }

  update({ address }: SegmentWish, nowMs: number): readonly Datagram[] {
    if (address === this.#address) return [];
    this.#address = address;
    this.#announcementsLeft = ANNOUNCED_TIMES;
    this.#announceAtMs = this.#soon(nowMs);
    this.#askEveryMs = ASK_FIRST_MS;
    this.#askAtMs = this.#announceAtMs;
    return [];
  }

  tick(nowMs: number): readonly Datagram[] {
    const messages: Buffer[] = [];
    if (this.#announceAtMs <= nowMs) messages.push(this.#announce(nowMs));
    if (this.#askAtMs <= nowMs) messages.push(this.#ask(nowMs));
    return messages.map((bytes) => ({ bytes }));
  }

  receive(packet: Buffer, from: Endpoint, nowMs: number): readonly Datagram[] {
    if (from.port !== MDNS_PORT || this.#isFlooded(nowMs)) return [];
    const message = decodeMessage(packet);
    if (message === undefined) return [];
    if (message.response) for (const record of [...message.answers, ...message.additionals]) this.#hear(record, from.address, nowMs);
    else if (message.questions.some((question) => this.#isAsked(question)) && !this.#isKnown(message)) this.#tellSoon(nowMs);
    return this.tick(nowMs);
  }

  leave(): readonly Datagram[] {
    return this.#address === "" ? [] : [{ bytes: this.#records(0) }];
  }

  #announce(nowMs: number): Buffer {
    this.#announcementsLeft = Math.max(0, this.#announcementsLeft - 1);
    this.#announceAtMs = this.#announcementsLeft > 0 ? nowMs + REPEAT_MS : Number.POSITIVE_INFINITY;
    this.#toldAtMs = nowMs;
    return this.#records(TTL);
  }

  /** Rarer and rarer: new ones announce themselves. Who is known well need not answer. */
  #ask(nowMs: number): Buffer {
    this.#askAtMs = nowMs + this.#askEveryMs;
    this.#askEveryMs = Math.min(this.#askEveryMs * 2, ASK_EVERY_MAX_MS);
    const known = [...this.#seen].filter(([, { untilMs }]) => untilMs - nowMs > TTL_KNOWN_MIN * 1000).slice(-KNOWN_ANSWERS_MAX);
    const answers = known.map(([nodeId, { untilMs }]) => pointer(nodeId, Math.floor((untilMs - nowMs) / 1000)));
    const questions = [{ name: SERVICE, type: PTR, unicast: false }];
    return encodeMessage({ id: 0, response: false, truncated: false, questions, answers, authorities: [], additionals: [] });
  }

  #tellSoon(nowMs: number): void {
    this.#announceAtMs = Math.min(this.#announceAtMs, Math.max(this.#soon(nowMs), this.#toldAtMs + REPEAT_MS));
  }

  #soon(nowMs: number): number {
    return nowMs + DELAY_MS.least + this.#options.random() * DELAY_MS.spread;
  }

  /** All there is, whatever was asked: it is short. */
  #records(ttl: number): Buffer {
    const { nodeId, port } = this.#options;
    const service = { name: this.#instance, ttl, flush: true };
    const answers: readonly MdnsRecord[] = [
      pointer(nodeId, ttl),
      { ...service, type: SRV, data: Uint8Array.from([0, 0, 0, 0, port >> 8, port & 255, ...nameBytes(this.#host)]) },
      { ...service, type: TXT, data: Uint8Array.from([0]) },
      addressRecord(this.#host, this.#address, ttl),
      { name: SERVICES, type: PTR, ttl, flush: false, data: nameBytes(SERVICE) },
    ];
    return encodeMessage({ id: 0, response: true, truncated: false, questions: [], answers, authorities: [], additionals: [] });
  }

  #isAsked({ name, type }: MdnsQuestion): boolean {
    const asked = name.toLowerCase();
    const types =
      asked === SERVICE || asked === SERVICES ? [PTR] : asked === this.#instance ? [SRV, TXT] : asked === this.#host ? [TYPE.A] : [];
    return types.includes(type) || (types.length > 0 && type === TYPE.ANY);
  }

  /** RFC 6762, 7.1. The name may be abbreviated behind its first label, which is ours alone. */
  #isKnown({ questions, answers }: MdnsMessage): boolean {
    const label = [this.#options.nodeId.length, ...Buffer.from(this.#options.nodeId)];
    const known = answers.some(
      ({ name, type, ttl, data }) =>
        name.toLowerCase() === SERVICE && type === PTR && ttl >= TTL_KNOWN_MIN && label.every((byte, index) => data[index] === byte),
    );
    return (
      known && questions.every(({ name }) => name.toLowerCase() === SERVICE || !this.#isAsked({ name, type: TYPE.ANY, unicast: false }))
    );
  }

  #hear({ name, type, ttl, data }: MdnsRecord, from: string, nowMs: number): void {
    const [label = "", ...rest] = name.toLowerCase().split(".");
    if (type !== SRV || rest.join(".") !== SERVICE || !NODE_ID.test(label)) return;
    const seen = { from, port: ((data[4] ?? 0) << 8) | (data[5] ?? 0), untilMs: nowMs + Math.min(ttl, TTL) * 1000 };
    if (label === this.#options.nodeId) return this.#hearNamesake(seen, ttl);
    const before = this.#seen.get(label);
    if (ttl === 0 && before?.from === from) this.#seen.delete(label);
    if (ttl === 0 || seen.port === 0) return;
    this.#seen.delete(label);
    this.#makeRoom(from, nowMs);
    this.#seen.set(label, seen);
  }

  #hearNamesake(seen: Seen, ttl: number): void {
    if (seen.from === this.#address) return;
    this.#namesakes.delete(seen.from);
    if (ttl === 0 || seen.port === 0) return;
    const [oldest] = this.#namesakes.keys();
    if (this.#namesakes.size >= SEEN_PER_ADDRESS_MAX && oldest !== undefined) this.#namesakes.delete(oldest);
    this.#namesakes.set(seen.from, seen);
  }

  #makeRoom(from: string, nowMs: number): void {
    for (const [nodeId, { untilMs }] of this.#seen) if (untilMs <= nowMs) this.#seen.delete(nodeId);
    const there = [...this.#seen].filter(([, seen]) => seen.from === from);
    const [oldest] = there.length >= SEEN_PER_ADDRESS_MAX ? there : this.#seen.size >= SEEN_MAX ? [...this.#seen] : [];
    if (oldest !== undefined) this.#seen.delete(oldest[0]);
  }

  #isFlooded(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#packets.second) this.#packets = { second, count: 0 };
    this.#packets.count += 1;
    return this.#packets.count > PACKETS_PER_SECOND;
  }
}

/** The last heard first. */
function addressesOf(seen: ReadonlyMap<string, Seen>, nowMs: number): readonly Address[] {
  const live = [...seen.values()].filter(({ untilMs }) => untilMs > nowMs).sort((a, b) => b.untilMs - a.untilMs);
  return [...new Set(live.map(({ from, port }) => (port === USUAL_PORT ? from : `${from}:${port}`)))];
}

function pointer(nodeId: NodeId, ttl: number): MdnsRecord {
  return { name: SERVICE, type: PTR, ttl, flush: false, data: nameBytes(`${nodeId}.${SERVICE}`) };
}
