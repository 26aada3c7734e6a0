import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, FrameDecoder, frameText, type Frame } from "./exec-frames.ts";

test("frames survive any cutting of the stream", () => {
  const sent = [encodeFrame("stdin", "ls\n"), encodeFrame("end"), encodeFrame("stdout", "ä".repeat(700)), encodeFrame("exit", "3")];
  const stream = Buffer.concat(sent);
  for (const size of [1, 2, 3, 5, 7, 64, stream.length]) {
    const decoder = new FrameDecoder();
    const got: Frame[] = [];
    for (let at = 0; at < stream.length; at += size) got.push(...decoder.push(stream.subarray(at, at + size)));
    assert.deepEqual(
      got.map((frame) => [frame.type, frameText(frame)]),
      [
        ["stdin", "ls\n"],
        ["end", ""],
        ["stdout", "ä".repeat(700)],
        ["exit", "3"],
      ],
    );
  }
});

test("a type that no frame has, and a length above the limit, are refused", () => {
  assert.throws(() => new FrameDecoder().push(Uint8Array.from([99, 0, 0, 0, 0])), /Cannot read a frame of type 99/);
  assert.throws(() => new FrameDecoder().push(Uint8Array.from([0, 255, 255, 255, 255])), /Cannot read a frame/);
});
