// DNS messages as they lie in memory, without decoding them: where the question ends, which records follow (RFC 1035, 4.1).

export const HEADER_BYTES = 12;
/** Of a question and of a record at least. */
const QUESTION_BYTES = 5;
export const RECORD_BYTES = 11;
export const FLAG = {
  response: 1 << 15,
  authoritative: 1 << 10,
  truncated: 1 << 9,
  recursionDesired: 1 << 8,
  recursionAvailable: 1 << 7,
  authenticData: 1 << 5,
  checkingDisabled: 1 << 4,
} as const;
export const OPT = 41;
/** The flag in an OPT record by which the asker wants DNSSEC's records (RFC 3225). */
export const DNSSEC_OK = 1 << 15;
export const UDP_BYTES = 512;
/** Fits one packet of any network (DNS flag day 2020). */
export const EDNS_BYTES = 1232;

const LABEL_MAX = 63;
const NAME_MAX = 255;

export interface Opt {
  /** Of the record. */
  readonly start: number;
  readonly end: number;
  readonly udpSize: number;
  readonly version: number;
  /** The upper eight bits of the twelve. */
  readonly rcodeHigh: number;
  readonly dnssecOk: boolean;
}

/** False: its header promises more than its bytes can hold. Without this guard dns-packet takes 150 ms for 47 bytes. */
export function countsFit(packet: Buffer): boolean {
  if (packet.length < HEADER_BYTES) return false;
  const [questions = 0, ...records] = [4, 6, 8, 10].map((offset) => packet.readUInt16BE(offset));
  const promised = questions * QUESTION_BYTES + records.reduce((sum, count) => sum + count, 0) * RECORD_BYTES;
  return promised <= packet.length - HEADER_BYTES;
}

/** Where the first question's name ends, behind its root label; undefined: it is no plain name. */
export function questionNameEnd(packet: Buffer): number | undefined {
  let offset = HEADER_BYTES;
  for (;;) {
    const length = packet[offset];
    if (length === undefined || length > LABEL_MAX) return undefined;
    offset += length + 1;
    if (length === 0) return offset - HEADER_BYTES > NAME_MAX || offset + 4 > packet.length ? undefined : offset;
  }
}

/** Where each record begins, and the end of the last; undefined: the counts promise more than there is. */
export function recordStarts(packet: Buffer): readonly number[] | undefined {
  if (packet.length < HEADER_BYTES || packet.readUInt16BE(4) !== 1) return undefined;
  const count = packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10);
  const nameEnd = questionNameEnd(packet);
  if (nameEnd === undefined || count * RECORD_BYTES > packet.length) return undefined;
  const starts = [nameEnd + 4];
  for (let index = 0; index < count; index += 1) {
    const end = recordEnd(packet, starts[index] ?? packet.length);
    if (end === undefined) return undefined;
    starts.push(end);
  }
  return starts;
}

function recordEnd(packet: Buffer, start: number): number | undefined {
  const fixed = ownerEnd(packet, start);
  if (fixed === undefined || fixed + 10 > packet.length) return undefined;
  const end = fixed + 10 + packet.readUInt16BE(fixed + 8);
  return end <= packet.length ? end : undefined;
}

/** A name ends with its root label or with a pointer. */
function ownerEnd(packet: Buffer, start: number): number | undefined {
  let offset = start;
  for (;;) {
    const length = packet[offset];
    if (length === undefined || offset - start > NAME_MAX) return undefined;
    if (length >= 0xc0) return offset + 2;
    if (length > LABEL_MAX) return undefined;
    offset += length + 1;
    if (length === 0) return offset;
  }
}

/** An OPT record that begins here: its owner is the root. */
export function readOpt(packet: Buffer, start: number): Opt | undefined {
  if (start + RECORD_BYTES > packet.length || packet[start] !== 0 || packet.readUInt16BE(start + 1) !== OPT) return undefined;
  const end = start + RECORD_BYTES + packet.readUInt16BE(start + 9);
  if (end > packet.length) return undefined;
  return {
    start,
    end,
    udpSize: packet.readUInt16BE(start + 3),
    rcodeHigh: packet.readUInt8(start + 5),
    version: packet.readUInt8(start + 6),
    dnssecOk: (packet.readUInt16BE(start + 7) & DNSSEC_OK) !== 0,
  };
}

/** An OPT record of our own; `data` are its options. */
export function optRecord(opt: Pick<Opt, "udpSize" | "rcodeHigh" | "dnssecOk">, data: Buffer = Buffer.alloc(0)): Buffer {
  const record = Buffer.alloc(RECORD_BYTES + data.length);
  record.writeUInt16BE(OPT, 1);
  record.writeUInt16BE(opt.udpSize, 3);
  record.writeUInt8(opt.rcodeHigh, 5);
  record.writeUInt16BE(opt.dnssecOk ? DNSSEC_OK : 0, 7);
  record.writeUInt16BE(data.length, 9);
  data.copy(record, RECORD_BYTES);
  return record;
}

/** How long an answer in one datagram may be. */
export function datagramLimit(udpSize: number | undefined): number {
  return udpSize === undefined ? UDP_BYTES : Math.min(Math.max(udpSize, UDP_BYTES), EDNS_BYTES);
}
