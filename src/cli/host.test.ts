import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { fetchText, readText } from "./host.ts";

const INTERRUPTED = new Error("Interrupted");

test("what is typed or piped in is read to its end, or until Ctrl-C", async () => {
  const whole = new PassThrough();
  whole.write("a: ");
  whole.end("gr\u00fcn");
  assert.equal(await readText(whole, new AbortController().signal), "a: gr\u00fcn");
  const [open, interrupt] = [new PassThrough(), new AbortController()];
  open.write("a: ");
  const read = readText(open, interrupt.signal);
  interrupt.abort(INTERRUPTED);
  await assert.rejects(read, INTERRUPTED);
  assert.ok(open.destroyed, "it would keep the process");
});

test("what is fetched from a server that does not answer ends with Ctrl-C", async (t) => {
  const server = createServer(() => interrupt.abort(INTERRUPTED)).listen(0, "127.0.0.1");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, "listening");
  const interrupt = new AbortController();
  const { port } = server.address() as AddressInfo; // TCP
  await assert.rejects(fetchText(`http://127.0.0.1:${port}/app.yaml`, interrupt.signal), INTERRUPTED);
});
