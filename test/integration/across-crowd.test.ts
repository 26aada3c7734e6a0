// Many ask at once for an app on another node that is slow to let them in, as a busy computer is: two real ingress processes, and between them
// one handshake after the other.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { at, startHouse, type AcrossNode } from "../support/across.ts";
import { get, startApp, tableOf } from "../support/ingress.ts";

/** What a busy computer needs for one: those of the whole crowd take longer than the three seconds that anybody waits for a connection. */
const HANDSHAKE_MS = 60;
const CROWD = 80;
/** Each of these may be said only once, and has a connection of its own. */
const POST_EVERY = 20;

function passOn(socket: net.Socket, { meshPort, address }: AcrossNode): void {
  const beyond = net.connect(meshPort, address);
  beyond.on("error", () => socket.destroy());
  socket.on("error", () => beyond.destroy());
  socket.pipe(beyond).pipe(socket);
}

test("a crowd is led to another node over few connections, and nobody is told no", async (t) => {
  const house = await startHouse(["near", "far"]);
  t.after(() => house.stop());
  const [near, far] = house.nodes as [AcrossNode, AcrossNode];
  const app = await startApp((request, response) => request.resume().on("end", () => response.end("hello\n")));
  t.after(() => app.stop());
  let opened = 0;
  app.server.on("connection", () => (opened += 1));
  let entered: Promise<unknown> = Promise.resolve();
  const slow = net.createServer((socket) => {
    entered = entered.then(() => sleep(HANDSHAKE_MS)).then(() => passOn(socket, far));
  });
  await once(slow.listen(0, far.address), "listening");
  t.after(() => slow.close());
  const { port: meshPort } = slow.address() as net.AddressInfo; // a TCP server has no other kind
  const { http } = tableOf([], { backends: [at(far, app.port)], holdMs: 0 });
  await far.serve({ http });
  await near.serve({ http, nodes: { far: { id: far.nodeId, lan: [far.address], tailnet: [], meshPort } } });
  const crowd = Array.from({ length: CROWD }, (_, index) =>
    get(near.httpPort, index % POST_EVERY === 0 ? { method: "POST", body: "x" } : {}),
  );
  const answers = await Promise.all(crowd);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.ok(opened < CROWD / 2, `${opened} connections for ${CROWD} requests`);
});
