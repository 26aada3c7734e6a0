// The responder for `.local` names on one LAN segment (RFC 6762): messages and the clock in, messages and the next time out. Pure.
import { advanceClaim, announceAgain, beginClaim, contest, freeClaim, loseTie, yieldClaim, type Claim } from "./mdns-claim.ts";
import { decodeMessage, TYPE, type MdnsMessage, type MdnsQuestion, type MdnsRecord } from "./mdns-message.ts";
import {
  addressRecord,
  answerPart,
  compareClaims,
  isAddress,
  legacyPart,
  pack,
  probePart,
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
}

/** What shall be told on this segment. */
export interface SegmentWish {
  /** This node's own there. */
  readonly address: string;
  /** Single labels, each once. */
  readonly hosts: readonly string[];
  /** Addresses of other nodes of the house: the one with the lower id keeps a name. */
  readonly members: ReadonlyMap<string, "lower" | "higher">;
}

export interface MdnsName {
  readonly host: string;
  readonly state: Claim["state"];
  readonly holder?: Claim["holder"];
}

/** RFC 6762, 6: how often a record is told to everybody, and how soon again to one who is about to claim it. */
const REPEAT_MS = 1000;
const REPEAT_TO_PROBE_MS = 250;
/** RFC 6762, 6: where others answer too. */
const SHARED_DELAY_MS = { least: 20, spread: 100 } as const;
/** RFC 6762, 7.2: what the asker knows already is still coming. */
const TRUNCATED_DELAY_MS = { least: 400, spread: 100 } as const;
const FIRST_PROBE_SPREAD_MS = 250;
/** RFC 6762, 5.4: who asks for an answer to itself alone gets it if all others heard one lately. */
const HEARD_LATELY_MS = (TTL * 1000) / 4;
/** Of a known answer, so that it need not be told again (RFC 6762, 7.1). */
const KNOWN_TTL_MIN = TTL / 2;
/** An own message with the address from before may still be on its way back. */
const FORMER_MS = 10_000;
const FORMER_MAX = 4;
/** Answers to single askers: more is no household, and a forged asker must not be drowned. */
const UNICASTS_PER_SECOND = 200;

interface Heard {
  readonly from: Endpoint;
  readonly nowMs: number;
}

interface Pending extends Wanted {
  readonly dueAtMs: number;
  /** The only asker, if it said that known answers follow. */
  readonly onlyFor?: string;
}

export class MdnsResponder {
  readonly #random: () => number;
  readonly #claims = new Map<string, Claim>();
  readonly #pending = new Map<string, Pending>();
  readonly #toldAtMs = new Map<string, number>();
  #address = "";
  #members: SegmentWish["members"] = new Map();
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
    for (const { dueAtMs } of this.#pending.values()) due = Math.min(due, dueAtMs);
    return due;
  }

