// The records of a `.local` name of ours, how they are told from others', and how many fit into one message. Pure.
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
/** RFC 4034, 4.1.2: of the types 0 to 7, only A. */
const ONLY_A = [0, 1, 0b0100_0000];

/** Of one message, to be put beside others. */
export type Part = Partial<Pick<MdnsMessage, "questions" | "answers" | "authorities" | "additionals">>;

export interface Wanted {
  readonly a: boolean;
  readonly nsec: boolean;
}

export function addressRecord(name: string, address: string, ttl = TTL): MdnsRecord {
  return { name, type: TYPE.A, ttl, flush: true, data: Uint8Array.from(parseAddress(address) ?? []) };
}

/** "It has an IPv4 address and nothing else": Apple's devices wait for the IPv6 address otherwise. */
function onlyAddress(name: string): MdnsRecord {
  return { name, type: TYPE.NSEC, ttl: TTL, flush: true, data: Uint8Array.from([...nameBytes(name), ...ONLY_A]) };
}

/** What was asked for is the answer, the other record goes with it unasked. */
export function answerPart(name: string, address: string, { a, nsec }: Wanted): Part {
  const records: readonly (readonly [boolean, MdnsRecord])[] = [
    [a, addressRecord(name, address)],
    [nsec, onlyAddress(name)],
  ];
  const asked = (is: boolean): readonly MdnsRecord[] => records.filter(([wanted]) => wanted === is).map(([, record]) => record);
  return { answers: asked(true), additionals: asked(false) };
}

/** A question for everything of that name, with what shall be claimed (RFC 6762, 8.1). */
export function probePart(name: string, address: string): Part {
  const claimed = { ...addressRecord(name, address), flush: false };
  return { questions: [{ name, type: TYPE.ANY, unicast: false }], authorities: [claimed] };
}

/** For a resolver that knows no mDNS: its question comes back with it, and no bit that it would not understand. */
export function legacyPart(question: MdnsQuestion, part: Part): Part {
  const plain = (records: readonly MdnsRecord[] = []): readonly MdnsRecord[] =>
    records.map((record) => ({ ...record, ttl: Math.min(record.ttl, LEGACY_TTL), flush: false }));
  return { questions: [{ ...question, unicast: false }], answers: plain(part.answers), additionals: plain(part.additionals) };
}

export function isAddress({ type, data }: MdnsRecord, address: string): boolean {
  return type === TYPE.A && data.join(".") === address;
}

/**
 * The tie-break of RFC 6762, 8.2, between our one address and what another one wants to claim: negative, ours is the earlier and
 * loses; 0, both want the same.
 */
export function compareClaims(ours: MdnsRecord, theirs: readonly MdnsRecord[]): number {
  const sorted = theirs.toSorted(compareRecords);
  const [first] = sorted;
  if (first === undefined) return 1;
  return compareRecords(ours, first) || 1 - sorted.length;
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
