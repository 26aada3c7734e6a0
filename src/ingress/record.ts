// DNS records as the codec takes them, read from their presentation form. Pure.
import type { RecordData } from "../api/dns-reply.ts";
import type { DnsType } from "../api/table.ts";
import { isIpv4, isIpv6 } from "./address.ts";

/** A name as DNS can carry it, lower case and without trailing dot; undefined: it cannot. */
export function dnsName(text: string): string | undefined {
  const name = lowerCase(text).replace(/\.$/, "");
  const labels = name.split(".");
  // 253 characters and 63 a label: RFC 1035, 2.3.4.
  return name.length <= 253 && labels.every((label) => /^[!-~]{1,63}$/.test(label)) ? name : undefined;
}

/** ASCII only: `toLowerCase` would make a `k` of the Kelvin sign. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** undefined: not the presentation form of that type. */
export function parseRecord(type: DnsType, value: string): RecordData | undefined {
  switch (type) {
    case "A":
      return isIpv4(value) ? { type, data: value } : undefined;
    case "AAAA":
      return isIpv6(value) ? { type, data: value } : undefined;
    case "CNAME":
    case "PTR": {
      const data = dnsName(value);
      return data === undefined ? undefined : { type, data };
    }
    case "TXT":
      return { type, data: textStrings(value) };
    case "MX": {
      const [preference, exchange, ...rest] = fields(value);
      const name = dnsName(exchange ?? "");
      if (name === undefined || rest.length > 0 || !isUint16(preference)) return undefined;
      return { type, data: { preference: Number(preference), exchange: name } };
    }
    case "SRV": {
      const [priority, weight, port, target, ...rest] = fields(value);
      const name = dnsName(target ?? "");
      if (name === undefined || rest.length > 0 || ![priority, weight, port].every(isUint16)) return undefined;
      return { type, data: { priority: Number(priority), weight: Number(weight), port: Number(port), target: name } };
    }
  }
}

/** Quoted strings as they stand, anything else as one text; in pieces of at most 255 bytes. */
function textStrings(value: string): string[] {
  const quoted = /^\s*("(?:[^"\\]|\\.)*"\s*)+$/.test(value) ? value.match(/"(?:[^"\\]|\\.)*"/g) : undefined;
  const texts = quoted?.map((text) => text.slice(1, -1).replace(/\\(.)/g, "$1")) ?? [value];
  return texts.flatMap(pieces);
}

function pieces(text: string): string[] {
  const result = [""];
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes + width > 255) {
      result.push("");
      bytes = 0;
    }
    result[result.length - 1] += character;
    bytes += width;
  }
  return result;
}

function fields(value: string): readonly string[] {
  return value.trim().split(/\s+/);
}

function isUint16(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) < 65536;
}
