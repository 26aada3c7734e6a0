// A name server that gives its socket up while it still waits for what others answer.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { dnsListener } from "../../src/adapters/dns/server.ts";
import { Listener } from "../../src/adapters/sockets/listener.ts";
import { question } from "../support/name-server.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

test("while it drains it takes no question, and an answer that comes after its end is nobody's", async (t) => {
  const waiting: (() => void)[] = [];
  const dns = dnsListener({
    reply: () => ({ kind: "forward", upstreams: [] }),
    placeOf: () => 0,
    epoch: () => undefined,
    counted: () => undefined,
    forwarder: { ask: () => new Promise((done) => waiting.push(() => done(undefined))) },
    log: silentLog,
  });
  const listener = new Listener({ protocol: "dns", address: "127.0.0.1", ports: [0] }, dns, silentLog);
  await listener.open();
  const { port } = listener.status;
  const asker = dgram.createSocket("udp4");
  t.after(() => asker.close());
  const ask = (id: number): Promise<unknown> => new Promise((done) => asker.send(question("example.com", {}, id), port, "127.0.0.1", done));
  await ask(1);
  await until("it asks others", () => waiting.length === 1);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isOver = false;
  void listener.drain().then(() => (isOver = true));
  for (let id = 2; !isOver; id++) {
    if (id < 20) await ask(id);
    t.mock.timers.tick(500);
    await turn();
  }
  assert.equal(waiting.length, 1);
  // A promise that fails with nobody to hear it would fail the test.
  for (const answer of waiting) answer();
  for (let turns = 0; turns < 3; turns++) await turn();
});
