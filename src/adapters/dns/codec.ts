// DNS messages as bytes: the one place that knows dns-packet, behind a guard that keeps a small packet from costing much.
import dnsPacket from "dns-packet";
import { countsFit, datagramLimit, DNSSEC_OK, EDNS_BYTES, FLAG, HEADER_BYTES } from "./wire.ts";

export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: { readonly name: string; readonly type: string };
  /** What the asker can take in one datagram; absent: it does not speak EDNS. */
  readonly udpSize?: number;
  /** Told back to who says so (RFC 3225). */
  readonly dnssecOk?: boolean;
}

type Rcode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";

export interface Answer {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly answers: readonly dnsPacket.Answer[];
  readonly authorities: readonly dnsPacket.Answer[];
}

export type Decoded =
  | { readonly kind: "query"; readonly query: Query }
  /** Say so and no more. */
  | { readonly kind: "error"; readonly reply: Buffer }
  /** An answer, or too short to be answered. */
  | { readonly kind: "ignore" };

const ADDITIONALS_MAX = 2;
/** Each name in it may follow many pointers. */
const FOLLOWED_BYTES_MAX = 16 * 1024;
/** Its length stands before it in two bytes (RFC 1035, 4.2.2). dns-packet writes each name in full: what came with pointers grows. */
const REPLY_BYTES_MAX = 65_535;
const RCODE: Readonly<Record<Rcode, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
const BAD_VERSION_HIGH_BITS = 1; // BADVERS is 16; the OPT record carries all but its lowest four bits (RFC 6891)

export function decodeQuery(packet: Buffer): Decoded {
  if (packet.length < HEADER_BYTES) return { kind: "ignore" };
  const flags = packet.readUInt16BE(2);
  if ((flags & FLAG.response) !== 0) return { kind: "ignore" };
  if (((flags >> 11) & 15) !== 0) return { kind: "error", reply: bareReply(packet, "NOTIMP") };
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((offset) => packet.readUInt16BE(offset)) as [
    number,
    number,
    number,
    number,
  ];
  const plausible = questions === 1 && answers + authorities === 0 && additionals <= ADDITIONALS_MAX && countsFit(packet);
  return (plausible && decodePlausible(packet)) || { kind: "error", reply: bareReply(packet, "FORMERR") };
}

function decodePlausible(packet: Buffer): Decoded | undefined {
  let message: dnsPacket.DecodedPacket;
  try {
    message = dnsPacket.decode(packet);
  } catch {
    return undefined;
  }
  const question = message.questions?.[0];
  if (question === undefined || !isEchoable(question, packet)) return undefined;
  const options = message.additionals?.filter((record): record is dnsPacket.OptAnswer & typeof record => record.type === "OPT") ?? [];
  if (options.length > 1) return undefined;
  const [option] = options;
  const query: Query = {
    id: packet.readUInt16BE(0),
    recursionDesired: message.flag_rd,
    question: { name: question.name, type: question.type },
    ...(option !== undefined && { udpSize: option.udpPayloadSize, dnssecOk: option.flag_do }),
  };
  if (option !== undefined && option.ednsVersion !== 0)
    return { kind: "error", reply: encode(query, empty("NOERROR"), { highBits: BAD_VERSION_HIGH_BITS }) };
  if (question.class !== "IN") return { kind: "error", reply: encode(query, empty("REFUSED")) };
  return { kind: "query", query };
}

/** False: the codec would not write the name as it came (a dot or other bytes inside a label, a pointer). */
function isEchoable(question: dnsPacket.Question, packet: Buffer): boolean {
  const echo = dnsPacket.encode({ questions: [question] }).subarray(HEADER_BYTES);
  return echo.equals(packet.subarray(HEADER_BYTES, HEADER_BYTES + echo.length));
}

/** For TCP. `recursion`: this asker may ask for other names as well. */
export function encodeAnswer(query: Query, answer: Answer, recursion = false): Buffer {
  return encode(query, answer, { recursion });
}

