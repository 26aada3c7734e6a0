import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { silentLog } from "../../../test/support/real.ts";
import type { StreamRoute } from "../../api/table.ts";
import type { StreamOptions } from "./stream-options.ts";
import { TcpStreams } from "./tcp-streams.ts";

test("a connection outlives ten minutes of silence on either side, whatever Node's own count is", async (t) => {
  const app = net.createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(app, "listening");
  const { port } = app.address() as net.AddressInfo; // a TCP server has no other kind of address
  const told: (readonly [isApp: boolean, ...unknown[]])[] = [];
  t.mock.method(net.Socket.prototype, "setKeepAlive", function (this: net.Socket, ...how: unknown[]) {
    told.push([this.remotePort === port, ...how]);
    return this;
  });
  const backend = { node: "", instance: "", host: "127.0.0.1", port };
  const route: StreamRoute = { name: "echo", protocol: "tcp", port: 1, backends: [backend], idleTimeoutMs: 0 };
  const streams = new TcpStreams({
    route: () => route,
    isAllowed: () => true,
    preface: () => undefined,
    plainAddress: (address) => address,
    node: () => "nas",
    health: { order: (backends) => backends, unreachable: () => {} },
    ways: { isElsewhere: () => false } as unknown as StreamOptions["ways"], // all that is asked of them
    traffic: { began: () => {}, tried: () => {}, moved: () => {}, ended: () => {} },
    readHello: () => ({ kind: "nameless" }),
    noSuchHost: Buffer.alloc(0),
    log: silentLog,
  });
  const listening = await streams.listen("127.0.0.1", { port: 0 });
  const client = net.connect(listening.port, "127.0.0.1");
  client.write("hello");
  assert.equal(String((await once(client, "data"))[0]), "hello");
  client.destroy();
  app.close();
  await listening.drain();
  assert.deepEqual(new Set(told.map(([isApp]) => isApp)), new Set([true, false]));
  for (const [, isOn, initialDelay, interval, count] of told) {
    assert.equal(isOn, true);
    assert.ok(Number(initialDelay) + Number(interval) * Number(count) >= 600_000);
  }
});
