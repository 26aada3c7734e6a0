// IP addresses as bytes: which network one belongs to, which two are near. Pure and total: what is no address is in no network.

/** The bytes of an IPv4 (4) or IPv6 (16) address; `::ffff:1.2.3.4` is 1.2.3.4, a scope (`%eth0`) is left out. */
export function parseAddress(text: string): readonly number[] | undefined {
  const plain = text.split("%", 1)[0] ?? "";
  if (!plain.includes(":")) return parseIpv4(plain);
  const bytes = parseIpv6(plain);
  const mapped = bytes?.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes?.slice(12) : bytes;
}

const MAPPED = "::ffff:";

/** As people and apps write it: an IPv4 client of a dual-stack socket without `::ffff:`. */
export function plainAddress(text: string): string {
  // Asked at each request: nearly all clients are one of these.
  if (!/[:%]/.test(text)) return text;
  if (text.startsWith(MAPPED) && isIpv4(text.slice(MAPPED.length))) return text.slice(MAPPED.length);
  const bytes = parseAddress(text);
  return bytes?.length === 4 ? bytes.join(".") : text;
}

export function isIpv4(text: string): boolean {
  return parseIpv4(text) !== undefined;
}

export function isIpv6(text: string): boolean {
  return text.includes(":") && parseIpv6(text) !== undefined;
}

export function inNetwork(address: string, cidr: string): boolean {
  const [base = "", bits] = cidr.split("/", 2);
  const network = parseAddress(base);
  const candidate = parseAddress(address);
  if (network === undefined || candidate?.length !== network.length) return false;
  const width = bits === undefined ? network.length * 8 : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.POSITIVE_INFINITY;
  return width <= network.length * 8 && commonBits(network, candidate) >= width;
}

/** How many leading bits two addresses share; -1 when they are of different families or none at all. */
export function nearness(a: string, b: string): number {
  const left = parseAddress(a);
  const right = parseAddress(b);
  return left !== undefined && left.length === right?.length ? commonBits(left, right) : -1;
}

/** The name under which an address's own name is asked for (RFC 1035, 3.5; RFC 3596, 2.5); undefined: it is none. */
export function reverseName(address: string): string | undefined {
  const bytes = parseAddress(address);
  if (bytes === undefined) return undefined;
  if (bytes.length === 4) return `${bytes.toReversed().join(".")}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .toReversed()
    .map((nibble) => nibble.toString(16))
    .join(".")}.ip6.arpa`;
}

const LOOPBACK = ["127.0.0.0/8", "::1/128"];
const TAILNET = ["100.64.0.0/10", "fd7a:115c:a1e0::/48"];
const LAN = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"];

export const isLoopback = (address: string): boolean => LOOPBACK.some((cidr) => inNetwork(address, cidr));
export const isTailnet = (address: string): boolean => TAILNET.some((cidr) => inNetwork(address, cidr));
export const isLan = (address: string): boolean => !isTailnet(address) && LAN.some((cidr) => inNetwork(address, cidr));

function commonBits(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < a.length; index += 1) {
    const difference = (a[index] ?? 0) ^ (b[index] ?? 0);
    if (difference !== 0) return index * 8 + Math.clz32(difference) - 24;
  }
  return a.length * 8;
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  const valid = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return valid ? parts.map(Number) : undefined;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])];
}

/** Bytes of one side of `::`; the last group may be an IPv4 address. */
function groups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const embedded = index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (embedded !== undefined) bytes.push(...embedded);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255);
    else return undefined;
  }
  return bytes;
}
