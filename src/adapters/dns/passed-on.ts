// A question as it is passed on to another name server, and its answer as it is passed back: record for record, time for time.
import net from "node:net";
import {
  datagramLimit,
  EDNS_BYTES,
  FLAG,
  HEADER_BYTES,
  optRecord,
  questionNameEnd,
  readOpt,
  recordStarts,
  UDP_BYTES,
  type Opt,
} from "./wire.ts";

/** EDNS Client Subnet: RFC 7871. */
const CLIENT_SUBNET = 8;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;
const RCODE_BITS = 15;

/**
 * A new message of the question alone: no option of the asker's goes on (cookies and subnets are between neighbours), but that it wants
 * DNSSEC's records does. `client`: the upstream is to know who asks.
 */
export function passOn(packet: Buffer, id: number, client: string | undefined): Buffer {
  const end = questionEnd(packet);
  const asked = readOpt(packet, end);
  const subnet = client === undefined ? undefined : clientSubnet(client);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(packet.readUInt16BE(2) & (FLAG.recursionDesired | FLAG.authenticData | FLAG.checkingDisabled), 2);
  header.writeUInt16BE(1, 4);
  const question = packet.subarray(HEADER_BYTES, end);
  if (asked === undefined && subnet === undefined) return Buffer.concat([header, question]);
  header.writeUInt16BE(1, 10);
  // Who speaks no EDNS takes 512 bytes: then the upstream cuts the answer, and its records.
  const udpSize = asked === undefined ? UDP_BYTES : datagramLimit(asked.udpSize);
  return Buffer.concat([header, question, optRecord({ udpSize, rcodeHigh: 0, dnssecOk: asked?.dnssecOk ?? false }, subnet)]);
}

/** For the asker; undefined: it is no answer to the question that was passed on under this id. */
export function passBack(answer: Buffer, packet: Buffer, id: number): Buffer | undefined {
  const end = questionEnd(packet);
  if (answer.length < end || answer.readUInt16BE(0) !== id || (answer.readUInt8(2) & 0xf8) !== 0x80) return undefined;
  if (lowerCase(answer, end) !== lowerCase(packet, end)) return undefined;
  const starts = recordStarts(answer);
  if (starts === undefined) return undefined;
  const asked = readOpt(packet, end);
  const body = withOwnOpt(answer, starts, asked);
  packet.copy(body, 0, 0, 2);
  packet.copy(body, HEADER_BYTES, HEADER_BYTES, end);
  const wantsToKnow = asked?.dnssecOk === true || (packet.readUInt16BE(2) & FLAG.authenticData) !== 0;
  if (!wantsToKnow) body.writeUInt16BE(body.readUInt16BE(2) & ~FLAG.authenticData, 2); // RFC 6840, 5.8
  return body;
}

/** The header and the question alone, marked as cut: what is left of an answer that does not fit. */
export function cutShort(answer: Buffer, packet: Buffer): Buffer {
  const end = questionEnd(packet);
  const asked = readOpt(packet, end);
  const cut = Buffer.concat([answer.subarray(0, end), ...ownOpt(asked, 0)]);
  cut.writeUInt16BE(cut.readUInt16BE(2) | FLAG.truncated, 2);
  for (const offset of [6, 8, 10]) cut.writeUInt16BE(0, offset);
  if (asked !== undefined) cut.writeUInt16BE(1, 10);
  return cut;
}

/** Does the answer fit a datagram for who asked this? */
export function fitsDatagram(answer: Buffer, packet: Buffer): boolean {
  return answer.length <= datagramLimit(readOpt(packet, questionEnd(packet))?.udpSize);
}

/** The upstream's OPT record is between it and us: an own one takes its place, and none where the asker speaks no EDNS. */
function withOwnOpt(answer: Buffer, starts: readonly number[], asked: Opt | undefined): Buffer {
  const last = starts.at(-2);
  const additionals = answer.readUInt16BE(10);
  const theirs = last === undefined || additionals === 0 ? undefined : readOpt(answer, last);
  // In the middle of others it stays: names behind it point to where they stand.
  const kept = answer.subarray(0, theirs?.start ?? starts.at(-1));
  const own = theirs === undefined && additionals > 0 ? [] : ownOpt(asked, theirs?.rcodeHigh ?? 0);
  const body = Buffer.concat([kept, ...own]);
  body.writeUInt16BE(additionals - (theirs === undefined ? 0 : 1) + own.length, 10);
  // Without EDNS there is no room for the upper bits of a code such as BADVERS.
  if (asked === undefined && (theirs?.rcodeHigh ?? 0) > 0) body.writeUInt8((body.readUInt8(3) & ~RCODE_BITS) | 2, 3);
  return body;
}

function ownOpt(asked: Opt | undefined, rcodeHigh: number): readonly Buffer[] {
  return asked === undefined ? [] : [optRecord({ udpSize: EDNS_BYTES, rcodeHigh, dnssecOk: asked.dnssecOk })];
}

/** The whole address: it goes to an app of this house alone, which wants to tell its people apart. */
function clientSubnet(client: string): Buffer | undefined {
  const bytes = addressBytes(client.replace(/^::ffff:/i, "").split("%", 1)[0] ?? "");
  if (bytes === undefined) return undefined;
  const option = Buffer.alloc(8 + bytes.length);
  option.writeUInt16BE(CLIENT_SUBNET, 0);
  option.writeUInt16BE(4 + bytes.length, 2);
  option.writeUInt16BE(bytes.length === 4 ? FAMILY_IPV4 : FAMILY_IPV6, 4);
  option.writeUInt8(bytes.length * 8, 6);
  bytes.copy(option, 8);
  return option;
}

function addressBytes(address: string): Buffer | undefined {
  if (net.isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!net.isIPv6(address)) return undefined;
  const [head = "", tail] = address.split("::");
  const groups = (text: string): readonly string[] => (text === "" ? [] : text.split(":"));
  const missing = 8 - groups(head).length - groups(tail ?? "").length;
  const all = [...groups(head), ...new Array<string>(tail === undefined ? 0 : missing).fill("0"), ...groups(tail ?? "")];
  return all.length === 8 ? Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex") : undefined;
}

/** Behind type and class: the packet was read by the codec before. */
function questionEnd(packet: Buffer): number {
  return (questionNameEnd(packet) ?? packet.length - 4) + 4;
}

function lowerCase(packet: Buffer, end: number): string {
  const nameEnd = end - 4;
  return packet.toString("latin1", HEADER_BYTES, nameEnd).toLowerCase() + packet.toString("latin1", nameEnd, end);
}
