import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { Backend } from "../../api/table.ts";
import { noWays } from "../../../test/support/no-ways.ts";
import type { Upstream } from "./upstream.ts";
import { Upstreams } from "./upstreams.ts";

const SWEEP_MS = 5000;
const IDLE_MS = 60_000;

test("a connection whose answer took longer than a sweep is asked again, and ends once nobody asked it for its time", async (t) => {
  const { begin, pass } = await underTest(t);
  const first = await begin();
  pass(SWEEP_MS);
  await first.finish();
  const second = await begin();
  assert.ok(second.upstream === first.upstream);
  pass(2 * IDLE_MS);
  await second.finish();
  pass(IDLE_MS - SWEEP_MS);
  assert.equal(second.upstream.socket.destroyed, false);
  pass(SWEEP_MS);
  assert.equal(second.upstream.socket.destroyed, true);
});

test("a connection to whom no table leads any more ends with its answer, however long that took", async (t) => {
  const { upstreams, begin, pass } = await underTest(t);
  const { upstream, finish } = await begin();
  pass(SWEEP_MS);
  upstreams.keep([]);
  assert.equal(upstream.socket.destroyed, false);
  await finish();
  assert.equal(upstream.socket.destroyed, true);
});

test("a connection through another node is asked no more once it is five minutes old, in use or not", async (t) => {
  const ways = { ...noWays, isElsewhere: () => true, connect: ({ host, port }: Backend) => connectedTo(host, port) };
  const { begin, pass } = await underTest(t, ways);
  const first = await begin();
  for (let minute = 0; minute < 4; minute += 1) {
    pass(IDLE_MS - 1);
    await (minute === 0 ? first : await begin()).finish();
  }
  const last = await begin();
  assert.ok(last.upstream === first.upstream);
  pass(2 * IDLE_MS);
  assert.equal(last.upstream.socket.destroyed, false);
  await last.finish();
  assert.equal(last.upstream.socket.destroyed, true);
  const next = await begin();
  pass(4.5 * IDLE_MS);
  await next.finish();
  pass(IDLE_MS / 2);
  assert.equal(next.upstream.socket.destroyed, true);
});

async function connectedTo(host: string, port: number): Promise<net.Socket> {
  const socket = net.connect(port, host);
  await once(socket, "connect");
  return socket;
}

const WANTED = { isOnce: false, isUpgrade: false, limitMs: 1000 };

/** An app that answers when it is told to, and a clock that goes on when it is told to. */
async function underTest(t: TestContext, ways = noWays) {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  t.mock.timers.enable({ apis: ["setInterval"] });
  const app = http.createServer({ keepAliveTimeout: 0 }).listen(0, "127.0.0.1");
  await once(app, "listening");
  t.after(() => {
    app.close();
    app.closeAllConnections();
  });
  const backend: Backend = { node: "attic", instance: "", host: "127.0.0.1", port: (app.address() as AddressInfo).port };
  const upstreams = new Upstreams(ways);

  /** Asked, and not answered yet. */
  const begin = async (): Promise<{ readonly upstream: Upstream; readonly finish: () => Promise<void> }> => {
    const upstream = await upstreams.take(backend, WANTED);
    const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
    const nothing = (): void => undefined;
    const asker = { connected: nothing, interim: nothing, upgraded: nothing, answered: nothing, body: () => true, drained: nothing };
    upstream.ask(
      { ...asker, ended: resolve, failed: reject },
      { method: "GET", head: "GET / HTTP/1.1\r\nhost: app\r\n\r\n", hasBody: false },
    );
    const [, response] = (await once(app, "request")) as [unknown, http.ServerResponse];
    const finish = (): Promise<void> => {
      response.end("hello");
      return answered;
    };
    return { upstream, finish };
  };
  const pass = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { upstreams, begin, pass };
}
