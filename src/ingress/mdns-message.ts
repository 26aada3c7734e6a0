// Multicast DNS messages as bytes (RFC 6762, 18), as far as a responder for host names reads and writes them. What it does not know it
// skips by its length: one odd record must not cost the question beside it. Pure.

export interface MdnsQuestion {
  /** As written; labels joined by dots. */
  readonly name: string;
  readonly type: number;
  /** The QU bit: an answer to the asker alone will do. */
  readonly unicast: boolean;
}

export interface MdnsRecord {
  readonly name: string;
  readonly type: number;
  /** Seconds; 0 is a goodbye. */
  readonly ttl: number;
  /** Whoever hears it forgets all other records of this name and type. */
  readonly flush: boolean;
  readonly data: Uint8Array;
}

export interface MdnsMessage {
  readonly id: number;
  readonly response: boolean;
  /** Of a query: more known answers follow in another message. */
  readonly truncated: boolean;
  readonly questions: readonly MdnsQuestion[];
  readonly answers: readonly MdnsRecord[];
  readonly authorities: readonly MdnsRecord[];
  readonly additionals: readonly MdnsRecord[];
}

export const TYPE = { A: 1, AAAA: 28, NSEC: 47, ANY: 255 } as const;

/** RFC 6762, 17: what a message may have at most, on networks with jumbo frames. */
export const MESSAGE_BYTES_MAX = 9000;

const HEADER_BYTES = 12;
/** Least bytes of a question and of a record: RFC 1035, 4.1. */
const QUESTION_BYTES = 5;
const RECORD_BYTES = 11;
const NAME_BYTES_MAX = 255;
const LABEL_BYTES_MAX = 63;
/** Compressing writers need one or two a name. */
const POINTERS_MAX = 16;
const POINTER = 0xc000;
const FLAG = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200 } as const;
/** Operation and result: a message in which one is not 0 is ignored (RFC 6762, 18.3 and 18.11). */
const MUST_BE_ZERO = 0x780f;
const CLASS = { IN: 1, ANY: 255 } as const;
/** The highest bit of a class: QU in a question, cache-flush in a record. */
const TOP_BIT = 0x8000;
/** Stands for a dot inside a label, which no name of ours has. */
const INNER_DOT = "\u2024";

