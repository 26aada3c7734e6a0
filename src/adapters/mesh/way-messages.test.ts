import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "./frames.ts";
import { encodeAnswer, encodeRequest, readWayAnswer, readWayRequest, WAY_FRAME_MAX } from "./way-messages.ts";

const bodyOf = (frame: Buffer): Buffer => {
  const reader = new FrameReader(WAY_FRAME_MAX);
  reader.push(frame);
  return reader.next() ?? assert.fail("no whole frame");
};
const to = { instance: "app-aaaa", host: "10.201.0.2", port: 80, protocol: "tcp" as const };

test("what one end says is what the other hears", () => {
  for (const request of [
    { kind: "ping" as const },
    { kind: "ping" as const, contactAtMs: 12_345 },
    { kind: "open" as const, to, limitMs: 3000 },
    { kind: "open" as const, to, limitMs: 3000, isEndless: true },
  ])
    assert.deepEqual(readWayRequest(bodyOf(encodeRequest(request))), request);
  for (const answer of [
    { kind: "opened" as const },
    { kind: "pong" as const },
    { kind: "pong" as const, atMs: 12_345 },
    { kind: "refused" as const, code: "Unreachable" as const, message: "no connection within 3000 ms" },
  ])
    assert.deepEqual(readWayAnswer(bodyOf(encodeAnswer(answer))), answer);
});

test("anything else is neither a request nor an answer", () => {
  for (const wrong of [
    { to: { ...to, port: 0 }, limitMs: 1 },
    { to: { ...to, port: 70_000 }, limitMs: 1 },
    { to: { ...to, instance: "" }, limitMs: 1 },
    { to: { ...to, protocol: "sctp" }, limitMs: 1 },
    { to: { ...to, host: "x".repeat(400) }, limitMs: 1 },
    { to, limitMs: 1e9 },
    { to },
    { ping: "true" },
  ])
    assert.throws(() => readWayRequest(Buffer.from(JSON.stringify(wrong))), JSON.stringify(wrong));
  fc.assert(
    fc.property(fc.json(), (text) => {
      for (const read of [readWayRequest, readWayAnswer]) assert.throws(() => read(Buffer.from(text)));
    }),
  );
});
