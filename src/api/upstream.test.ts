import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUpstream } from "./upstream.ts";

test("an address, or a Service, is asked on port 53 unless another one is named", () => {
  assert.deepEqual(["9.9.9.9", "9.9.9.9:5353", "fd00::1", "[fd00::1]:5353", "service/pihole", "service/pihole:5335"].map(parseUpstream), [
    { host: "9.9.9.9", port: 53 },
    { host: "9.9.9.9", port: 5353 },
    { host: "fd00::1", port: 53 },
    { host: "fd00::1", port: 5353 },
    { service: "pihole", port: 53 },
    { service: "pihole", port: 5335 },
  ]);
});

test("what is neither is refused, and a port that is none", () => {
  for (const text of [
    "",
    "pihole",
    "dns.example.com",
    "9.9.9",
    "9.9.9.9:0",
    "9.9.9.9:65536",
    "[9.9.9.9]:53",
    "service/a:0",
    "fd00:::1",
    "::1:",
  ])
    assert.equal(parseUpstream(text), undefined, text);
});
