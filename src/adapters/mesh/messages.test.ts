import assert from "node:assert/strict";
import { test } from "node:test";
import { readRequest, readResponse } from "./messages.ts";

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

test("a request has an id, a method, a limit, and whatever body", () => {
  const request = { id: 1, method: "request-admission", body: { a: [1] }, limitMs: 500 };
  assert.deepEqual(readRequest(bytes(request)), { ...request, stream: false });
  const wrong = [
    { id: 0 },
    { id: 1.5 },
    { id: "1" },
    { method: "" },
    { method: "a/b" },
    { method: "x".repeat(65) },
    { limitMs: -1 },
    { limitMs: null },
  ];
  for (const field of wrong) assert.throws(() => readRequest(bytes({ ...request, ...field })), JSON.stringify(field));
  for (const junk of [null, 7, [], "text"]) assert.throws(() => readRequest(bytes(junk)));
  assert.throws(() => readRequest(Buffer.from("{")));
});

test("an answer has a body or an error, whose words do a terminal no harm", () => {
  assert.deepEqual(readResponse(bytes({ id: 7, body: null })), { id: 7, body: null });
  assert.deepEqual(readResponse(bytes({ id: 7, error: { code: "Used", message: "red \u001b[31m\nline" } })), {
    id: 7,
    error: { code: "Used", message: "red ?[31m\nline" },
  });
  for (const junk of [{}, { id: 7, error: null }, { id: 7, error: "x" }, { id: 7, error: { code: 1, message: "" } }, null])
    assert.throws(() => readResponse(bytes(junk)), JSON.stringify(junk));
});
