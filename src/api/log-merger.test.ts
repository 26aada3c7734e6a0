import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LogLine } from "./wire.ts";
import { isEarlier, LogMerger, REORDER_MS } from "./log-merger.ts";

const line = (second: number, node = "nas"): LogLine => ({
  instance: "app-k3f9",
  container: "app",
  node,
  stream: "stdout",
  time: `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`,
  text: `${second}`,
});
const texts = (lines: readonly LogLine[]): string => lines.map(({ text }) => text).join(" ");

test("what was printed before is in order of time, and waits for whoever has not shown its next line", () => {
  const merger = new LogMerger();
  merger.add("nas");
  merger.add("nuc");
  merger.push("nas", line(1), 0);
  merger.push("nas", line(3), 0);
  assert.deepEqual(merger.take(0), { lines: [], againInMs: undefined });
  merger.push("nuc", line(2), 0);
  assert.equal(texts(merger.take(0).lines), "1 2");
  merger.end("nuc");
  assert.equal(texts(merger.take(0).lines), "3");
});

test("a new line waits a moment for older ones from elsewhere, and no longer", () => {
  const merger = new LogMerger();
  for (const node of ["nas", "nuc"]) {
    merger.add(node);
    merger.live(node);
  }
  merger.push("nas", line(5), 1_000);
  assert.deepEqual(merger.take(1_010), { lines: [], againInMs: REORDER_MS - 10 });
  merger.push("nuc", line(4), 1_050);
  merger.push("nuc", line(6), 1_060);
  assert.equal(texts(merger.take(1_000 + REORDER_MS).lines), "4 5");
  assert.equal(texts(merger.take(1_060 + REORDER_MS).lines), "6");
});

test("a source that comes back keeps what it had", () => {
  const merger = new LogMerger();
  merger.add("nas");
  merger.live("nas");
  merger.push("nas", line(1), 0);
  merger.add("nas");
  assert.equal(merger.waiting("nas"), 1);
  merger.push("nas", line(2), 0);
  assert.equal(texts(merger.take(0).lines), "1 2");
});

test("times are compared whatever the number of their digits", () => {
  assert.ok(isEarlier("2026-01-01T00:00:01Z", "2026-01-01T00:00:01.000000001Z"));
  assert.ok(isEarlier("2026-01-01T00:00:01.09Z", "2026-01-01T00:00:01.1Z"));
  assert.ok(!isEarlier("2026-01-01T00:00:01.1Z", "2026-01-01T00:00:01.100Z"));
});

test("no line is lost or told twice, and those of ended sources are in order, however they come", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(59), { maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(3)),
      (all, turns) => {
        const sources = all.map((seconds, index) => ({ name: `n${index}`, left: seconds.toSorted((a, b) => a - b) }));
        const merger = new LogMerger();
        for (const { name } of sources) merger.add(name);
        const told: LogLine[] = [];
        for (let open = sources; open.length > 0; open = open.filter(({ left }) => left.length > 0)) {
          const source = open[(turns.next().value as number) % open.length]; // an endless stream
          const second = source?.left.shift();
          if (source && second !== undefined) merger.push(source.name, line(second, source.name), 0);
          if (source?.left.length === 0) merger.end(source.name);
          for (const each of open) if (each.left.length === 0) merger.end(each.name);
          told.push(...merger.take(0).lines);
        }
        told.push(...merger.take(0).lines);
        assert.deepEqual(
          told.map(({ text }) => Number(text)),
          all.flat().toSorted((a, b) => a - b),
        );
      },
    ),
  );
});
