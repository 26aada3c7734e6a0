// IPv4 arithmetic and the plan of a node's own /16: one shared bridge, then private networks of 16 addresses. Pure.

export interface Subnet {
  /** The first address, as a number. */
  readonly base: number;
  readonly bits: number;
}

export function parseAddress(text: string): number | undefined {
  const parts = text.split(".").map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** `10.1.0.0/16`, or one address. Undefined for everything else. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = "", bitsText = "32"] = text.split("/");
  const [parsed, bits] = [parseAddress(address), Number(bitsText)];
  if (parsed === undefined || !Number.isInteger(bits) || bits < 0 || bits > 32) return undefined;
  return { base: parsed - (parsed % size(bits)), bits };
}

export function formatSubnet({ base, bits }: Subnet): string {
  return `${formatAddress(base)}/${bits}`;
}

export function overlap(one: Subnet, other: Subnet): boolean {
  return one.base < other.base + size(other.bits) && other.base < one.base + size(one.bits);
}

/** Addresses that a container may have: not the network's own, the gateway (the first) or the broadcast's. */
export function hosts({ base, bits }: Subnet): { readonly first: number; readonly last: number } {
  return { first: base + 2, last: base + size(bits) - 2 };
}

export function gateway({ base }: Subnet): string {
  return formatAddress(base + 1);
}

/** 4093 addresses on the one bridge of this node. */
export function sharedSubnet(node: Subnet): Subnet {
  return { base: node.base, bits: 20 };
}

/** The last 254 of the shared bridge: for containers that somebody else puts on it. */
export function othersRange(shared: Subnet): Subnet {
  return { base: shared.base + size(shared.bits) - size(24), bits: 24 };
}

const privateBits = 28;
/** What the shared bridge leaves. */
export const privateNetworksMax = (2 ** 16 - 2 ** 12) / 2 ** (32 - privateBits);

export function privateSubnet(node: Subnet, index: number): Subnet {
  return { base: node.base + 2 ** 12 + index * size(privateBits), bits: privateBits };
}

/** Every /16 that a node may take, in order: the upper half of 10/8, where home routers and VPNs rarely are, then 172.16/12. */
export function candidates(): readonly Subnet[] {
  const ten = Array.from({ length: 127 }, (_, index) => 10 * 2 ** 24 + (128 + index) * 2 ** 16);
  const docker = Array.from({ length: 16 }, (_, index) => 172 * 2 ** 24 + (31 - index) * 2 ** 16);
  return [...ten, ...docker].map((base) => ({ base, bits: 16 }));
}

function size(bits: number): number {
  return 2 ** (32 - bits);
}
