import assert from "node:assert/strict";
import { test } from "node:test";
import { commonNameOf, leafIsDue, leafNames, LEAF_USES, memberOf, readCommonName, serialNumberOf, serialNumbersOf } from "./leaves.ts";

const nodeId = "lrnivzfsr7d77ayg";
const yearMs = 365 * 24 * 3600 * 1000;
const wanted = {
  commonName: commonNameOf("agent", nodeId),
  serialNumber: serialNumberOf("agent", nodeId),
  names: leafNames("etcd-peer", ["192.168.1.20"]),
};
const good = { ...wanted, notAfterMs: 9 * yearMs, issuedByHouse: true };

test("a common name names use and node, and nothing else is read as one", () => {
  for (const use of LEAF_USES) assert.deepEqual(readCommonName(commonNameOf(use, nodeId)), { use, nodeId });
  for (const text of ["etcd", "agent", `agent.${nodeId}.x`, `agent.${nodeId}x`, `root.${nodeId}`, ""])
    assert.equal(readCommonName(text), undefined);
});

test("a serial number is the same for the same node and use, and no other's", () => {
  const numbers = [...serialNumbersOf(nodeId), ...serialNumbersOf("aaaaaaaaaaaaaaaa")];
  assert.equal(new Set(numbers).size, 2 * LEAF_USES.length);
  for (const number of numbers) assert.match(number, /^[4-7][0-9A-F]{31}$/);
  assert.deepEqual(serialNumbersOf(nodeId), serialNumbersOf(nodeId));
});

test("a leaf makes a member for its own use, until its node is removed", () => {
  for (const use of LEAF_USES) {
    const leaf = { commonName: commonNameOf(use, nodeId), serialNumber: serialNumberOf(use, nodeId) };
    assert.deepEqual(
      LEAF_USES.map((each) => memberOf(leaf, each, ["aaaaaaaaaaaaaaaa"])),
      LEAF_USES.map((each) => (each === use ? nodeId : undefined)),
    );
    assert.equal(memberOf(leaf, use, [nodeId]), undefined);
    assert.equal(memberOf({ ...leaf, serialNumber: "01" }, use, []), undefined);
    assert.equal(memberOf({ ...leaf, commonName: "etcd" }, use, []), undefined);
  }
});

test("the names of etcd's are localhost, loopback and every address, once and not without end; strangers read none", () => {
  assert.deepEqual(leafNames("etcd-client", ["192.168.1.20", "::1"]), ["localhost", "127.0.0.1", "::1", "192.168.1.20"]);
  for (const use of ["agent", "ingress"] as const) assert.deepEqual(leafNames(use, ["192.168.1.20"]), []);
  assert.equal(
    leafNames(
      "etcd-peer",
      Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}`),
    ).length,
    64,
  );
});

test("a leaf is made anew when it is missing, old, foreign, or lacks an address, and else never", () => {
  const due = (leaf: Partial<typeof good>, nowMs = 0): string | undefined => leafIsDue({ ...good, ...leaf }, wanted, nowMs);
  assert.equal(due({}), undefined);
  assert.equal(due({ names: [...wanted.names, "10.0.0.9"] }), undefined);
  assert.equal(leafIsDue(undefined, wanted, 0), "it is missing");
  assert.equal(due({}, 8.5 * yearMs), "it expires within a year");
  assert.equal(due({}, 10 * yearMs), "it has expired");
  assert.equal(due({ names: ["localhost", "127.0.0.1", "::1", "10.0.0.9"] }), "it lacks 192.168.1.20");
  assert.equal(due({ issuedByHouse: false }), "it is another house's");
  assert.equal(due({ serialNumber: "01" }), "it is another node's");
});
