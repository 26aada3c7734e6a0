import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LoggedExchange } from "../ports.ts";
import { accessLine } from "./access-line.ts";

const backend = { node: "nas", instance: "app-1", host: "10.0.0.2", port: 80 };
const route = { name: "app", host: "app", path: "/", backends: [backend], holdMs: 0, forwardedHeaders: "standard" } as const;
const base: LoggedExchange = {
  route,
  backend,
  reason: undefined,
  status: 200,
  firstByteMs: 3.09,
  whole: true,
  asked: { method: "GET", host: "app.home.internal", target: "/web/index.html?api_key=secret#x", client: "::ffff:192.168.1.9" },
  bytesIn: 100,
  bytesOut: 2000,
  tookMs: 12.34,
};
const lineOf = (over: Partial<LoggedExchange> = {}): Record<string, unknown> =>
  JSON.parse(accessLine({ ...base, ...over }, Date.parse("2026-01-01T00:00:01.000Z"))) as Record<string, unknown>;

test("a request is one line with who, what, how it ended and who answered", () => {
  assert.deepEqual(lineOf(), {
    time: "2026-01-01T00:00:00.987Z",
    client: "192.168.1.9",
    host: "app.home.internal",
    method: "GET",
    path: "/web/index.html",
    status: 200,
    bytesIn: 100,
    bytesOut: 2000,
    ms: 12.3,
    firstByteMs: 3.1,
    route: "app",
    backend: "app-1",
    node: "nas",
  });
});

test("what we answered ourselves says why, what ended early says so, and what is no container has its address", () => {
  const { route: name, backend: who, reason } = lineOf({ route: undefined, backend: undefined, reason: "unknownHost", status: 404 });
  assert.deepEqual([name, who, reason], [undefined, undefined, "unknownHost"]);
  assert.equal(lineOf({ whole: false })["cutOff"], true);
  assert.equal(lineOf({ backend: { ...backend, instance: "" } })["backend"], "10.0.0.2:80");
});

test("the query, the fragment and a password in the target never get into a line", () => {
  for (const target of ["/a?k=secret", "http://me:secret@app/a?k=secret", "/a#secret", "*?secret", "http://me:secret@app"])
    assert.doesNotMatch(accessLine({ ...base, asked: { ...base.asked, target } }, 0), /secret/, target);
});

test("whatever a client sends, it stays one line of JSON with a bounded length", () => {
  const asked = fc.record({
    method: fc.string(),
    host: fc.string({ unit: "binary" }),
    target: fc.string({ unit: "binary", maxLength: 9000 }),
    client: fc.string(),
  });
  fc.assert(
    fc.property(asked, (given) => {
      const line = accessLine({ ...base, asked: given }, 0);
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.equal(typeof JSON.parse(line), "object");
    }),
  );
  assert.ok(accessLine({ ...base, asked: { ...base.asked, target: `/${"x".repeat(30_000)}` } }, 0).length < 3000);
});
