import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/support/real.ts";
import { ScriptedContainers } from "../../test/support/transcript-house.ts";
import type { LogChunk } from "../container-ports.ts";
import { LineSplitter, openLocalLogs } from "./local-logs.ts";

const IDENTITY = { node: "nas", nodeId: "id-nas", bootId: "b1", bootedAtMs: 0 };

test("lines are whole wherever chunks and characters are cut", () => {
  const bytes = Buffer.from("eins\r\nzwölf\n\nrest");
  for (const size of [1, 2, 3, 7, 100]) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
    assert.deepEqual([...lines, splitter.end()], ["eins", "zwölf", "", "rest"], String(size));
  }
});

test("a line that never ends is cut", () => {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  for (let times = 0; times < 40; times++) lines.push(...splitter.push(Buffer.from("x".repeat(10_000))));
  assert.ok(lines.length >= 5);
  assert.equal(lines.join("").length + splitter.end().length, 400_000);
});

test("of a line that is kept in pieces the first time alone is told, wherever chunks and characters are cut", () => {
  const time = (second: number): Buffer => Buffer.from(`2026-01-01T00:00:0${second}.000000000Z `);
  const text = Buffer.from("ü");
  const pieces = [
    [time(1), Buffer.from("aaa"), text.subarray(0, 1)],
    [time(2), text.subarray(1), Buffer.from("bbb")],
    [time(3), Buffer.from("2026-01-01T ccc\n")],
    [time(4), Buffer.from("ddd\n")],
  ].map((parts) => Buffer.concat(parts));
  for (const size of [1, 2, 3, 7, 100]) {
    const splitter = new LineSplitter();
    const lines = pieces.flatMap((piece) =>
      Array.from({ length: Math.ceil(piece.length / size) }, (_, index) =>
        splitter.push(piece.subarray(index * size, (index + 1) * size), index === 0),
      ).flat(),
    );
    assert.deepEqual(lines, [`${String(time(1))}aaaübbb2026-01-01T ccc`, `${String(time(4))}ddd`], String(size));
  }
});

test("what is kept in pieces is one line of the log", async () => {
  const clock = new VirtualClock();
  const containers = new ScriptedContainers(clock);
  const { id } = containers.add("web", "k3f9", "web");
  const piece = (text: string): LogChunk => ({ stream: "stdout", data: Buffer.from(`2026-01-01T00:00:01Z ${text}`), begins: true });
  containers.output.set(id, [piece("aaa"), piece("bbb\n"), piece("ccc\n")]);
  const ports = { containers, identity: IDENTITY, clock, log: silentLog };
  const { items } = await openLocalLogs(ports, { service: "web", follow: false, previous: false }, new AbortController().signal);
  const texts = (await Array.fromAsync(items)).map((item) => "text" in item && item.text);
  assert.deepEqual(texts, ["aaabbb", "ccc"]);
});

test("what a terminal shows has no pieces, and loses none of its own", () => {
  const splitter = new LineSplitter();
  const lines = ["2026-01-01T00:00:01Z aaa", "2026-01-01T00:00:02Z bbb\n"].flatMap((chunk) => splitter.push(Buffer.from(chunk)));
  assert.deepEqual(lines, ["2026-01-01T00:00:01Z aaa2026-01-01T00:00:02Z bbb"]);
});

test("who follows a container goes on with it when it has ended and is started again, and hears each line once", async () => {
  const clock = new VirtualClock();
  const containers = new ScriptedContainers(clock);
  const web = containers.add("web", "k3f9", "web", { startedAt: "2026-01-01T00:00:00Z" });
  containers.print(web, "2026-01-01T00:00:01.100000000Z one");
  const until = new AbortController();
  const ports = { containers, identity: IDENTITY, clock, log: silentLog };
  const request = { service: "web", follow: true, previous: false };
  const { items } = await openLocalLogs(ports, request, until.signal);
  const texts: string[] = [];
  const read = (async () => {
    for await (const item of items) if ("text" in item) texts.push(item.text);
  })();
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await clock.settle();
  };
  await pass(5_000);
  assert.deepEqual([texts, containers.logsAsked], [["one"], 2], "what was, and what comes");

  containers.print(web, "2026-01-01T00:00:05.100000000Z two", "2026-01-01T00:00:05.100000000Z three");
  containers.become(web, { state: "exited" });
  await pass(60_000);
  assert.equal(containers.logsAsked, 2, "one that has ended prints nothing");
  containers.become(web, { state: "running", startedAt: "2026-01-01T00:01:05Z" });
  await pass(2_000);
  assert.deepEqual([texts, containers.lastLogOptions?.since], [["one", "two", "three"], Date.UTC(2026, 0, 1) / 1000 + 1]);

  containers.become(web, { state: "exited" });
  containers.print(web, "2026-01-01T00:01:08.200000000Z four");
  containers.become(web, { state: "restarting", startedAt: "2026-01-01T00:01:08Z" });
  await pass(60_000);
  assert.deepEqual([texts, containers.logsAsked], [["one", "two", "three", "four"], 4], "it ran for a moment between two looks");
  until.abort(new Error("enough"));
  await read;
});
