import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame, FrameReader, FrameTooLong } from "./frames.ts";

const bytesMax = 1_000;

test("messages come out as they went in, however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.json(), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (texts, cuts) => {
      const reader = new FrameReader(100_000);
      const bytes = Buffer.concat(texts.map((text) => encodeFrame({ text }, 100_000)));
      const read: string[] = [];
      for (let [offset, index] = [0, 0]; offset < bytes.length; index++) {
        const length = cuts[index % cuts.length] ?? 1;
        reader.push(bytes.subarray(offset, offset + length));
        for (let body = reader.next(); body; body = reader.next()) read.push((JSON.parse(String(body)) as { text: string }).text); // as made above
        offset += length;
      }
      assert.deepEqual(read, texts);
      assert.equal(reader.partial, false);
    }),
  );
});

test("a frame that is too long is known by its first four bytes", () => {
  const reader = new FrameReader(bytesMax);
  reader.push(Buffer.from([0xff, 0xff, 0xff]));
  assert.equal(reader.next(), undefined);
  reader.push(Buffer.from([0xff]));
  assert.throws(() => reader.next(), FrameTooLong);
  assert.throws(() => encodeFrame("x".repeat(bytesMax), bytesMax), FrameTooLong);
});

test("what follows the last frame is kept for whoever reads on", () => {
  const reader = new FrameReader(bytesMax);
  reader.push(Buffer.concat([encodeFrame(1, bytesMax), Buffer.from("raw bytes")]));
  assert.equal(String(reader.next()), "1");
  assert.equal(String(reader.rest()), "raw bytes");
  assert.equal(reader.partial, false);
});
