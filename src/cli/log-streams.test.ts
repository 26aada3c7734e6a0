import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLine } from "../api/wire.ts";
import { mergeStreams } from "./log-streams.ts";

const ports = { now: () => 0, sleep: () => Promise.resolve(), interrupted: new AbortController().signal };
const line = (second: number, text: string): LogLine => ({
  time: `2026-01-01T00:00:0${second}Z`,
  instance: "app-aaaa",
  container: "app",
  stream: "stdout",
  node: "nas",
  text,
});

test("lines of several streams come in the order of their times", async () => {
  const printed: string[] = [];
  const streams: Readonly<Record<string, readonly LogLine[]>> = {
    a: [line(1, "one"), line(4, "four")],
    b: [line(2, "two"), line(3, "three")],
  };
  const read = async (name: string, sink: { line(line: LogLine): Promise<void> }): Promise<void> => {
    for (const each of streams[name] ?? []) await sink.line(each);
  };
  await mergeStreams(["a", "b"], read, { print: ({ text }) => printed.push(text), ports });
  assert.deepEqual(printed, ["one", "two", "three", "four"]);
});

test("what one stream throws is thrown, and ends the others", async () => {
  const ended: string[] = [];
  const read = async (name: string, _sink: unknown, signal: AbortSignal): Promise<void> => {
    if (name === "broken") throw new Error("broken");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    ended.push(name);
  };
  await assert.rejects(mergeStreams(["a", "broken", "b"], read, { print: () => undefined, ports }), /^Error: broken$/);
  assert.deepEqual(ended, ["a", "b"]);
});
