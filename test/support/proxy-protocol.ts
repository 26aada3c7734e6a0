// The PROXY protocol as an app reads it, written from the specification and not from what the house writes.
// https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
import assert from "node:assert/strict";

export interface Told {
  readonly version: 1 | 2;
  readonly transport: "tcp" | "udp" | "unknown";
  readonly from?: { readonly address: string; readonly port: number };
  readonly to?: { readonly address: string; readonly port: number };
  /** What the client itself said. */
  readonly rest: Buffer;
}

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const LINE_BYTES_MAX = 107;

/** Fails on whatever a strict receiver would refuse. */
export function readProxyHeader(bytes: Buffer): Told {
  return bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE) ? readBinary(bytes) : readText(bytes);
}

function readText(bytes: Buffer): Told {
  const end = bytes.indexOf("\r\n");
  assert.ok(end >= 0 && end + 2 <= LINE_BYTES_MAX, "no line of the PROXY protocol");
  const [word, family = "", from = "", to = "", fromPort, toPort, ...more] = bytes.toString("latin1", 0, end).split(" ");
  const rest = bytes.subarray(end + 2);
  assert.equal(word, "PROXY");
  if (family === "UNKNOWN") return { version: 1, transport: "unknown", rest };
  assert.ok((family === "TCP4" || family === "TCP6") && more.length === 0, family);
  assert.ok([from, to].every((address) => address.includes(":") === (family === "TCP6")));
  return { version: 1, transport: "tcp", from: endpoint(from, Number(fromPort)), to: endpoint(to, Number(toPort)), rest };
}

function readBinary(bytes: Buffer): Told {
  assert.equal(bytes[12], 0x21, "version 2, command PROXY");
  const length = bytes.readUInt16BE(14);
  const body = bytes.subarray(16, 16 + length);
  assert.equal(body.length, length, "the header is cut short");
  const rest = bytes.subarray(16 + length);
  const kind = bytes[13] ?? 0;
  if (kind === 0) return { version: 2, transport: "unknown", rest };
  const width = { 1: 4, 2: 16 }[kind >> 4];
  const transport = { 1: "tcp" as const, 2: "udp" as const }[kind & 15];
  assert.ok(width !== undefined && transport !== undefined, `family and transport ${kind}`);
  assert.ok(length >= 2 * width + 4);
  const at = (start: number): string => {
    const part = body.subarray(start, start + width);
    return width === 4 ? part.join(".") : (part.toString("hex").match(/.{4}/g)?.join(":") ?? "");
  };
  return {
    version: 2,
    transport,
    from: endpoint(at(0), body.readUInt16BE(2 * width)),
    to: endpoint(at(width), body.readUInt16BE(2 * width + 2)),
    rest,
  };
}

/** IPv6 in its one short form. */
function endpoint(address: string, port: number): { readonly address: string; readonly port: number } {
  assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535, `port ${port}`);
  return { address: address.includes(":") ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address, port };
}
