import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDelayMs, parseSignal } from "./signals.ts";

const said = (member: string, data: unknown): string =>
  `{"type":"signal","endian":"l","flags":1,"version":1,"sender":":1.4","path":"/org/freedesktop/login1","interface":"org.freedesktop.login1.Manager","member":"${member}","payload":{"type":"b","data":[${JSON.stringify(data)}]}}`;

test("parseSignal() hears that the machine is about to shut down or to sleep, and that it woke", () => {
  assert.deepEqual(parseSignal(said("PrepareForShutdown", true)), { what: "shutdown", begins: true });
  assert.deepEqual(parseSignal(said("PrepareForSleep", true)), { what: "sleep", begins: true });
  assert.deepEqual(parseSignal(said("PrepareForSleep", false)), { what: "sleep", begins: false });
});

test("parseSignal() passes over all else", () => {
  for (const line of [
    said("SessionNew", "c1"),
    said("PrepareForSleep", "yes"),
    "",
    "{",
    "null",
    '"text"',
    "Monitoring bus message stream.",
  ])
    assert.equal(parseSignal(line), undefined, line);
});

test("parseDelayMs() reads how long logind waits", () => {
  assert.equal(parseDelayMs('{"type":"t","data":5000000}\n'), 5_000);
  for (const text of ["", "{}", '{"data":"5"}', '{"data":0}']) assert.equal(parseDelayMs(text), undefined, text);
});
