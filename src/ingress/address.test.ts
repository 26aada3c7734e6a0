import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inNetwork, isLan, isLoopback, isTailnet, nearness, parseAddress, plainAddress, reverseName } from "./address.ts";

test("addresses of both families are read as bytes", () => {
  assert.deepEqual(parseAddress("192.168.1.40"), [192, 168, 1, 40]);
  assert.deepEqual(parseAddress("::1"), [...new Array<number>(15).fill(0), 1]);
  assert.deepEqual(parseAddress("fe80::1%eth0")?.slice(0, 2), [0xfe, 0x80]);
  assert.deepEqual(parseAddress("1:2:3:4:5:6:7:8"), [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]);
  assert.deepEqual(parseAddress("64:ff9b::10.0.0.1")?.slice(12), [10, 0, 0, 1]);
});

test("an IPv4 client of a dual-stack socket is written as IPv4", () => {
  assert.equal(plainAddress("::ffff:10.0.0.7"), "10.0.0.7");
  assert.equal(plainAddress("2001:db8::1"), "2001:db8::1");
});

test("what is no address is none and is in no network", () => {
  for (const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "hello"]) {
    assert.equal(parseAddress(text), undefined, text);
    assert.equal(inNetwork(text, "0.0.0.0/0"), false, text);
  }
});

test("an address is in a network when they share the network's bits", () => {
  assert.ok(inNetwork("192.168.1.40", "192.168.1.0/24"));
  assert.ok(!inNetwork("192.168.2.40", "192.168.1.0/24"));
  assert.ok(inNetwork("10.1.2.3", "10.1.2.3"));
  assert.ok(inNetwork("8.8.8.8", "0.0.0.0/0"));
  assert.ok(inNetwork("fd12::1", "fc00::/7"));
  assert.ok(!inNetwork("10.1.2.3", "fc00::/7"));
  assert.ok(!inNetwork("10.1.2.3", "10.0.0.0/x"));
  assert.ok(!inNetwork("10.1.2.3", "10.1.2.3/33"));
});

test("loopback, tailnet and LAN are three different places", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      assert.ok([isLoopback(address), isTailnet(address), isLan(address)].filter(Boolean).length <= 1);
    }),
  );
  assert.ok(isTailnet("100.101.102.103"));
  assert.ok(!isTailnet("100.128.0.1"));
  assert.ok(isLan("172.31.0.1"));
  assert.ok(!isLan("8.8.8.8"));
});

test("nearness counts shared bits, and is the same from both sides", () => {
  assert.equal(nearness("192.168.1.1", "192.168.1.2"), 30);
  assert.equal(nearness("10.0.0.1", "10.0.0.1"), 32);
  assert.equal(nearness("10.0.0.1", "::1"), -1);
  fc.assert(fc.property(fc.ipV4(), fc.ipV4(), (a, b) => assert.equal(nearness(a, b), nearness(b, a))));
});

test("an address has a reverse name", () => {
  assert.equal(reverseName("192.168.1.10"), "10.1.168.192.in-addr.arpa");
  assert.equal(reverseName("fd00::1:2a"), "a.2.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa");
  assert.equal(reverseName("nas"), undefined);
});
