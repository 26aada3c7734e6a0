import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LogChunk } from "../../container-ports.ts";
import { demultiplexed, jsonLines, raw } from "./streams.ts";

async function* parts(bytes: Buffer, cuts: readonly number[]): AsyncIterable<Uint8Array> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((one, other) => one - other), bytes.length];
  for (const [index, from] of places.slice(0, -1).entries()) yield bytes.subarray(from, places[index + 1]);
}

function frame({ stream, data }: LogChunk): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream === "stderr" ? 2 : 1;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

async function collect<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  return Array.fromAsync(values);
}

/** Neighbours of one stream become one text. */
function joined(chunks: readonly LogChunk[]): readonly (readonly [string, string])[] {
  const texts: [string, string][] = [];
  for (const { stream, data } of chunks.filter((each) => each.data.length > 0)) {
    const last = texts.at(-1);
    if (last?.[0] === stream) last[1] += Buffer.from(data).toString("latin1");
    else texts.push([stream, Buffer.from(data).toString("latin1")]);
  }
  return texts;
}

const chunk = fc.record({ stream: fc.constantFrom("stdout" as const, "stderr" as const), data: fc.uint8Array({ maxLength: 40 }) });

test("frames are taken apart wherever the connection cuts them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 20 }), fc.array(fc.nat(10_000), { maxLength: 30 }), async (chunks, cuts) => {
      const bytes = Buffer.concat(chunks.map(frame));
      assert.deepEqual(joined(await collect(demultiplexed(parts(bytes, cuts)))), joined(chunks));
    }),
  );
});

test("the beginning of each frame is told, wherever the connection cuts it", async () => {
  const bytes = Buffer.concat(["one", "two"].map((text) => frame({ stream: "stdout", data: Buffer.from(text) })));
  for (const cuts of [[], [5, 9, 10, 15, 20]]) {
    const chunks = await collect(demultiplexed(parts(bytes, cuts)));
    assert.equal(chunks.map(({ data, begins }) => `${begins ? "|" : ""}${Buffer.from(data).toString()}`).join(""), "|one|two");
  }
});

test("JSON lines are read wherever the connection cuts them, also inside a character", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ text: fc.string({ unit: "grapheme" }) }, { noNullPrototype: true })),
      fc.array(fc.nat(10_000)),
      async (objects, cuts) => {
        const bytes = Buffer.from(objects.map((each) => `${JSON.stringify(each)}\r\n`).join(""));
        assert.deepEqual(await collect(jsonLines(parts(bytes, cuts))), objects);
      },
    ),
  );
});

test("what is no JSON, or a line without an end, ends the stream with an error", async () => {
  await assert.rejects(collect(jsonLines(parts(Buffer.from("nonsense\n"), []))), SyntaxError);
  await assert.rejects(collect(jsonLines(parts(Buffer.alloc(2 ** 20 + 1, "x"), []))), /without an end/);
});

test("a terminal's stream is all stdout", async () => {
  assert.deepEqual(joined(await collect(raw(parts(Buffer.from("hello"), [2])))), [["stdout", "hello"]]);
});
