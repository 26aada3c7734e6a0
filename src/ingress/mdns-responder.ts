// The responder for `.local` names on one LAN segment (RFC 6762): messages and the clock in, messages and the next time out. Pure.
import { isIpv6 } from "./address.ts";
import { advanceClaim, announceAgain, beginClaim, contest, freeClaim, loseTie, yieldClaim, type Claim } from "./mdns-claim.ts";
import { decodeMessage, TYPE, type MdnsMessage, type MdnsQuestion, type MdnsRecord } from "./mdns-message.ts";
import { PendingAnswers, REPEAT_MS } from "./mdns-pending.ts";
import {
  addressKey,
  addressRecords,
  answerPart,
  compareClaims,
  isAddress,
  legacyPart,
  pack,
  probePart,
  recordKey,
  TTL,
  type Part,
  type Wanted,
} from "./mdns-records.ts";
import { lowerCase } from "./record.ts";

export const MDNS_PORT = 5353;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Datagram {
  readonly bytes: Buffer;
  /** Absent: to everybody. */
  readonly to?: Endpoint;
  /** Of everybody those who listen by this family of addresses; absent: by either. */
  readonly family?: Family;
}

export type Family = 4 | 6;

/** What shall be told on this segment. */
export interface SegmentWish {
  /** This node's own there. */
  readonly address: string;
  /** What it has there by IPv6, none of them link-local. */
  readonly ipv6: readonly string[];
  /** Single labels, each once. */
  readonly hosts: readonly string[];
  /** Addresses of other nodes of the house: the lower one keeps a name. */
  readonly members: ReadonlyMap<string, "lower" | "higher">;
  /** Addresses of the house, this node's too, on other networks: a router that repeats mDNS brings what is told there. */
  readonly elsewhere: readonly string[];
}

export interface MdnsName {
  readonly host: string;
  readonly state: Claim["state"];
  readonly holder?: Claim["holder"];
}

/** RFC 6762, 6: where others answer too. */
const SHARED_DELAY_MS = { least: 20, spread: 100 } as const;
/** RFC 6762, 7.2: what the asker knows already is still coming. */
const TRUNCATED_DELAY_MS = { least: 400, spread: 100 } as const;
const FIRST_PROBE_SPREAD_MS = 250;
/** Of a known answer, so that it need not be told again (RFC 6762, 7.1). */
const KNOWN_TTL_MIN = TTL / 2;
/** An own message with the address from before may still be on its way back. */
const FORMER_MS = 10_000;
const FORMER_MAX = 16;
/** Answers to single askers: more is no household, and a forged asker must not be drowned. */
const UNICASTS_PER_SECOND = 200;

interface Heard {
  readonly from: Endpoint;
  readonly nowMs: number;
}

export class MdnsResponder {
  readonly #random: () => number;
  readonly #claims = new Map<string, Claim>();
  /** Whoever asks by one family listens there for the answer. */
  readonly #answers: Readonly<Record<Family, PendingAnswers>> = { 4: new PendingAnswers(), 6: new PendingAnswers() };
  #addresses: readonly string[] = [];
  #members: SegmentWish["members"] = new Map();
  #elsewhere: ReadonlySet<string> = new Set();
  #former: readonly { readonly address: string; readonly untilMs: number }[] = [];
  #goodbyes: Part[] = [];
  #unicasts = { second: 0, count: 0 };

  /** `random` answers from 0 to below 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Infinity: nothing is due. */
  get dueAtMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#claims.values()) due = Math.min(due, dueAtMs);
    return Math.min(due, this.#answers[4].dueAtMs, this.#answers[6].dueAtMs);
  }

