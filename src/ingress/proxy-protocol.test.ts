import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readProxyHeader } from "../../test/support/proxy-protocol.ts";
import type { StreamRoute } from "../api/table.ts";
import { proxyHeader } from "./proxy-protocol.ts";

const route: StreamRoute = { name: "a", protocol: "tcp", port: 25, backends: [], idleTimeoutMs: 1 };
const client = { address: "192.168.1.9", port: 50000 };
const asked = { address: "192.168.1.10", port: 25 };
const text = (header: Uint8Array | undefined): string => Buffer.from(header ?? []).toString("latin1");
const hex = (header: Uint8Array | undefined): string => Buffer.from(header ?? []).toString("hex");
const signature = "0d0a0d0a000d0a515549540a";

test("an app that does not ask is told nothing", () => {
  assert.equal(proxyHeader(route, client, asked), undefined);
});

test("version 1 is a line of text", () => {
  const v1 = { ...route, proxyProtocol: "v1" } as const;
  assert.equal(text(proxyHeader(v1, client, asked)), "PROXY TCP4 192.168.1.9 192.168.1.10 50000 25\r\n");
  const mapped = { address: "::ffff:192.168.1.9", port: 50000 };
  assert.equal(text(proxyHeader(v1, mapped, asked)), "PROXY TCP4 192.168.1.9 192.168.1.10 50000 25\r\n");
  const scoped = { address: "fe80::9%eth0", port: 1 };
  assert.equal(text(proxyHeader(v1, scoped, { address: "fe80::1", port: 2 })), "PROXY TCP6 fe80::9 fe80::1 1 2\r\n");
  assert.equal(text(proxyHeader(v1, scoped, asked)), "PROXY UNKNOWN\r\n");
});

test("version 2 is bytes, for datagrams always", () => {
  const v2 = { ...route, proxyProtocol: "v2" } as const;
  assert.equal(hex(proxyHeader(v2, client, asked)), `${signature}2111000cc0a80109c0a8010ac3500019`);
  const udp = `${signature}2112000cc0a80109c0a8010ac3500019`;
  assert.equal(hex(proxyHeader({ ...v2, protocol: "udp" }, client, asked)), udp);
  assert.equal(hex(proxyHeader({ ...v2, protocol: "udp", proxyProtocol: "v1" }, client, asked)), udp);
  const six = proxyHeader(v2, { address: "fd00::9", port: 1 }, { address: "fd00::1", port: 2 });
  assert.equal(hex(six), `${signature}21210024fd00${"0".repeat(26)}09fd00${"0".repeat(26)}0100010002`);
  assert.equal(hex(proxyHeader(v2, client, { address: "fd00::1", port: 2 })), `${signature}21000000`);
});

test("a strict reader of the protocol reads what was told, and then the client's own bytes", () => {
  const address = { four: fc.ipV4(), six: fc.ipV6() };
  const port = fc.nat(65_535);
  const endpoints = (of: fc.Arbitrary<string>) => fc.tuple(fc.record({ address: of, port }), fc.record({ address: of, port }));
  const told = fc.record({
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    proxyProtocol: fc.constantFrom("v1" as const, "v2" as const),
  });
  const short = (text: string): string => (text.includes(":") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text);
  fc.assert(
    fc.property(told, fc.oneof(endpoints(address.four), endpoints(address.six)), fc.uint8Array(), (how, [from, to], said) => {
      const header = proxyHeader({ ...route, ...how }, from, to);
      const read = readProxyHeader(Buffer.concat([header ?? Buffer.alloc(0), said]));
      // An IPv4 address in IPv6's clothes is told as what it is.
      if ([from, to].some((each) => short(each.address).startsWith("::ffff:"))) return;
      assert.deepEqual(read.from, { ...from, address: short(from.address) });
      assert.deepEqual(read.to, { ...to, address: short(to.address) });
      assert.equal(read.transport, how.protocol);
      assert.equal(read.version, how.protocol === "tcp" && how.proxyProtocol === "v1" ? 1 : 2);
      assert.ok(read.rest.equals(Buffer.from(said)));
    }),
  );
});
