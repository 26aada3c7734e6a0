import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { tieSockets } from "./tie-sockets.ts";

test("who has a WebSocket may be silent for ten minutes; how the app's end is kept alive is its opener's business", () => {
  const [client, app] = [new net.Socket(), new net.Socket()];
  const told: unknown[][] = [];
  client.setKeepAlive = (...how: unknown[]) => {
    told.push(how);
    return client;
  };
  app.setKeepAlive = () => assert.fail("it was told already");
  tieSockets(client, app);
  const [[isOn, initialDelay, interval, count] = []] = told;
  assert.equal(isOn, true);
  assert.ok(Number(initialDelay) + Number(interval) * Number(count) >= 600_000);
});
