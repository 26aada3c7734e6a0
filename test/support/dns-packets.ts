// Packets that somebody may send to a name server: proper questions of every kind, the same with bytes changed, and plain rubbish. By a
// seed, so that a run can be repeated.
import type { SeededRandom } from "../fakes/clock.ts";

const LABELS = ["app", "APP", "hello", "www", "printer", "*", "node", "ns", "attic", "dev", "_sip", "_tcp", "a", "x".repeat(63), "über"];
const ZONES = ["home.internal", "HOME.Internal", "example.com", "1.168.192.in-addr.arpa", "mail.example.com", ""];
const TYPES = [1, 28, 5, 16, 33, 15, 12, 6, 2, 255, 252, 251, 65, 64, 41, 0, 46, 65_535];
const OPTION_CODES = [3, 8, 9, 10, 11, 12, 14, 15, 65_001];

/** Another packet at each call. */
export function dnsPackets(random: SeededRandom): () => Buffer {
  const pick = <T>(list: readonly [T, ...T[]] | readonly T[]): T => list[random.int(0, list.length - 1)] as T; // no list here is empty
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.int(0, 255)));

  const name = (): Buffer => {
    const host = Array.from({ length: random.int(0, 3) }, () => pick(LABELS)).join(".");
    const labels = [host, pick(ZONES)].join(".").split(".").filter(Boolean);
    const parts = labels.flatMap((label) => [Buffer.from([Math.min(Buffer.byteLength(label), 63)]), Buffer.from(label)]);
    return Buffer.concat([...parts, Buffer.from([0])]);
  };
  const opt = (): Buffer => {
    const options = Array.from({ length: random.int(0, 2) }, () => {
      const data = bytes(random.int(0, 12));
      const head = Buffer.alloc(4);
      head.writeUInt16BE(pick(OPTION_CODES));
      head.writeUInt16BE(random.chance(0.9) ? data.length : random.int(0, 65_535), 2);
      return Buffer.concat([head, data]);
    });
    const data = Buffer.concat(options);
    const head = Buffer.from([
      0,
      0,
      41,
      ...two(pick([0, 511, 512, 1232, 4096, 65_535])),
      0,
      random.chance(0.9) ? 0 : 1,
      pick([0, 0x80]),
      0,
      ...two(data.length),
    ]);
    return Buffer.concat([head, data]);
  };
  const question = (): Buffer => {
    const additionals = random.chance(0.4) ? [opt()] : [];
    const flags = random.chance(0.9) ? pick([0, 0x0100, 0x0120, 0x0110]) : random.int(0, 65_535);
    const header = [...two(random.int(0, 65_535)), ...two(flags), 0, 1, 0, 0, 0, 0, 0, additionals.length];
    const kind = [...two(pick(TYPES)), ...two(random.chance(0.95) ? 1 : random.int(0, 65_535))];
    return Buffer.concat([Buffer.from(header), name(), Buffer.from(kind), ...additionals]);
  };
  const changed = (): Buffer => {
    const packet = question();
    for (let count = random.int(1, 4); count > 0; count -= 1) packet[random.int(0, packet.length - 1)] = random.int(0, 255);
    return random.chance(0.3) ? packet.subarray(0, random.int(0, packet.length)) : packet;
  };
  /** Counts that promise the world, and names that point at themselves. */
  const hostile = (): Buffer => {
    const packet = Buffer.concat([question(), bytes(random.int(0, 60))]);
    packet.writeUInt16BE(pick([0, 1, 2, 65_535]), 4 + 2 * random.int(0, 3));
    if (random.chance(0.5)) packet.set([0xc0, random.int(0, packet.length)], 12);
    return packet;
  };
  return () => pick([question, question, changed, changed, hostile, () => bytes(random.int(0, 600))])();
}

function two(value: number): readonly [number, number] {
  return [value >> 8, value & 255];
}
