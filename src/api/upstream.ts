// Whom a resolver asks, as people write it: `9.9.9.9`, `9.9.9.9:5353`, `[fd00::1]:53`, `service/pihole:53`. Pure.
import { isIpv4, isIpv6 } from "./addresses.ts";
import type { Name } from "./resource.ts";

export type NamedUpstream =
  | { readonly service: Name; readonly port: number }
  /** IPv4 or IPv6. */
  | { readonly host: string; readonly port: number };

const DNS_PORT = 53;
const PORT_MAX = 65_535;

/** undefined: it is none of them, or has a port that is none. */
export function parseUpstream(text: string): NamedUpstream | undefined {
  const [, service, servicePort] = /^service\/([a-z0-9-]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (service !== undefined) return withPort({ service }, servicePort);
  if (isIpv4(text) || isIpv6(text)) return { host: text, port: DNS_PORT };
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (bracketed !== undefined) return isIpv6(bracketed) ? withPort({ host: bracketed }, port) : undefined;
  return plain !== undefined && isIpv4(plain) ? withPort({ host: plain }, port) : undefined;
}

function withPort<T extends object>(where: T, text: string | undefined): (T & { readonly port: number }) | undefined {
  const port = text === undefined ? DNS_PORT : Number(text);
  return port > 0 && port <= PORT_MAX ? { ...where, port } : undefined;
}