  get names(): readonly MdnsName[] {
    return [...this.#claims].map(([name, { state, holder }]) => ({ host: hostOf(name), state, ...(holder && { holder }) }));
  }

  update({ address, ipv6, hosts, members, elsewhere }: SegmentWish, nowMs: number): readonly Datagram[] {
    const wanted = new Set(hosts.map(nameOf));
    const goodbyes = this.#forget([...this.#claims.keys()].filter((name) => !wanted.has(name)));
    const addresses = [address, ...ipv6];
    if (addresses.join() !== this.#addresses.join()) this.#move(addresses, nowMs);
    this.#members = new Map([...members].map(([each, rank]) => [addressKey(each), rank]));
    this.#elsewhere = new Set(elsewhere.map(addressKey));
    const firstProbeMs = nowMs + this.#random() * FIRST_PROBE_SPREAD_MS;
    for (const name of wanted) if (!this.#claims.has(name)) this.#claims.set(name, beginClaim(firstProbeMs));
    return [...goodbyes, ...this.tick(nowMs)];
  }

  /** Says goodbye to all names. */
  leave(): readonly Datagram[] {
    return this.#forget([...this.#claims.keys()]);
  }

  tick(nowMs: number): readonly Datagram[] {
    const [probes, records]: [Part[], Part[]] = [[], this.#goodbyes];
    this.#goodbyes = [];
    for (const [name, claim] of this.#claims) {
      const advanced = advanceClaim(claim, nowMs);
      if (advanced.send === undefined) continue;
      this.#claims.set(name, advanced.claim);
      if (advanced.send === "probe") probes.push(probePart(name, this.#addresses));
      else records.push(this.#announcement(name, nowMs));
    }
    const [byIpv4, byIpv6] = [this.#due(4, nowMs), this.#due(6, nowMs)];
    const told = (parts: readonly Part[], family?: Family): readonly Datagram[] =>
      toAll(pack({ id: 0, response: true }, [...records, ...parts]), family);
    const isOneForAll = byIpv4.length + byIpv6.length === 0;
    return [...toAll(pack({ id: 0, response: false }, probes)), ...(isOneForAll ? told([]) : [...told(byIpv4, 4), ...told(byIpv6, 6)])];
  }

  #due(family: Family, nowMs: number): readonly Part[] {
    return this.#answers[family].take(nowMs).flatMap(([name, wanted]) => {
      const claim = this.#claims.get(name);
      if (claim?.state !== "owned") return [];
      this.#answers[family].told(name, nowMs);
      this.#claims.set(name, { ...claim, dueAtMs: Math.max(claim.dueAtMs, nowMs + REPEAT_MS) });
      return answerPart(name, this.#addresses, wanted);
    });
  }

  /** From this segment only; what comes from elsewhere must have been dropped. */
  receive(packet: Buffer, from: Endpoint, nowMs: number): readonly Datagram[] {
    if (this.#claims.size === 0) return [];
    const message = decodeMessage(packet);
    if (message === undefined) return [];
    if (!message.response) return [...this.#hearQuery(message, { from, nowMs }), ...this.tick(nowMs)];
    // RFC 6762, 6: an answer from another port is none.
    if (from.port === MDNS_PORT)
      for (const [name, records] of byName([...message.answers, ...message.additionals])) this.#hear(name, records, { from, nowMs });
    return this.tick(nowMs);
  }

  #announcement(name: string, nowMs: number): Part {
    for (const answers of Object.values(this.#answers)) answers.announced(name, nowMs);
    return { answers: addressRecords(name, this.#addresses) };
  }

  #forget(names: readonly string[]): readonly Datagram[] {
    const owned = names.filter((name) => this.#claims.get(name)?.state === "owned");
    for (const name of names) {
      this.#claims.delete(name);
      for (const answers of Object.values(this.#answers)) answers.forget(name);
    }
    const goodbyes = owned.map((name) => this.#goodbye(name));
    return toAll(pack({ id: 0, response: true }, goodbyes));
  }

  #goodbye(name: string, addresses = this.#addresses): Part {
    return { answers: addressRecords(name, addresses, 0) };
  }

  #move(addresses: readonly string[], nowMs: number): void {
    const gone = this.#addresses.filter((address) => !addresses.includes(address));
    const former = this.#former.filter(({ untilMs, address }) => untilMs > nowMs && !addresses.includes(address));
    this.#former = [...former, ...gone.map((address) => ({ address, untilMs: nowMs + FORMER_MS }))].slice(-FORMER_MAX);
    // What takes the place of others is told as all there is; nothing takes the place of the last ones.
    const lost = addresses.some(isIpv6) ? [] : gone.filter(isIpv6);
    this.#addresses = addresses;
    for (const [name, claim] of this.#claims) {
      if (lost.length > 0 && claim.state === "owned") this.#goodbyes.push(this.#goodbye(name, lost));
      this.#claims.set(name, announceAgain(claim, nowMs));
    }
  }

  /** All that one message says of a name is one word. */
  #hear(name: string, records: readonly MdnsRecord[], heard: Heard): void {
    const claim = this.#claims.get(name);
    if (claim === undefined) return;
    // What a name does not have is never a claim of its own.
    const claims = records.filter(({ type }) => type !== TYPE.NSEC);
    if (this.#isElsewhere(claims)) return;
    const own = claims.filter((record) => this.#isOwn(record, heard.nowMs));
    const others = claims.filter((record) => !own.includes(record));
    const rivals = others.filter(({ type, ttl }) => ttl > 0 && (claim.state !== "owned" || this.#hasType(type)));
    if (own.length > 0) this.#hearOwn(name, own, heard);
    if (rivals.length > 0) this.#hearOther(name, rivals, heard);
    else if (others.some(({ ttl }) => ttl === 0)) this.#claims.set(name, freeClaim(claim, heard.nowMs));
  }

  /** An echo, another process of this node, or another program that tells the same. */
  #hearOwn(name: string, records: readonly MdnsRecord[], { from, nowMs }: Heard): void {
    if (this.#claims.get(name)?.state !== "owned") return;
    const answers = this.#answers[familyOf(from)];
    // RFC 6762, 7.4: it has just been said.
    answers.settle(name, (wanted) => this.#unknown(wanted, records, TTL));
    const isForgotten = records.some((record) => record.ttl === 0 && this.#addresses.some((address) => isAddress(record, address)));
    // Others forget it now: it is told again.
    if (isForgotten) answers.tellSoon(name, { ...this.#all(), dueAtMs: nowMs });
  }

  #hearOther(name: string, records: readonly MdnsRecord[], { from: { address }, nowMs }: Heard): void {
    const claim = this.#claims.get(name);
    if (claim === undefined) return;
    const rank = this.#rankOf(address, records);
    if (rank === "lower") {
      // Its announcement makes nobody forget what was told within the second before (RFC 6762, 10.2).
      if (claim.state === "owned") this.#goodbyes.push(this.#goodbye(name));
      this.#claims.set(name, yieldClaim(claim, { address, member: true }, nowMs));
    } else if (rank === undefined) this.#claims.set(name, contest(claim, address, nowMs));
    // So that it hears who has the name, and whoever heard it knows better.
    else if (claim.state === "owned") this.#claims.set(name, announceAgain(claim, this.#freeAtMs(name, nowMs)));
  }

  /** By IPv6 a member speaks from an address that it tells nobody; what it tells of a name is its own. */
  #rankOf(address: string, records: readonly MdnsRecord[]): "lower" | "higher" | undefined {
    const keys = [addressKey(address), ...records.flatMap((record) => recordKey(record) ?? [])];
    return keys.map((key) => this.#members.get(key)).find((rank) => rank !== undefined);
  }

  /** The house's word on another network: neither of this one nor against it. By IPv4, where there is some, for it says where it is of. */
  #isElsewhere(records: readonly MdnsRecord[]): boolean {
    const byIpv4 = records.filter(({ type }) => type === TYPE.A);
    const telling = byIpv4.length > 0 ? byIpv4 : records;
    return telling.length > 0 && telling.every((record) => this.#elsewhere.has(recordKey(record) ?? ""));
  }

  #isOwn(record: MdnsRecord, nowMs: number): boolean {
    if (this.#addresses.some((address) => isAddress(record, address))) return true;
    return this.#former.some(({ address, untilMs }) => untilMs > nowMs && isAddress(record, address));
  }

  #hasType(type: number): boolean {
    return type === TYPE.A || (type === TYPE.AAAA && this.#addresses.some(isIpv6));
  }

  #all(): Wanted {
    return { a: true, aaaa: this.#hasType(TYPE.AAAA), nsec: false };
  }

  #hearQuery(message: MdnsMessage, heard: Heard): readonly Datagram[] {
    const { questions, authorities } = message;
    const probed = byName(heard.from.port === MDNS_PORT ? authorities : []);
    for (const [name, records] of probed) this.#hearProbe(name, records, heard);
    const known = byName(message.answers);
    if (questions.length === 0) this.#hearKnown(known, heard);
    const asked = this.#asked(questions);
    if (asked.length === 0) return [];
    if (heard.from.port !== MDNS_PORT) return this.#answerLegacy(message.id, asked, heard);
    const others = questions.some(({ name }) => this.#claims.get(lowerCase(name))?.state !== "owned");
    const answers = this.#answers[familyOf(heard.from)];
    const delay = message.truncated ? TRUNCATED_DELAY_MS : others ? SHARED_DELAY_MS : undefined;
    const dueAtMs = heard.nowMs + (delay === undefined ? 0 : delay.least + this.#random() * delay.spread);
    const parts: Part[] = [];
    for (const question of asked) {
      const name = lowerCase(question.name);
      const wanted = this.#unknown(this.#wantedBy(question), known.get(name));
      if (!wanted.a && !wanted.aaaa && !wanted.nsec) continue;
      const isProbe = probed.has(name);
      const alone = question.unicast && answers.wasToldLately(name, heard.nowMs);
      if (alone) parts.push(answerPart(name, this.#addresses, wanted));
      // Where several programs share the port, what is sent to one of them may reach another: who probes must hear.
      const onlyFor = message.truncated ? { onlyFor: heard.from.address } : {};
      if (!alone || isProbe) answers.tellSoon(name, { ...wanted, dueAtMs, isProbe, ...onlyFor });
    }
    return this.#toOne(pack({ id: message.id, response: true }, parts), heard);
  }

  /** Questions for names of ours, each once. */
  #asked(questions: readonly MdnsQuestion[]): readonly MdnsQuestion[] {
    const asked = new Map<string, MdnsQuestion>();
    for (const question of questions) {
      const name = lowerCase(question.name);
      if (this.#claims.get(name)?.state === "owned") asked.set(`${name} ${question.type}`, question);
    }
    return [...asked.values()];
  }

  /** Who claims what is being claimed here: the tie-break. */
  #hearProbe(name: string, records: readonly MdnsRecord[], { from: { address }, nowMs }: Heard): void {
    const claim = this.#claims.get(name);
    const isPresent = (record: MdnsRecord): boolean => this.#addresses.some((each) => isAddress(record, each));
    const theirs = records.filter((record) => isPresent(record) || !this.#isOwn(record, nowMs));
    if (claim?.state !== "probing" || theirs.length === 0 || this.#isElsewhere(theirs)) return;
    const difference = compareClaims(addressRecords(name, this.#addresses), theirs);
    const rank = difference === 0 ? "higher" : this.#rankOf(address, theirs);
    if (rank === "lower") this.#claims.set(name, yieldClaim(claim, { address, member: true }, nowMs));
    else if (rank === undefined && difference < 0) this.#claims.set(name, loseTie(claim, address, nowMs));
  }

  /** The rest of what an asker knows (RFC 6762, 7.2). */
  #hearKnown(known: ByName, { from }: Heard): void {
    for (const [name, records] of known)
      this.#answers[familyOf(from)].settle(name, (wanted) => this.#unknown(wanted, records), from.address);
  }

  #answerLegacy(id: number, asked: readonly MdnsQuestion[], heard: Heard): readonly Datagram[] {
    const partOf = (question: MdnsQuestion): Part => answerPart(lowerCase(question.name), this.#addresses, this.#wantedBy(question));
    const parts = asked.map((question) => legacyPart(question, partOf(question)));
    return this.#toOne(pack({ id, response: true }, parts), heard);
  }

  /** A name that exists has an answer to every question: its addresses, or that it has nothing else. */
  #wantedBy({ type }: MdnsQuestion): Wanted {
    if (type === TYPE.ANY) return this.#all();
    return { a: type === TYPE.A, aaaa: type === TYPE.AAAA && this.#hasType(type), nsec: !this.#hasType(type) };
  }

  /** Without what the asker knows, for at least so many seconds. All of one type are told together, so half of them is nothing. */
  #unknown({ a, aaaa, nsec }: Wanted, known: readonly MdnsRecord[] = [], leastTtl = KNOWN_TTL_MIN): Wanted {
    const fresh = known.filter(({ ttl }) => ttl >= leastTtl);
    const isKnown = (address: string): boolean => fresh.some((record) => isAddress(record, address));
    return {
      a: a && !this.#addresses.filter((address) => !isIpv6(address)).every(isKnown),
      aaaa: aaaa && !this.#addresses.filter(isIpv6).every(isKnown),
      nsec: nsec && !fresh.some(({ type }) => type === TYPE.NSEC),
    };
  }

  /** The earliest time to tell everybody again. */
  #freeAtMs(name: string, atMs: number): number {
    return Math.max(this.#answers[4].freeAtMs(name, atMs), this.#answers[6].freeAtMs(name, atMs));
  }

  #toOne(messages: readonly Buffer[], { from, nowMs }: Heard): readonly Datagram[] {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#unicasts.second) this.#unicasts = { second, count: 0 };
    const allowed = messages.slice(0, UNICASTS_PER_SECOND - this.#unicasts.count);
    this.#unicasts.count += allowed.length;
    return allowed.map((bytes) => ({ bytes, to: from }));
  }
}

type ByName = ReadonlyMap<string, readonly MdnsRecord[]>;

function byName(records: readonly MdnsRecord[]): ByName {
  return Map.groupBy(records, ({ name }) => lowerCase(name));
}

function toAll(messages: readonly Buffer[], family?: Family): readonly Datagram[] {
  return messages.map((bytes) => ({ bytes, ...(family !== undefined && { family }) }));
}

function familyOf({ address }: Endpoint): Family {
  return address.includes(":") ? 6 : 4;
}

function nameOf(host: string): string {
  return `${host}.local`;
}

function hostOf(name: string): string {
  return name.slice(0, -".local".length);
}
