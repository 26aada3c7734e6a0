// Answers as bytes, so that a name that is asked for again and again costs a copy: by name, type, EDNS and the asker's place.
import { DNSSEC_OK, FLAG, HEADER_BYTES, OPT, questionNameEnd, RECORD_BYTES, recordStarts, UDP_BYTES } from "./wire.ts";

/** Of all listeners' answers each keeps its own: who asks elsewhere is told other addresses. */
const ANSWERS_MAX = 4096;
const PLACES = 16;
const RCODE_BITS = 15;

interface Kept {
  readonly bytes: Buffer;
  /** Where the name as it was asked stands in them. */
  readonly names: readonly number[];
}

/** What tells one question from another besides its name. */
interface Asked {
  readonly name: string;
  readonly nameEnd: number;
  readonly form: number;
}

export class AnswerCache {
  readonly #answers = new Map<number, Map<string, Kept>>();
  #size = 0;
  #epoch: unknown;

  /** Forgets all answers of another epoch. */
  enter(epoch: unknown): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#clear();
  }

  /** A copy, since an answer that was sent may still wait in a full socket: with the asker's id, RD and spelling. */
  find(packet: Buffer, place: number): Buffer | undefined {
    const asked = readAsked(packet, place);
    const kept = asked && this.#answers.get(asked.form)?.get(asked.name);
    if (kept === undefined) return undefined;
    const reply = Buffer.from(kept.bytes);
    reply.writeUInt16BE(packet.readUInt16BE(0), 0);
    reply.writeUInt8((reply.readUInt8(2) & ~1) | (packet.readUInt8(2) & 1), 2); // RD
    for (const offset of kept.names) packet.copy(reply, offset, HEADER_BYTES, asked?.nameEnd);
    return reply;
  }

  /** Only names that exist, for anybody can make up others, and only what fits everywhere. `reply` is not changed afterwards. */
  keep(packet: Buffer, place: number, reply: Buffer): void {
    const asked = readAsked(packet, place);
    const flags = reply.readUInt16BE(2);
    if (asked === undefined || (flags & (RCODE_BITS | FLAG.truncated)) !== 0 || reply.length > UDP_BYTES) return;
    const name = packet.subarray(HEADER_BYTES, asked.nameEnd);
    const names = nameOffsets(reply, name);
    // Beyond ASCII lower case is another letter's as well.
    if (names === undefined || name.some((byte) => byte > 127)) return;
    if (this.#size >= ANSWERS_MAX) this.#clear();
    let byName = this.#answers.get(asked.form);
    if (byName === undefined) this.#answers.set(asked.form, (byName = new Map<string, Kept>()));
    if (!byName.has(asked.name)) this.#size += 1;
    byName.set(asked.name, { bytes: reply, names });
  }

  #clear(): void {
    this.#answers.clear();
    this.#size = 0;
  }
}

/** undefined: it is not one of the plain questions that nearly all are. */
function readAsked(packet: Buffer, place: number): Asked | undefined {
  if (packet.length < HEADER_BYTES || (packet.readUInt8(2) & 0xf8) !== 0) return undefined; // a response, or another opcode
  if (packet.readUInt32BE(4) !== 0x1_0000 || packet.readUInt16BE(8) !== 0 || packet.readUInt16BE(10) > 1) return undefined;
  const nameEnd = questionNameEnd(packet);
  if (nameEnd === undefined || packet.readUInt16BE(nameEnd + 2) !== 1) return undefined;
  const end = nameEnd + 4;
  let edns = 0;
  if (packet.readUInt16BE(10) === 1) {
    // An OPT record without options: only what is wanted of the answer's form.
    if (packet.length !== end + RECORD_BYTES || packet[end] !== 0 || packet.readUInt16BE(end + 1) !== OPT) return undefined;
    if (packet.readUInt8(end + 6) !== 0 || packet.readUInt16BE(end + 9) !== 0) return undefined;
    edns = (packet.readUInt16BE(end + 7) & DNSSEC_OK) === 0 ? 1 : 2;
  } else if (packet.length !== end) return undefined;
  const name = packet.toString("latin1", HEADER_BYTES, nameEnd).toLowerCase(); // lengths are below the letters
  return { name, nameEnd, form: (packet.readUInt16BE(nameEnd) * PLACES + place) * 3 + edns };
}

/** The question's name, and each owner of an answer that repeats it byte by byte. */
function nameOffsets(reply: Buffer, name: Buffer): readonly number[] | undefined {
  const starts = recordStarts(reply);
  const owners = starts?.slice(0, reply.readUInt16BE(6)).filter((start) => reply.subarray(start, start + name.length).equals(name));
  return owners && (reply.readUInt16BE(2) & FLAG.response) !== 0 ? [HEADER_BYTES, ...owners] : undefined;
}
