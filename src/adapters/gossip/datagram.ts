// Signs of life as bytes: fixed fields, then HMAC-SHA-256 over all before it. Whatever is not exactly that is nothing.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SignOfLife } from "../../mesh-ports.ts";

const MAGIC = Buffer.from("FSL1");
const ID_BYTES = 16;
const ID = /^[a-z2-7]{16}$/;
const HEAD_BYTES = MAGIC.length + 2 * ID_BYTES + 8 + 1;
const HEARD_BYTES = ID_BYTES + 2;
const MAC_BYTES = 32;
/** One frame of an Ethernet with IPv6 or a tunnel about it: a fragment lost is the whole datagram lost. */
export const DATAGRAM_BYTES_MAX = 1_200;
const HEARD_MAX = Math.floor((DATAGRAM_BYTES_MAX - HEAD_BYTES - MAC_BYTES) / HEARD_BYTES);
/** What is longer ago says nothing. */
const AGO_MAX_MS = 0xffff;

/** `key`: of the house. Those heard most recently are told where there is no room for all. */
export function encodeSign(sign: SignOfLife, key: Buffer): Buffer {
  const heard = sign.heard
    .filter(({ agoMs }) => agoMs <= AGO_MAX_MS)
    .sort((a, b) => a.agoMs - b.agoMs)
    .slice(0, HEARD_MAX);
  const bytes = Buffer.alloc(HEAD_BYTES + heard.length * HEARD_BYTES + MAC_BYTES);
  let at = MAGIC.copy(bytes);
  at += bytes.write(sign.nodeId, at, ID_BYTES, "latin1");
  at += bytes.write(sign.bootId, at, ID_BYTES, "latin1");
  at = bytes.writeBigUInt64BE(BigInt(sign.counter), at);
  at = bytes.writeUInt8(heard.length, at);
  for (const { nodeId, agoMs } of heard) {
    at += bytes.write(nodeId, at, ID_BYTES, "latin1");
    at = bytes.writeUInt16BE(Math.max(0, Math.round(agoMs)), at);
  }
  macOf(bytes.subarray(0, at), key).copy(bytes, at);
  return bytes;
}

/** `keys`: that of the house, and for a while the one before it. */
export function decodeSign(bytes: Buffer, keys: readonly Buffer[]): SignOfLife | undefined {
  if (bytes.length < HEAD_BYTES + MAC_BYTES || bytes.length > DATAGRAM_BYTES_MAX || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined;
  const body = bytes.subarray(0, bytes.length - MAC_BYTES);
  const mac = bytes.subarray(body.length);
  const count = body.readUInt8(HEAD_BYTES - 1);
  if (body.length !== HEAD_BYTES + count * HEARD_BYTES || !keys.some((key) => timingSafeEqual(macOf(body, key), mac))) return undefined;
  const idAt = (at: number): string => body.toString("latin1", at, at + ID_BYTES);
  const nodeId = idAt(MAGIC.length);
  const bootId = idAt(MAGIC.length + ID_BYTES);
  const heard = Array.from({ length: count }, (_, index) => {
    const at = HEAD_BYTES + index * HEARD_BYTES;
    return { nodeId: idAt(at), agoMs: body.readUInt16BE(at + ID_BYTES) };
  });
  if (![nodeId, bootId, ...heard.map((each) => each.nodeId)].every((id) => ID.test(id))) return undefined;
  return { nodeId, bootId, counter: Number(body.readBigUInt64BE(HEAD_BYTES - 9)), heard };
}

function macOf(body: Buffer, key: Buffer): Buffer {
  return createHmac("sha256", key).update(body).digest();
}
