// Raw UDP through a real ingress process: whose datagram is whose, from which address the answer comes, and how many may talk.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { after, before, beforeEach, describe, test } from "node:test";
import type { StreamRoute } from "../../src/api/table.ts";
import { freePort, sendFromPort0, soon, startIngress, type TestIngress } from "../support/ingress.ts";
import { ownLanAddress, startUdpApp, streamTable, udpClient, type UdpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

const SESSIONS_MAX = 1024;

describe("an ingress with raw UDP ports", () => {
  let ingress: TestIngress;
  let port = 0;
  before(async () => {
    [ingress, port] = await Promise.all([startIngress(), freePort()]);
  });
  after(() => ingress.stop());
  // No session of another test's.
  beforeEach(async () => {
    await ingress.client.putTable({ ...streamTable("udp", port, []), streams: [] }, soon());
    await fresh();
  });

  const serve = (backends: readonly number[], more: Partial<StreamRoute> = {}): Promise<void> =>
    ingress.client.putTable(streamTable("udp", port, backends, more), soon());
  const sessions = async (): Promise<number> => Number(/fossora_udp_sessions (\d+)/.exec(await ingress.metrics())?.[1]);
  const fresh = () => until("all sessions have ended", async () => (await sessions()) === 0);
  /** Asks until it is answered: the first datagram to a new backend may fall. */
  const answered = (client: UdpClient, text: string, address?: string) =>
    until(`'${text}' is answered`, () => {
      client.send(text, port, address);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.includes(text)), 20));
    });

  test("clients do not hear each other's answers, and each is one client to the app", async () => {
    await using app = await startUdpApp();
    await serve([app.port]);
    const clients = await Promise.all(Array.from({ length: 20 }, () => udpClient()));
    for (let round = 0; round < 10; round += 1) for (const [index, client] of clients.entries()) client.send(`${index}`, port);
    await until("all are answered", () => clients.every(({ heard }) => heard.length === 10));
    for (const [index, client] of clients.entries()) assert.deepEqual(new Set(client.heard), new Set([`${index}`]));
    assert.equal(app.clients.size, 20);
    assert.equal(await sessions(), 20);
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  });

  test("answers from the address that was asked", async (t) => {
    const lan = ownLanAddress();
    if (lan === undefined) return t.skip("this computer has no address but loopback");
    await using app = await startUdpApp();
    await serve([app.port]);
    for (const address of ["127.0.0.1", lan]) {
      await using client = await udpClient("0.0.0.0");
      await answered(client, "hello", address);
      assert.deepEqual([...client.from], [`${address}:${port}`]);
    }
    return undefined;
  });

  test("tells the app who asks, in every datagram", async () => {
    await using app = await startUdpApp((packet) => packet.toString("hex"));
    await serve([app.port], { proxyProtocol: "v2" });
    await using client = await udpClient();
    const hex = (number: number): string => number.toString(16).padStart(4, "0");
    const header = `0d0a0d0a000d0a515549540a2112000c7f0000017f000001${hex(client.port)}${hex(port)}`;
    for (const text of ["one", "two"]) client.send(text, port);
    await until("both are answered", () => client.heard.length === 2);
    assert.deepEqual(
      client.heard,
      ["one", "two"].map((text) => header + Buffer.from(text).toString("hex")),
    );
  });

  test("forgets a client that says nothing", async () => {
    await using app = await startUdpApp();
    await serve([app.port], { idleTimeoutMs: 100 });
    await using client = await udpClient();
    await answered(client, "hello");
    await fresh();
    await answered(client, "again");
  });

  test("goes on to another backend when one refuses, and when the table says so", async () => {
    const [gone, first, second] = [
      await freePort(),
      await startUdpApp((packet) => `1${String(packet)}`),
      await startUdpApp((packet) => `2${String(packet)}`),
    ];
    await serve([gone, first.port], { idleTimeoutMs: 60_000 });
    await using client = await udpClient();
    await until("the first answers", () => {
      client.send("x", port);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.includes("1x")), 20));
    });
    await serve([second.port]);
    await until("the second answers", () => {
      client.send("y", port);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.includes("2y")), 20));
    });
    assert.equal(client.heard.includes("1y"), false);
    await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
  });

  test("a client that goes on talking has what a new table says of the app's header and of the idle limit", async () => {
    await using app = await startUdpApp();
    await serve([app.port]);
    await using client = await udpClient();
    await answered(client, "plain");
    await serve([app.port, await freePort()]);
    await answered(client, "as before");
    assert.equal(app.clients.size, 1, "another backend is no reason to be somebody else to this one");
    await serve([app.port], { proxyProtocol: "v2" });
    const hasHeader = (text: string): boolean => text.startsWith("\r\n\r\n\0\r\nQUIT\n") && text.endsWith("headed");
    await until("the app is told who asks", () => {
      client.send("headed", port);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.some(hasHeader)), 20));
    });
    await serve([app.port], { proxyProtocol: "v2", idleTimeoutMs: 100 });
    client.send("last", port);
    await fresh();
  });

  test("lets in whom the route allows, and does not answer the others", async (t) => {
    const lan = ownLanAddress();
    if (lan === undefined) return t.skip("this computer has no address but loopback");
    await using app = await startUdpApp();
    await serve([app.port], { allow: ["198.51.100.0/24"] });
    await using stranger = await udpClient(lan);
    await using own = await udpClient();
    stranger.send("stranger", port, lan);
    await answered(own, "own");
    assert.equal(app.clients.size, 1);
    assert.deepEqual(stranger.heard, []);
    return undefined;
  });

  test("outlives a datagram that comes from port 0", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("needs root for a raw socket");
    await using app = await startUdpApp();
    await serve([app.port]);
    sendFromPort0(port, Buffer.from("x"));
    await using client = await udpClient();
    await answered(client, "hello");
    return undefined;
  });

  test("says who holds a busy port", async () => {
    const holder = dgram.createSocket("udp4").bind(0, "127.0.0.1");
    await once(holder, "listening");
    const busy = holder.address().port;
    await ingress.client.putTable(streamTable("udp", busy, [], { address: "127.0.0.1" }), soon());
    const { listeners } = await ingress.client.status(soon());
    const seen = listeners.find((each) => each.protocol === "udp" && each.port === busy);
    assert.match(seen?.problem ?? "", new RegExp(`^port ${busy} is held by .+ \\(pid ${process.pid}\\)$`));
    holder.close();
  });

  test("a route that is taken away and made again answers at once, and nobody is said to hold its port", async () => {
    await using app = await startUdpApp();
    await using client = await udpClient();
    for (const address of ["127.0.0.1", "127.0.0.1", undefined]) {
      await serve([app.port], address === undefined ? {} : { address });
      const { listeners } = await ingress.client.status(soon());
      const problems = listeners.flatMap(({ protocol, problem }) => (protocol === "udp" ? (problem ?? []) : []));
      assert.deepEqual(problems, []);
      await answered(client, `at ${address}`);
      await ingress.client.putTable({ ...streamTable("udp", port, []), streams: [] }, soon());
    }
  });

  test("talks with so many and no more, and those that talk go on", async () => {
    await using app = await startUdpApp();
    await serve([app.port], { address: "127.0.0.1" });
    const clients = await Promise.all(Array.from({ length: SESSIONS_MAX }, () => udpClient()));
    await until("all are answered", async () => {
      for (const client of clients.filter(({ heard }) => heard.length === 0)) client.send("hello", port);
      return new Promise<boolean>((done) => setTimeout(() => done(clients.every(({ heard }) => heard.length > 0)), 200));
    });
    assert.equal(await sessions(), SESSIONS_MAX);
    await using late = await udpClient();
    const [first = late] = clients;
    late.send("late", port);
    await answered(first, "still here");
    assert.equal(await sessions(), SESSIONS_MAX);
    assert.deepEqual(late.heard, []);
    await using other = await udpClient("127.0.0.2");
    await answered(other, "from elsewhere");
    assert.equal(await sessions(), SESSIONS_MAX);
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  });

  test("hands over under traffic without losing a datagram", async () => {
    await using app = await startUdpApp();
    await serve([app.port]);
    const clients = await Promise.all(Array.from({ length: 4 }, () => udpClient()));
    let sent = 0;
    const traffic = setInterval(() => {
      for (const client of clients) client.send(String(sent), port);
      sent += 1;
    }, 2);
    for (let round = 0; round < 3; round += 1) {
      const before = sent;
      await ingress.client.handover(ingress.program, soon());
      await until("more was sent", () => sent > before + 100);
    }
    clearInterval(traffic);
    await until("all are answered", () => clients.every(({ heard }) => heard.length >= sent)).catch(() => {});
    for (const client of clients) {
      const missing = Array.from({ length: sent }, (_, index) => String(index)).filter((each) => !client.heard.includes(each));
      assert.deepEqual(missing, []);
      assert.equal(client.heard.length, sent);
      await client[Symbol.asyncDispose]();
    }
  });
});
