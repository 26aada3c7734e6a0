import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { SignOfLife } from "../../mesh-ports.ts";
import { DATAGRAM_BYTES_MAX, decodeSign, encodeSign } from "./datagram.ts";

const key = randomBytes(32);
const id = fc.stringMatching(/^[a-z2-7]{16}$/);
const plain = { noNullPrototype: true } as const;
const signs: fc.Arbitrary<SignOfLife> = fc.record(
  {
    nodeId: id,
    bootId: id,
    counter: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    heard: fc.array(fc.record({ nodeId: id, agoMs: fc.nat({ max: 0xffff }) }, plain), { maxLength: 40 }),
  },
  plain,
);
const byAge = (sign: SignOfLife): SignOfLife => ({ ...sign, heard: [...sign.heard].sort((a, b) => a.agoMs - b.agoMs) });

test("what is said is what is read, under the key of the house or the one before", () => {
  fc.assert(
    fc.property(signs, (sign) => {
      const bytes = encodeSign(sign, key);
      assert.deepEqual(decodeSign(bytes, [key]), byAge(sign));
      assert.deepEqual(decodeSign(bytes, [randomBytes(32), key]), byAge(sign));
      assert.equal(decodeSign(bytes, [randomBytes(32)]), undefined);
      assert.equal(decodeSign(bytes, []), undefined);
    }),
  );
});

test("one changed, missing or added byte, and junk, is nothing", () => {
  fc.assert(
    fc.property(signs, fc.nat(), fc.integer({ min: 1, max: 255 }), (sign, at, change) => {
      const bytes = encodeSign(sign, key);
      const forged = Buffer.from(bytes);
      const place = at % forged.length;
      forged.writeUInt8(forged.readUInt8(place) ^ change, place);
      for (const wrong of [forged, bytes.subarray(1), bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(0)])])
        assert.equal(decodeSign(wrong, [key]), undefined);
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1_500 }), (junk) => decodeSign(Buffer.from(junk), [key]) === undefined));
});

test("a large house fits into one frame: those heard last are told", () => {
  const heard = Array.from({ length: 200 }, (_, index) => ({ nodeId: "a".repeat(16), agoMs: 20_000 - index * 100 }));
  const bytes = encodeSign({ nodeId: "b".repeat(16), bootId: "c".repeat(16), counter: 1, heard }, key);
  assert.ok(bytes.length <= DATAGRAM_BYTES_MAX);
  const told = decodeSign(bytes, [key])?.heard ?? [];
  assert.deepEqual([told.length, told[0]?.agoMs], [62, 100]);
});

test("what was heard too long ago for the field is not told as something else", () => {
  const sign = { nodeId: "b".repeat(16), bootId: "c".repeat(16), counter: 1, heard: [{ nodeId: "a".repeat(16), agoMs: 70_000 }] };
  assert.deepEqual(decodeSign(encodeSign(sign, key), [key])?.heard, []);
});
