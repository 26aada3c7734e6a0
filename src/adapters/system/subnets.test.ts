import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PRIVATE_CONTAINERS_MAX } from "../../api/service-rules.ts";
import {
  candidates,
  formatAddress,
  formatSubnet,
  gateway,
  hosts,
  overlap,
  parseAddress,
  parseSubnet,
  privateNetworksMax,
  privateSubnet,
  sharedSubnet,
  type Subnet,
} from "./subnets.ts";

const subnet = (text: string): Subnet => parseSubnet(text) ?? assert.fail(`${text} is a subnet`);

test("every address is read back as it was written", () => {
  fc.assert(fc.property(fc.nat(2 ** 32 - 1), (address) => parseAddress(formatAddress(address)) === address));
});

test("what is no IPv4 address or subnet is not read as one", () => {
  for (const text of ["", "10.0.0", "10.0.0.256", "10.0.0.0.1", "a.b.c.d", "fe80::1"]) assert.equal(parseAddress(text), undefined, text);
  for (const text of ["10.0.0.0/33", "10.0.0.0/x", "fd00::/8", "default"]) assert.equal(parseSubnet(text), undefined, text);
});

test("a subnet begins at its first address", () => {
  assert.equal(formatSubnet(subnet("192.168.7.9/24")), "192.168.7.0/24");
  assert.equal(formatSubnet(subnet("10.1.2.3")), "10.1.2.3/32");
});

test("subnets overlap when one holds the other, and not when they only touch", () => {
  assert(overlap(subnet("10.0.0.0/8"), subnet("10.200.0.0/16")));
  assert(overlap(subnet("10.200.3.0/24"), subnet("10.200.0.0/16")));
  assert(!overlap(subnet("10.200.0.0/16"), subnet("10.201.0.0/16")));
});

test("the shared bridge and all private networks lie in the node's own /16 and never overlap", () => {
  const node = subnet("10.200.0.0/16");
  const parts = [sharedSubnet(node), ...Array.from({ length: privateNetworksMax }, (_, index) => privateSubnet(node, index))];
  for (const [index, part] of parts.entries()) {
    assert(overlap(part, node));
    const next = parts[index + 1];
    if (next) assert(!overlap(part, next) && part.base < next.base);
  }
  assert.equal(formatSubnet(parts.at(-1) ?? assert.fail()), "10.200.255.240/28");
});

test("a container gets neither the gateway nor the broadcast address", () => {
  const small = subnet("10.200.16.0/28");
  assert.equal(gateway(small), "10.200.16.1");
  assert.deepEqual(
    { first: formatAddress(hosts(small).first), last: formatAddress(hosts(small).last) },
    { first: "10.200.16.2", last: "10.200.16.14" },
  );
});

test("a private network has an address for each container that a Service may have on it", () => {
  const { first, last } = hosts(privateSubnet(subnet("10.200.0.0/16"), 0));
  assert.equal(last - first + 1, PRIVATE_CONTAINERS_MAX);
});

test("no two candidates for a node's /16 overlap", () => {
  const all = candidates().map(formatSubnet);
  assert.equal(new Set(all).size, all.length);
  assert(all.every((text) => text.endsWith(".0.0/16")));
});
