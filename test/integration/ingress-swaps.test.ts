// Clients that come and go while the table changes fifty times a second and every app is well: not one request fails or is answered by an
// instance that the table did not name then, and nothing stays behind.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { after, before, test } from "node:test";
import { SeededRandom } from "../fakes/clock.ts";
import { AS_BUILT, get, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { upgradeRequest, webSocketApp, type DisposableApp } from "../support/proxy.ts";
import { until } from "../support/until.ts";

const clients = 50;
/** Counted, not timed: a loaded machine needs longer for as many. */
const swaps = 250;
const seed = 1;
const swapEveryMs = 20;
/** So long that the clients leave time for the tables. */
const pauseMaxMs = 200;
const growthMaxBytes = 60 * 1024 * 1024;
const hosts = ["one", "two", "three"] as const;
type Host = (typeof hosts)[number];

let ingress: TestIngress;
/** Two instances of each. */
let apps: Readonly<Record<Host, readonly DisposableApp[]>>;
/** Which of the two each host leads to, since the start. */
const led: Record<Host, number[]> = { one: [], two: [], three: [] };
/** The place there of the last table that the ingress has for certain. */
let certain = 0;

before(async () => {
  ingress = await startIngress(AS_BUILT);
  const start = async (host: Host): Promise<readonly [Host, readonly DisposableApp[]]> => [
    host,
    await Promise.all([0, 1].map((index) => instance(`${host} ${index}`))),
  ];
  apps = Object.fromEntries(await Promise.all(hosts.map(start))) as typeof apps; // one entry a host
});
after(async () => {
  await ingress.stop();
  for (const app of Object.values(apps).flat()) await app[Symbol.asyncDispose]();
});

function instance(name: string): Promise<DisposableApp> {
  const say = (socket: net.Socket): void => void socket.on("data", () => socket.write(name));
  return webSocketApp(say, (request, response) => {
    request.on("error", () => undefined);
    if (request.url === "/endless") return void response.write(name);
    return void request.resume().on("end", () => response.end(name));
  });
}

async function swap(dice: SeededRandom): Promise<void> {
  const next = hosts.map((host) => [host, dice.int(0, 1)] as const);
  const http = next.flatMap(([host, index]) => tableOf([apps[host][index]?.port ?? 0], { name: host, host, holdMs: 0 }).http);
  // From now on both may answer, until it is put.
  for (const [host, index] of next) led[host].push(index);
  await ingress.client.putTable({ ...tableOf([]), revision: led.one.length, http }, soon());
  certain = led.one.length - 1;
}

/** Fails unless it is one of those that the host led to from `since` on. */
function check(host: Host, since: number, answer: string): void {
  const right = new Set(led[host].slice(since).map((index) => `${host} ${index}`));
  assert.ok(right.has(answer), `${host} was answered by ${JSON.stringify(answer)} in place of ${[...right].join(", ")}`);
}

/** One client from its first connection to its last. */
async function visit(dice: SeededRandom): Promise<void> {
  const agent = new http.Agent({ keepAlive: true });
  for (let count = 1 + dice.int(0, 9); count > 0; count -= 1) {
    const host = dice.pick(hosts);
    const since = certain;
    const chance = dice.int(0, 99);
    if (chance < 80) check(host, since, (await get(ingress.httpPort, { agent, headers: { Host: host } })).body);
    else if (chance < 90)
      check(host, since, (await get(ingress.httpPort, { agent, method: "POST", body: "x".repeat(50_000), headers: { Host: host } })).body);
    else check(host, since, await heardBeforeLeaving(host, chance < 95));
    await new Promise((resolve) => setTimeout(resolve, dice.int(0, pauseMaxMs)));
  }
  agent.destroy();
}

/** Of an endless answer, or of a WebSocket: the first that it says. */
async function heardBeforeLeaving(host: Host, isStream: boolean): Promise<string> {
  const socket = net.connect(ingress.httpPort, "127.0.0.1");
  socket.write(
    isStream ? `GET /endless HTTP/1.1\r\nHost: ${host}\r\n\r\n` : `${upgradeRequest.replace("Host: hello", `Host: ${host}`)}say it`,
  );
  let heard = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => (heard += String(chunk)));
  const answer = await until("it says its name", () => /\r\n\r\n(?:[0-9a-f]+\r\n)?([a-z]+ \d)/.exec(heard)?.[1]);
  if (isStream) socket.resetAndDestroy();
  else socket.destroy();
  return answer;
}

test(`${clients} clients and ${swaps} tables, up to ${1000 / swapEveryMs} a second`, { timeout: 1_200_000 }, async () => {
  const { pid } = ingress.child;
  const dice = new SeededRandom(seed);
  await swap(dice);
  const descriptors = await openDescriptors(pid);
  let [visits, atHalf, done] = [0, 0, false];
  const client = async (): Promise<void> => {
    for (; !done; visits += 1) await visit(dice);
  };
  const swapping = async (): Promise<void> => {
    for (let count = 1; count <= swaps; count += 1) {
      await Promise.all([swap(dice), new Promise((resolve) => setTimeout(resolve, swapEveryMs))]);
      if (count === swaps / 2) atHalf = await rss();
    }
  };
  await Promise.all([swapping().finally(() => (done = true)), ...Array.from({ length: clients }, client)]);
  assert.ok(visits > clients, `${visits} visits`);
  assert.doesNotMatch(await ingress.log(), / error /);
  assert.equal((await ingress.client.status(soon())).pid, pid);
  const grew = (await rss()) - atHalf;
  assert.ok(grew < growthMaxBytes, `${grew} bytes more`);
  for (const app of Object.values(apps).flat()) {
    const open = async (): Promise<number> => new Promise((done) => app.server.getConnections((_error, count) => done(count)));
    // What is idle is kept for a while; nothing else is left at an app.
    await until("the apps are alone", async () => (await open()) <= clients);
  }
  await until("its descriptors are closed", async () => (await openDescriptors(pid)) <= descriptors, 120_000);
});

async function rss(): Promise<number> {
  return Number(/^fossora_ingress_resident_memory_bytes (\d+)/m.exec(await ingress.metrics())?.[1]);
}

async function openDescriptors(pid: number | undefined): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}
