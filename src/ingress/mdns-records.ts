// The records of a `.local` name of ours, how they are told from others', and how many fit into one message. Pure. A name has one IPv4
// address and as many by IPv6 as its node has there.
import { parseAddress } from "./address.ts";
import { encodeMessage, nameBytes, TYPE, type MdnsMessage, type MdnsQuestion, type MdnsRecord } from "./mdns-message.ts";

/** Seconds; RFC 6762, 10, for records that hold a host's address. */
export const TTL = 120;
/** RFC 6762, 6.7: a resolver that knows no mDNS must not remember for long. */
const LEGACY_TTL = 10;
/** Fits one packet of any network, with its headers. */
const MESSAGE_BYTES = 1400;
const HEADER_BYTES = 12;
/** Of a question and of a record besides name and data. */
const QUESTION_BYTES = 4;
const RECORD_BYTES = 10;
const NAME_EXTRA_BYTES = 2;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** RFC 4034, 4.1.2: of the types 0 to 7, only A; of those up to 31, AAAA too. */
const ONLY_A = [0, 1, 0b0100_0000];
const A_AND_AAAA = [0, 4, 0b0100_0000, 0, 0, 0b0000_1000];

/** Of one message, to be put beside others. */
export type Part = Partial<Pick<MdnsMessage, "questions" | "answers" | "authorities" | "additionals">>;

export interface Wanted {
  readonly a: boolean;
  readonly aaaa: boolean;
  readonly nsec: boolean;
}

export function addressRecord(name: string, address: string, ttl = TTL): MdnsRecord {
  const data = Uint8Array.from(parseAddress(address) ?? []);
  return { name, type: data.length === IPV6_BYTES ? TYPE.AAAA : TYPE.A, ttl, flush: true, data };
}

export function addressRecords(name: string, addresses: readonly string[], ttl = TTL): readonly MdnsRecord[] {
  return addresses.map((address) => addressRecord(name, address, ttl));
}

/** "It has these addresses and nothing else": Apple's devices wait for the IPv6 address otherwise. */
function onlyAddresses(name: string, types: readonly number[]): MdnsRecord {
  return { name, type: TYPE.NSEC, ttl: TTL, flush: true, data: Uint8Array.from([...nameBytes(name), ...types]) };
}

/** What was asked for is the answer, the rest goes with it unasked: the other addresses, or that there are none. */
export function answerPart(name: string, addresses: readonly string[], { a, aaaa, nsec }: Wanted): Part {
  const known = addressRecords(name, addresses);
  const ipv6 = known.filter(({ type }) => type === TYPE.AAAA);
  const isNothingElse = nsec || (aaaa && ipv6.length === 0);
  const only = onlyAddresses(name, ipv6.length === 0 ? ONLY_A : A_AND_AAAA);
  const records: readonly (readonly [boolean, readonly MdnsRecord[]])[] = [
    [a, known.filter(({ type }) => type === TYPE.A)],
    [aaaa, ipv6],
    // Where there is an address of either family nobody waits for one.
    [isNothingElse, isNothingElse || ipv6.length === 0 ? [only] : []],
  ];
  const asked = (is: boolean): readonly MdnsRecord[] => records.flatMap(([wanted, each]) => (wanted === is ? each : []));
  return { answers: asked(true), additionals: asked(false) };
}

/** A question for everything of that name, with what shall be claimed (RFC 6762, 8.1). */
export function probePart(name: string, addresses: readonly string[]): Part {
  const authorities = addressRecords(name, addresses).map((record) => ({ ...record, flush: false }));
  return { questions: [{ name, type: TYPE.ANY, unicast: false }], authorities };
}

/** For a resolver that knows no mDNS: its question comes back with it, and no bit that it would not understand. */
export function legacyPart(question: MdnsQuestion, part: Part): Part {
  const plain = (records: readonly MdnsRecord[] = []): readonly MdnsRecord[] =>
    records.map((record) => ({ ...record, ttl: Math.min(record.ttl, LEGACY_TTL), flush: false }));
  return { questions: [{ ...question, unicast: false }], answers: plain(part.answers), additionals: plain(part.additionals) };
}

/** The same for each spelling of an address. */
export function addressKey(address: string): string {
  return (parseAddress(address) ?? []).join(".");
}

/** Of the address that it holds; undefined: it holds none. */
export function recordKey({ type, data }: MdnsRecord): string | undefined {
  const isAddress = (type === TYPE.A && data.length === IPV4_BYTES) || (type === TYPE.AAAA && data.length === IPV6_BYTES);
  return isAddress ? data.join(".") : undefined;
}

export function isAddress(record: MdnsRecord, address: string): boolean {
  return recordKey(record) === addressKey(address);
}

/**
 * The tie-break of RFC 6762, 8.2, between all that is ours and all that another one wants to claim: negative, ours is the earlier and
 * loses; 0, both want the same.
 */
export function compareClaims(ours: readonly MdnsRecord[], theirs: readonly MdnsRecord[]): number {
  const [left, right] = [ours.toSorted(compareRecords), theirs.toSorted(compareRecords)];
  for (const [index, record] of left.entries()) {
    const other = right[index];
    const difference = other === undefined ? 1 : compareRecords(record, other);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function compareRecords(a: MdnsRecord, b: MdnsRecord): number {
  return a.type - b.type || Buffer.compare(a.data, b.data);
}

/** As few messages as they fit into. */
export function pack(head: Pick<MdnsMessage, "id" | "response">, parts: readonly Part[]): readonly Buffer[] {
  const messages: Buffer[] = [];
  let group: Part[] = [];
  let bytes = HEADER_BYTES;
  const close = (): void => {
    if (group.length > 0) messages.push(encodeMessage({ ...head, truncated: false, ...merge(group) }));
    [group, bytes] = [[], HEADER_BYTES];
  };
  for (const part of parts) {
    const size = bytesOf(part);
    if (bytes + size > MESSAGE_BYTES) close();
    group.push(part);
    bytes += size;
  }
  close();
  return messages;
}

function merge(parts: readonly Part[]): Required<Part> {
  return {
    questions: parts.flatMap(({ questions = [] }) => questions),
    answers: parts.flatMap(({ answers = [] }) => answers),
    authorities: parts.flatMap(({ authorities = [] }) => authorities),
    additionals: parts.flatMap(({ additionals = [] }) => additionals),
  };
}

/** At most: names that repeat are written once. */
function bytesOf({ questions = [], answers = [], authorities = [], additionals = [] }: Part): number {
  const ofRecords = [...answers, ...authorities, ...additionals].map(
    ({ name, data }) => name.length + NAME_EXTRA_BYTES + RECORD_BYTES + data.length,
  );
  const ofQuestions = questions.map(({ name }) => name.length + NAME_EXTRA_BYTES + QUESTION_BYTES);
  return [...ofQuestions, ...ofRecords].reduce((sum, size) => sum + size, 0);
}
