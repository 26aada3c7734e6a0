import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLine } from "../api/wire.ts";
import { OncePerLine } from "./once-per-line.ts";

const line = (time: string, over: Partial<LogLine> = {}): LogLine => ({
  instance: "app-k3f9",
  container: "app",
  node: "nuc",
  stream: "stdout",
  time: `2026-01-01T00:00:${time}Z`,
  text: "",
  ...over,
});

test("lines of one moment are all told, and after its node was asked again none of them a second time", () => {
  const told = new OncePerLine();
  assert.equal(told.again("nuc"), undefined);
  assert.deepEqual(
    [line("01"), line("02.5"), line("02.5")].map((each) => told.isNew(each)),
    [true, true, true],
  );
  assert.equal(told.again("nuc"), Date.parse("2026-01-01T00:00:02Z") / 1000);
  assert.deepEqual(
    [line("02.4"), line("02.500"), line("02.51")].map((each) => told.isNew(each)),
    [false, false, true],
  );
});

test("another container or another node has a time of its own", () => {
  const told = new OncePerLine();
  told.isNew(line("05"));
  told.again("nuc");
  assert.ok(told.isNew(line("01", { container: "db" })));
  assert.ok(told.isNew(line("01", { node: "nas" })));
});