/** For UDP: what does not fit is left out and marked, so that the asker comes back by TCP. */
export function encodeDatagram(query: Query, answer: Answer, recursion = false): Buffer {
  const whole = encode(query, answer, { recursion });
  return whole.length <= datagramLimit(query.udpSize) ? whole : truncated(query);
}

/** The same question for the name that an alias leads to. */
export function questionFor(query: Query, name: string): Buffer {
  return dnsPacket.encode({
    type: "query",
    id: query.id,
    flags: FLAG.recursionDesired,
    questions: [{ ...query.question, name } as dnsPacket.Question], // as in `encode`
    additionals: query.udpSize === undefined ? [] : [ednsOption(query, 0)],
  });
}

/** An alias's own answer and that of where it leads to, as one. undefined, or cut: there is no rest, or no room for it. */
export function joined(query: Query, answer: Answer, rest: Buffer | undefined): Buffer {
  const failure = (): Buffer => encode(query, { ...answer, rcode: "SERVFAIL" }, { recursion: true });
  if (rest === undefined || rest.length > FOLLOWED_BYTES_MAX) return failure();
  try {
    // How many records it has was checked when it came; what dns-packet reads it cannot always write.
    const message = dnsPacket.decode(rest) as dnsPacket.DecodedPacket & { readonly rcode: string }; // its types leave the code out
    if (message.flag_tc) return truncated(query);
    const rcode = message.rcode in RCODE ? (message.rcode as Rcode) : "SERVFAIL"; // one of ours
    const answers = [...answer.answers, ...(message.answers ?? [])];
    return encode(query, { ...answer, rcode, answers, authorities: message.authorities ?? [] }, { recursion: true });
  } catch {
    return failure();
  }
}

export function truncated(query: Query): Buffer {
  return encode(query, { ...empty("NOERROR"), authoritative: true }, { truncated: true });
}

export function refusal(query: Query, rcode: "REFUSED" | "SERVFAIL"): Buffer {
  return encode(query, empty(rcode));
}

function empty(rcode: Rcode): Answer {
  return { rcode, authoritative: false, answers: [], authorities: [] };
}

interface EncodeOptions {
  readonly truncated?: boolean;
  readonly highBits?: number;
  readonly recursion?: boolean;
}

/** SERVFAIL, where it is more than any answer has room for. */
function encode(query: Query, answer: Answer, options: EncodeOptions = {}): Buffer {
  const flags =
    RCODE[answer.rcode] |
    (answer.authoritative ? FLAG.authoritative : 0) |
    (options.truncated ? FLAG.truncated : 0) |
    (query.recursionDesired ? FLAG.recursionDesired : 0) |
    (options.recursion ? FLAG.recursionAvailable : 0);
  // The asker's own spelling of the name, for those who mix the case and check it.
  const asked = query.question.name.toLowerCase();
  const answers = answer.answers.map((record) => (record.name === asked ? { ...record, name: query.question.name } : record));
  const reply = dnsPacket.encode({
    type: "response",
    id: query.id,
    flags,
    // A type that dns-packet does not know comes as `UNKNOWN_65`, which its encoder takes and its types do not.
    questions: [query.question as dnsPacket.Question],
    answers,
    authorities: [...answer.authorities],
    additionals: query.udpSize === undefined ? [] : [ednsOption(query, options.highBits ?? 0)],
  });
  return reply.length <= REPLY_BYTES_MAX ? reply : refusal(query, "SERVFAIL");
}

function ednsOption({ dnssecOk = false }: Query, highBits: number): dnsPacket.OptAnswer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: EDNS_BYTES,
    extendedRcode: highBits,
    ednsVersion: 0,
    flags: dnssecOk ? DNSSEC_OK : 0,
    flag_do: dnssecOk,
    options: [],
  };
}

/** Header only: for what could not be read. */
function bareReply(packet: Buffer, rcode: Rcode): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES);
  packet.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(
    FLAG.response | (packet.readUInt16BE(2) & (15 << 11)) | (packet.readUInt16BE(2) & FLAG.recursionDesired) | RCODE[rcode],
    2,
  );
  return reply;
}
