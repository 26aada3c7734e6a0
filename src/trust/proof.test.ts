import assert from "node:assert/strict";
import { test } from "node:test";
import { answerProof, joinProof, sameProof, type ProofParts } from "./proof.ts";

const parts: ProofParts = {
  secretHash: "hash",
  exporter: Buffer.alloc(32, 1),
  nodeId: "diu6zoyh7chtnpw2",
  body: { name: "nas", version: "0.1.0" },
};

test("a proof is the same for the same parts, in whatever order the fields of the body are", () => {
  assert.ok(sameProof(joinProof(parts), joinProof({ ...parts, body: { version: "0.1.0", name: "nas" } })));
});

test("a proof holds for no other secret, connection, node, body or direction", () => {
  const others: readonly Partial<ProofParts>[] = [
    { secretHash: "other" },
    { exporter: Buffer.alloc(32, 2) },
    { nodeId: "aaaaaaaaaaaaaaaa" },
    { body: { name: "attic", version: "0.1.0" } },
  ];
  for (const other of others) assert.ok(!sameProof(joinProof({ ...parts, ...other }), joinProof(parts)));
  assert.ok(!sameProof(answerProof(parts), joinProof(parts)));
  for (const junk of [undefined, null, "", "x", 7, {}]) assert.ok(!sameProof(junk, joinProof(parts)));
});
