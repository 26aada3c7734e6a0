import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import type { MeshAddress } from "../adapters/mesh/server.ts";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import { MeshPort } from "./mesh-port.ts";

const gossip = { open: async (port: number) => port, close: async () => {} };

/** A server that may not listen yet. */
function serverOf(errors: (string | undefined)[]) {
  const server = {
    listening: 0,
    closed: false,
    listen: async (at: MeshAddress): Promise<number> => {
      const port = "port" in at ? at.port : 0;
      const code = errors.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      server.listening = port;
      return port;
    },
    close: async (): Promise<void> => {
      server.closed = true;
    },
  };
  return server;
}

test("a port that is busy is named with whoever holds it, and taken once it is free", async (t) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  t.after(() => holder.close());
  const { port } = holder.address() as AddressInfo; // TCP
  const clock = new VirtualClock();
  const server = serverOf(["EADDRINUSE", undefined]);
  const meshPort = new MeshPort({ server, gossip, port, clock, log: silentLog });
  const ending = new AbortController();
  const running = meshPort.run(ending.signal);
  const problem = await until("it says why", () => meshPort.problem);
  assert.match(problem.why, new RegExp(`^port ${port} is held by .+`));
  assert.match(problem.next, /free the port/);
  await clock.advance(10_000);
  assert.deepEqual([meshPort.problem, server.listening], [undefined, port]);
  ending.abort();
  await running;
  assert.equal(server.closed, true);
});

test("whoever may not have the port is told of another one", async () => {
  const meshPort = new MeshPort({ server: serverOf(["EACCES"]), gossip, port: 733, clock: new VirtualClock(), log: silentLog });
  const ending = new AbortController();
  const running = meshPort.run(ending.signal);
  const { why, next } = await until("it says why", () => meshPort.problem);
  assert.deepEqual([why, next], ["port 733 is for root alone", "sudo fossora up, or: fossora up --mesh-port 7330"]);
  ending.abort();
  await running;
});