  get names(): readonly MdnsName[] {
    return [...this.#claims].map(([name, { state, holder }]) => ({ host: hostOf(name), state, ...(holder && { holder }) }));
  }

  update({ address, hosts, members }: SegmentWish, nowMs: number): readonly Datagram[] {
    const wanted = new Set(hosts.map(nameOf));
    const goodbyes = this.#forget([...this.#claims.keys()].filter((name) => !wanted.has(name)));
    if (address !== this.#address) this.#move(address, nowMs);
    this.#members = members;
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
      if (advanced.send === "probe") probes.push(probePart(name, this.#address));
      else records.push(this.#announcement(name, nowMs));
    }
    for (const [name, { dueAtMs, a, nsec }] of this.#pending) {
      if (dueAtMs > nowMs) continue;
      this.#pending.delete(name);
      const claim = this.#claims.get(name);
      if (claim?.state !== "owned") continue;
      records.push(answerPart(name, this.#address, { a, nsec }));
      this.#toldAtMs.set(name, nowMs);
      this.#claims.set(name, { ...claim, dueAtMs: Math.max(claim.dueAtMs, nowMs + REPEAT_MS) });
    }
    return toAll([...pack({ id: 0, response: false }, probes), ...pack({ id: 0, response: true }, records)]);
  }

  /** From this segment only; what comes from elsewhere must have been dropped. */
  receive(packet: Buffer, from: Endpoint, nowMs: number): readonly Datagram[] {
    if (this.#claims.size === 0) return [];
    const message = decodeMessage(packet);
    if (message === undefined) return [];
    if (!message.response) return [...this.#hearQuery(message, { from, nowMs }), ...this.tick(nowMs)];
    // RFC 6762, 6: an answer from another port is none.
    if (from.port === MDNS_PORT) for (const record of [...message.answers, ...message.additionals]) this.#hear(record, { from, nowMs });
    return this.tick(nowMs);
  }

  /** It answers whoever waits for the address, too. */
  #announcement(name: string, nowMs: number): Part {
    if (this.#pending.get(name)?.nsec === false) this.#pending.delete(name);
    this.#toldAtMs.set(name, nowMs);
    return { answers: [addressRecord(name, this.#address)] };
  }

  #forget(names: readonly string[]): readonly Datagram[] {
    const owned = names.filter((name) => this.#claims.get(name)?.state === "owned");
    for (const name of names) for (const map of [this.#claims, this.#pending, this.#toldAtMs]) map.delete(name);
    const goodbyes = owned.map((name) => this.#goodbye(name));
    return toAll(pack({ id: 0, response: true }, goodbyes));
  }

  #goodbye(name: string): Part {
    return { answers: [addressRecord(name, this.#address, 0)] };
  }

  #move(address: string, nowMs: number): void {
    const former = this.#former.filter(({ untilMs, ...each }) => untilMs > nowMs && each.address !== address);
    if (this.#address !== "") former.push({ address: this.#address, untilMs: nowMs + FORMER_MS });
    this.#former = former.slice(-FORMER_MAX);
    this.#address = address;
    for (const [name, claim] of this.#claims) this.#claims.set(name, announceAgain(claim, nowMs));
  }

  #hear(record: MdnsRecord, heard: Heard): void {
    const name = lowerCase(record.name);
    const claim = this.#claims.get(name);
    // What a name does not have is never a claim of its own.
    if (claim === undefined || record.type === TYPE.NSEC) return;
    if (this.#isOwn(record, heard.nowMs)) this.#hearOwn(name, record, heard);
    else if (record.ttl === 0) this.#claims.set(name, freeClaim(claim, heard.nowMs));
    else if (claim.state !== "owned" || record.type === TYPE.A) this.#hearOther(name, claim, heard);
  }

  /** An echo, another process of this node, or another program that tells the same. */
  #hearOwn(name: string, record: MdnsRecord, { nowMs }: Heard): void {
    const pending = this.#pending.get(name);
    if (!isAddress(record, this.#address) || this.#claims.get(name)?.state !== "owned") return;
    // RFC 6762, 7.4: it has just been said.
    if (record.ttl >= TTL && pending?.nsec === false) this.#pending.delete(name);
    // Others forget it now: it is told again.
    if (record.ttl === 0) this.#tellSoon(name, { a: true, nsec: false, dueAtMs: nowMs });
  }

  #hearOther(name: string, claim: Claim, { from: { address }, nowMs }: Heard): void {
    const rank = this.#members.get(address);
    if (rank === "lower") {
      // Its announcement makes nobody forget what was told within the second before (RFC 6762, 10.2).
      if (claim.state === "owned") this.#goodbyes.push(this.#goodbye(name));
      this.#claims.set(name, yieldClaim(claim, { address, member: true }, nowMs));
    } else if (rank === undefined) this.#claims.set(name, contest(claim, address, nowMs));
    // So that it hears who has the name, and whoever heard it knows better.
    else if (claim.state === "owned") this.#claims.set(name, announceAgain(claim, this.#freeAtMs(name, nowMs)));
  }

  #isOwn(record: MdnsRecord, nowMs: number): boolean {
    if (isAddress(record, this.#address)) return true;
    return this.#former.some(({ address, untilMs }) => untilMs > nowMs && isAddress(record, address));
  }

  #hearQuery(message: MdnsMessage, heard: Heard): readonly Datagram[] {
    const { questions, answers, authorities } = message;
    const probed = byName(heard.from.port === MDNS_PORT ? authorities : []);
    for (const [name, records] of probed) this.#hearProbe(name, records, heard);
    const known = byName(answers);
    if (questions.length === 0) this.#hearKnown(known, heard);
    const asked = this.#asked(questions);
    if (asked.length === 0) return [];
    if (heard.from.port !== MDNS_PORT) return this.#answerLegacy(message.id, asked, heard);
    const others = questions.some(({ name }) => this.#claims.get(lowerCase(name))?.state !== "owned");
    const delay = message.truncated ? TRUNCATED_DELAY_MS : others ? SHARED_DELAY_MS : undefined;
    const dueAtMs = heard.nowMs + (delay === undefined ? 0 : delay.least + this.#random() * delay.spread);
    const parts: Part[] = [];
    for (const question of asked) {
      const name = lowerCase(question.name);
      const wanted = unknown(wantedBy(question), known.get(name), this.#address);
      if (!wanted.a && !wanted.nsec) continue;
      const isProbe = probed.has(name);
      const alone = question.unicast && heard.nowMs - (this.#toldAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < HEARD_LATELY_MS;
      if (alone) parts.push(answerPart(name, this.#address, wanted));
      // Where several programs share the port, what is sent to one of them may reach another: who probes must hear.
      const onlyFor = message.truncated ? { onlyFor: heard.from.address } : {};
      if (!alone || isProbe) this.#tellSoon(name, { ...wanted, dueAtMs, isProbe, ...onlyFor });
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
    const theirs = records.filter((record) => isAddress(record, this.#address) || !this.#isOwn(record, nowMs));
    if (claim?.state !== "probing" || theirs.length === 0) return;
    const difference = compareClaims(addressRecord(name, this.#address), theirs);
    const rank = difference === 0 ? "higher" : this.#members.get(address);
    if (rank === "lower") this.#claims.set(name, yieldClaim(claim, { address, member: true }, nowMs));
    else if (rank === undefined && difference < 0) this.#claims.set(name, loseTie(claim, address, nowMs));
  }

  /** The rest of what an asker knows (RFC 6762, 7.2). */
  #hearKnown(known: ByName, { from }: Heard): void {
    for (const [name, records] of known) {
      const pending = this.#pending.get(name);
      if (pending?.onlyFor !== from.address) continue;
      const left = unknown(pending, records, this.#address);
      if (left.a || left.nsec) this.#pending.set(name, left);
      else this.#pending.delete(name);
    }
  }

  #answerLegacy(id: number, asked: readonly MdnsQuestion[], heard: Heard): readonly Datagram[] {
    const parts = asked.map((question) => legacyPart(question, answerPart(lowerCase(question.name), this.#address, wantedBy(question))));
    return this.#toOne(pack({ id, response: true }, parts), heard);
  }

  /** To everybody, together with what is due then; not sooner after the last time than RFC 6762 lets. */
  #tellSoon(name: string, wish: Pending & { readonly isProbe?: boolean }): void {
    const { a, nsec, isProbe = false, onlyFor } = wish;
    const dueAtMs = this.#freeAtMs(name, wish.dueAtMs, isProbe ? REPEAT_TO_PROBE_MS : REPEAT_MS);
    const before = this.#pending.get(name);
    if (before === undefined) {
      this.#pending.set(name, { a, nsec, dueAtMs, ...(onlyFor !== undefined && { onlyFor }) });
      return;
    }
    const sole = onlyFor !== undefined && onlyFor === before.onlyFor;
    const together = { a: a || before.a, nsec: nsec || before.nsec, dueAtMs: Math.min(dueAtMs, before.dueAtMs) };
    this.#pending.set(name, { ...together, ...(sole && { onlyFor }) });
  }

  /** The earliest time to tell everybody again. */
  #freeAtMs(name: string, atMs: number, repeatMs = REPEAT_MS): number {
    return Math.max(atMs, (this.#toldAtMs.get(name) ?? Number.NEGATIVE_INFINITY) + repeatMs);
  }

  #toOne(messages: readonly Buffer[], { from, nowMs }: Heard): readonly Datagram[] {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#unicasts.second) this.#unicasts = { second, count: 0 };
    const allowed = messages.slice(0, UNICASTS_PER_SECOND - this.#unicasts.count);
    this.#unicasts.count += allowed.length;
    return allowed.map((bytes) => ({ bytes, to: from }));
  }
}

/** A name that exists has an answer to every question: its address, or that it has nothing else. */
function wantedBy({ type }: MdnsQuestion): Wanted {
  const a = type === TYPE.A || type === TYPE.ANY;
  return { a, nsec: !a };
}

/** Without what the asker knows. */
function unknown<W extends Wanted>(wanted: W, known: readonly MdnsRecord[] = [], address: string): W {
  const fresh = known.filter(({ ttl }) => ttl >= KNOWN_TTL_MIN);
  const a = wanted.a && !fresh.some((record) => isAddress(record, address));
  const nsec = wanted.nsec && !fresh.some(({ type }) => type === TYPE.NSEC);
  return { ...wanted, a, nsec };
}

type ByName = ReadonlyMap<string, readonly MdnsRecord[]>;

function byName(records: readonly MdnsRecord[]): ByName {
  return Map.groupBy(records, ({ name }) => lowerCase(name));
}

function toAll(messages: readonly Buffer[]): readonly Datagram[] {
  return messages.map((bytes) => ({ bytes }));
}

function nameOf(host: string): string {
  return `${host}.local`;
}

function hostOf(name: string): string {
  return name.slice(0, -".local".length);
}