/** undefined: it is no mDNS message, or ends before it has told all that it promised. */
export function decodeMessage(packet: Buffer): MdnsMessage | undefined {
  if (packet.length < HEADER_BYTES || packet.length > MESSAGE_BYTES_MAX) return undefined;
  const flags = packet.readUInt16BE(2);
  if ((flags & MUST_BE_ZERO) !== 0) return undefined;
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((offset) => packet.readUInt16BE(offset)) as [
    number,
    number,
    number,
    number,
  ];
  const promised = questions * QUESTION_BYTES + (answers + authorities + additionals) * RECORD_BYTES;
  if (promised > packet.length - HEADER_BYTES) return undefined;
  const reader = new Reader(packet);
  try {
    return {
      id: packet.readUInt16BE(0),
      response: (flags & FLAG.response) !== 0,
      truncated: (flags & FLAG.truncated) !== 0,
      questions: reader.questions(questions),
      answers: reader.records(answers),
      authorities: reader.records(authorities),
      additionals: reader.records(additionals),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Throws a RangeError where the packet ends too early or a name has no end. */
class Reader {
  readonly #packet: Buffer;
  /** The same, a character a byte. */
  readonly #text: string;
  readonly #pointed = new Map<number, string>();
  #offset = HEADER_BYTES;

  constructor(packet: Buffer) {
    this.#packet = packet;
    this.#text = packet.toString("latin1");
  }

  /** Of the class IN; others are passed over. */
  questions(count: number): readonly MdnsQuestion[] {
    const found: MdnsQuestion[] = [];
    for (let left = count; left > 0; left -= 1) {
      const [name, type, klass] = [this.#name(), this.#uint16(), this.#uint16()];
      const plain = klass & ~TOP_BIT;
      if (plain === CLASS.IN || plain === CLASS.ANY) found.push({ name, type, unicast: (klass & TOP_BIT) !== 0 });
    }
    return found;
  }

  records(count: number): readonly MdnsRecord[] {
    const found: MdnsRecord[] = [];
    for (let left = count; left > 0; left -= 1) {
      const [name, type, klass] = [this.#name(), this.#uint16(), this.#uint16()];
      const ttl = this.#packet.readUInt32BE(this.#offset);
      this.#offset += 4;
      const length = this.#uint16();
      const end = this.#offset + length;
      if (end > this.#packet.length) throw new RangeError("a record ends behind the message");
      const data = this.#packet.subarray(this.#offset, end);
      this.#offset = end;
      if ((klass & ~TOP_BIT) === CLASS.IN) found.push({ name, type, ttl, flush: (klass & TOP_BIT) !== 0, data });
    }
    return found;
  }

  #uint16(): number {
    const value = this.#packet.readUInt16BE(this.#offset);
    this.#offset += 2;
    return value;
  }

  #name(): string {
    const { name, end } = this.#nameAt(this.#offset, 0);
    this.#offset = end;
    return name;
  }

  #nameAt(start: number, pointers: number): { readonly name: string; readonly end: number } {
    const labels: string[] = [];
    let [at, bytes] = [start, 0];
    for (let length = this.#packet.readUInt8(at); length > 0; length = this.#packet.readUInt8(at)) {
      if (length > LABEL_BYTES_MAX) {
        const rest = this.#pointedAt(at, pointers + 1);
        if (bytes + rest.length >= NAME_BYTES_MAX) throw new RangeError("a name is too long");
        return { name: [...labels, ...(rest === "" ? [] : [rest])].join("."), end: at + 2 };
      }
      bytes += length + 1;
      if (bytes >= NAME_BYTES_MAX || at + 1 + length > this.#packet.length) throw new RangeError("a name is too long");
      labels.push(this.#text.slice(at + 1, at + 1 + length).replaceAll(".", INNER_DOT));
      at += length + 1;
    }
    return { name: labels.join("."), end: at + 1 };
  }

  /** Read once, however many names end with it. */
  #pointedAt(at: number, pointers: number): string {
    const target = this.#packet.readUInt16BE(at) - POINTER;
    // Backwards only, so that there is an end.
    if (target < 0 || target >= at || pointers > POINTERS_MAX) throw new RangeError("a name points nowhere");
    const known = this.#pointed.get(target);
    if (known !== undefined) return known;
    const { name } = this.#nameAt(target, pointers);
    this.#pointed.set(target, name);
    return name;
  }
}

/** Names are plain: letters, digits, hyphens and dots. */
export function encodeMessage(message: MdnsMessage): Buffer {
  const { questions, answers, authorities, additionals } = message;
  const flags = (message.response ? FLAG.response | FLAG.authoritative : 0) | (message.truncated ? FLAG.truncated : 0);
  const header = [message.id, flags, ...[questions, answers, authorities, additionals].map((section) => section.length)];
  const writer = new Writer();
  for (const value of header) writer.uint16(value);
  for (const { name, type, unicast } of questions) {
    writer.name(name);
    writer.uint16(type);
    writer.uint16(CLASS.IN | (unicast ? TOP_BIT : 0));
  }
  for (const { name, type, ttl, flush, data } of [...answers, ...authorities, ...additionals]) {
    writer.name(name);
    for (const value of [type, CLASS.IN | (flush ? TOP_BIT : 0), ttl >>> 16, ttl & 0xffff, data.length]) writer.uint16(value);
    writer.bytes.push(...data);
  }
  return Buffer.from(writer.bytes);
}

class Writer {
  readonly bytes: number[] = [];
  readonly #written = new Map<string, number>();

  uint16(value: number): void {
    this.bytes.push((value >> 8) & 255, value & 255);
  }

  /** What was written before is pointed at. */
  name(name: string): void {
    for (let rest = name; rest !== "";) {
      const before = this.#written.get(rest);
      if (before !== undefined) return this.uint16(POINTER | before);
      if (this.bytes.length < POINTER >> 2) this.#written.set(rest, this.bytes.length);
      const dot = rest.indexOf(".");
      const label = dot < 0 ? rest : rest.slice(0, dot);
      this.bytes.push(label.length, ...Buffer.from(label, "latin1"));
      rest = dot < 0 ? "" : rest.slice(dot + 1);
    }
    this.bytes.push(0);
  }
}

/** The bytes of a name in full, as they stand in a record's data. */
export function nameBytes(name: string): Uint8Array {
  const writer = new Writer();
  writer.name(name);
  return Uint8Array.from(writer.bytes);
}
