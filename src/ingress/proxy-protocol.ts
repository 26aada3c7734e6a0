// The PROXY protocol: what an app is told of its client, before the first byte or in each datagram. Pure.
// https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
import type { StreamRoute } from "../api/table.ts";
import { parseAddress } from "./address.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const VERSION_2_PROXY = 0x21;
const FAMILY = { 4: 0x10, 16: 0x20 } as const;
const TRANSPORT = { tcp: 0x01, udp: 0x02 } as const;
const TEXT_FAMILY = { 4: "TCP4", 16: "TCP6" } as const;

/** undefined: the app asked for nothing. Version 1 knows no UDP: datagrams always have version 2. */
export function proxyHeader({ proxyProtocol, protocol }: StreamRoute, client: Endpoint, asked: Endpoint): Uint8Array | undefined {
  if (proxyProtocol === undefined) return undefined;
  return proxyProtocol === "v1" && protocol === "tcp" ? textHeader(client, asked) : binaryHeader(protocol, client, asked);
}

function textHeader(client: Endpoint, asked: Endpoint): Uint8Array {
  const family = familyOf(client, asked);
  const line =
    family === undefined
      ? "PROXY UNKNOWN\r\n"
      : `PROXY ${TEXT_FAMILY[family]} ${[plain(client), plain(asked), client.port, asked.port].join(" ")}\r\n`;
  return Uint8Array.from(line, (character) => character.charCodeAt(0));
}

function binaryHeader(protocol: StreamRoute["protocol"], client: Endpoint, asked: Endpoint): Uint8Array {
  const family = familyOf(client, asked);
  if (family === undefined) return Uint8Array.from([...SIGNATURE, VERSION_2_PROXY, 0, 0, 0]);
  const body = [...bytesOf(client), ...bytesOf(asked), ...uint16(client.port), ...uint16(asked.port)];
  return Uint8Array.from([...SIGNATURE, VERSION_2_PROXY, FAMILY[family] | TRANSPORT[protocol], ...uint16(body.length), ...body]);
}

/** In bytes of an address; undefined: the two are no pair. */
function familyOf(client: Endpoint, asked: Endpoint): 4 | 16 | undefined {
  const length = bytesOf(client).length;
  if (length !== bytesOf(asked).length) return undefined;
  return length === 4 || length === 16 ? length : undefined;
}

function bytesOf({ address }: Endpoint): readonly number[] {
  return parseAddress(address) ?? [];
}

/** As its bytes say: no `::ffff:`, no scope. */
function plain({ address }: Endpoint): string {
  const bytes = parseAddress(address) ?? [];
  return bytes.length === 4 ? bytes.join(".") : (address.split("%", 1)[0] ?? "");
}

function uint16(value: number): readonly number[] {
  return [value >> 8, value & 255];
}
