import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync } from "node:fs";
import { test } from "node:test";
import type { Log } from "../../ports.ts";
import { createLog, isJournal, type LogOptions } from "./log.ts";

function lines(options: Partial<LogOptions>, use: (log: Log) => void): readonly string[] {
  const written: string[] = [];
  use(createLog({ level: "info", format: "text", write: (line) => void written.push(line), ...options }));
  return written;
}

test("text is one line: level, message, fields; absent fields are left out", () => {
  const fields = { name: "jellyfin", image: "jelly fin", durationMs: 7, node: undefined };
  assert.deepEqual(
    lines({}, (log) => log.info("Image pulled", fields)),
    ['info  Image pulled name=jellyfin image="jelly fin" durationMs=7\n'],
  );
});

test("a journal is the one that the variable names, and not where that was only inherited", (t) => {
  const fd = openSync("/dev/null", "w");
  t.after(() => closeSync(fd));
  const { dev, ino } = fstatSync(fd);
  assert.equal(isJournal(fd, `${dev}:${ino}`), true);
  for (const other of [`${dev}:${ino + 1}`, `${dev + 1}:${ino}`, "", undefined]) assert.equal(isJournal(fd, other), false);
});

test("nobody writes a second line into the log", () => {
  const [line] = lines({}, (log) => log.warn("Check failed", { detail: "a\nerror fake line" }));
  assert.equal(line, 'warn  Check failed detail="a\\nerror fake line"\n');
});

test("lines below the level are not written", () => {
  const all = (log: Log): void => (["debug", "info", "warn", "error"] as const).forEach((level) => log[level](level));
  assert.equal(lines({ level: "debug" }, all).length, 4);
  assert.equal(lines({ level: "error" }, all).length, 1);
});

test("JSON has level, message and fields, errors with their causes", () => {
  const error = new Error("Cannot pull", { cause: new Error("no route") });
  const [line] = lines({ format: "json", time: () => "2026-01-01T00:00:00Z" }, (log) => log.error("Pull failed", { error, bytes: 5n }));
  assert.deepEqual(JSON.parse(line ?? ""), {
    time: "2026-01-01T00:00:00Z",
    level: "error",
    message: "Pull failed",
    error: "Cannot pull (no route)",
    bytes: "5",
  });
});
