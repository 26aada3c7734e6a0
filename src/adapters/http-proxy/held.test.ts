import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import type { HttpRoute } from "../../api/table.ts";
import type { Decision } from "./front.ts";
import { Held } from "./held.ts";

const route = (...ports: readonly number[]): HttpRoute => ({
  name: "app",
  host: "app",
  path: "/",
  backends: ports.map((port) => ({ node: "attic", instance: "a", host: "10.0.0.2", port })),
  holdMs: 1000,
  forwardedHeaders: "standard",
});
const page = { status: 503, html: "", policy: "" };
const leads = (...ports: readonly number[]): Decision => ({ kind: "forward", route: route(...ports) });
const waits: Decision = { kind: "wait", route: route(), page };
const response = (): http.ServerResponse => new http.ServerResponse(new http.IncomingMessage(new net.Socket()));

test("who waits is woken by a table with news of its app, and by no other", async () => {
  for (const [before, same, news] of [
    [leads(80), leads(80), leads(81)],
    [leads(80), leads(80), leads(80, 81)],
    [leads(80), leads(80), waits],
    [waits, waits, leads(80)],
  ] as const) {
    const held = new Held();
    let now: Decision = same;
    const waiting = held.wait(response(), 60_000, before, () => now);
    held.changed();
    assert.equal(held.size, 1);
    now = news;
    held.changed();
    await waiting;
    assert.equal(held.size, 0);
  }
});

test("who waits is let go when its time is over, and when its client goes away", async () => {
  const held = new Held();
  await held.wait(response(), 1, waits, () => waits);
  const client = response();
  const waiting = held.wait(client, 60_000, waits, () => waits);
  client.emit("close");
  await waiting;
  client.destroy();
  await held.wait(client, 60_000, waits, () => waits);
  assert.equal(held.size, 0);
});
