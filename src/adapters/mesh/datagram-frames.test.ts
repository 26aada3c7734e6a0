import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DatagramReader, encodeDatagram } from "./datagram-frames.ts";

test("datagrams come out as they went in, empty ones too, however the bytes are cut", () => {
  const frame = fc.record(
    {
      session: fc.nat({ max: 2 ** 32 - 1 }),
      kind: fc.constantFrom("datagram" as const, "over" as const),
      data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({ data, ...head }) => encodeDatagram(head, data.subarray(0, 3), data.subarray(3))));
      const reader = new DatagramReader();
      const read: unknown[] = [];
      for (let [offset, index] = [0, 0]; offset < bytes.length; index++) {
        const length = cuts[index % cuts.length] ?? 1;
        for (const each of reader.push(bytes.subarray(offset, offset + length))) read.push({ ...each, data: Buffer.from(each.data) });
        offset += length;
      }
      assert.deepEqual(read, frames);
    }),
  );
});

test("that there is no room is an end, also to an earlier release, which looks at the kind alone", () => {
  const bytes = encodeDatagram({ session: 7, kind: "no room" });
  const [read] = new DatagramReader().push(bytes);
  assert.deepEqual([read?.session, read?.kind], [7, "no room"]);
  const over = encodeDatagram({ session: 7, kind: "over" });
  assert.deepEqual(bytes.subarray(2, 7), over.subarray(2, 7));
});
