import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ChunkReader } from "./chunks.ts";

interface Read {
  readonly body: string;
  /** What follows the chunks; undefined: they are none. */
  readonly rest: string | undefined;
  readonly isDone: boolean;
}

/** In pieces of so many bytes. */
function read(text: string, piece: number): Read {
  const reader = new ChunkReader();
  const bytes = Buffer.from(text, "latin1");
  let body = "";
  let offset = 0;
  while (offset < bytes.length && !reader.isDone) {
    const part = bytes.subarray(offset, offset + piece);
    const length = reader.read(part, (from, to) => (body += part.toString("latin1", from, to)));
    if (length < 0) return { body, rest: undefined, isDone: false };
    offset += length;
  }
  return { body, rest: text.slice(offset), isDone: reader.isDone };
}

function chunksOf(parts: readonly string[], extension: string, trailers: string): string {
  const chunks = parts.filter((part) => part !== "").map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`);
  return `${chunks.join("")}0${extension}\r\n${trailers}\r\n`;
}

describe("chunks", () => {
  test("are the body that was cut into them, however they arrive", () => {
    const parts = fc.array(fc.string({ unit: "binary-ascii", maxLength: 40 }));
    const extension = fc.constantFrom("", ";a", ';a="b c"');
    const trailers = fc.constantFrom("", "X-Sum: 1\r\n", "X: y\r\nZ:\r\n");
    fc.assert(
      fc.property(parts, extension, trailers, fc.nat({ max: 30 }), (each, ext, lines, piece) => {
        const got = read(`${chunksOf(each, ext, lines)}next`, piece + 1);
        assert.deepEqual(got, { body: each.join(""), rest: "next", isDone: true });
      }),
    );
  });

  for (const text of [
    "5g\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    ";x\r\nhello\r\n0\r\n\r\n",
    "1000000000000\r\n",
    "4\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n",
    "5;x\nhello\r\n0\r\n\r\n",
    "5;x\ry\r\nhello\r\n0\r\n\r\n",
    "0\r\nX: y\n\r\n",
    "0\r\nbad line\r\n\r\n",
    "0\r\n\n",
    `5;${"x".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
    `0\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
  ])
    test(`are not ${JSON.stringify(text.slice(0, 30))}`, () => {
      for (const piece of [1, 7, text.length]) assert.equal(read(text, piece).rest, undefined);
    });

  test("that end too early are not done", () => {
    const whole = chunksOf(["hello"], ";x", "X: y\r\n");
    for (let length = 0; length < whole.length; length += 1) {
      const { rest, isDone } = read(whole.slice(0, length), 3);
      assert.deepEqual([rest, isDone], ["", false]);
    }
  });
});
