// Raw TCP through a real ingress process: both ways, each end of its own, and what happens when somebody goes away.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import type { IngressStatus, StreamRoute } from "../../src/api/table.ts";
import { freePort, soon, startIngress, type TestIngress } from "../support/ingress.ts";
import { ownLanAddress, startTcpApp, streamTable, talk, tcpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

describe("an ingress with raw TCP ports", () => {
  let ingress: TestIngress;
  let port = 0;
  before(async () => {
    [ingress, port] = await Promise.all([startIngress(), freePort()]);
  });
  after(() => ingress.stop());

  const serve = (backends: readonly number[], more: Partial<StreamRoute> = {}): Promise<void> =>
    ingress.client.putTable(streamTable("tcp", port, backends, more), soon());
  const metric = async (name: string): Promise<number> => Number(new RegExp(`${name} (\\d+)`).exec(await ingress.metrics())?.[1]);
  const nobodyLeft = () => until("no connection is open", async () => (await metric("fossora_tcp_connections")) === 0);

  test("carries bytes both ways, with an end of its own for each", async () => {
    // Answers only when it has heard everything: who closes both ways at the first end gets nothing.
    await using app = await startTcpApp((socket) => {
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => socket.end(Buffer.concat(chunks)));
    });
    await serve([app.port]);
    const sent = Buffer.alloc(5_000_000, "fossora ");
    assert.ok((await talk(port, sent)).equals(sent));
    await nobodyLeft();
  });

  test("reads no faster than the other side", async () => {
    await using app = await startTcpApp((socket) => socket.pause());
    await serve([app.port]);
    const client = await tcpClient(port);
    const chunk = Buffer.alloc(1_000_000);
    let accepted = 0;
    let accepting = true;
    while (accepting && accepted < 100) {
      accepting = await Promise.race([
        new Promise<true>((done) => client.write(chunk, () => done(true))),
        new Promise<false>((done) => setTimeout(() => done(false), 1000)),
      ]);
      if (accepting) accepted += 1;
    }
    assert.equal(accepting, false, "it took 100 MB that nobody read");
    client.destroy();
    app.reset(); // what is unread is in its way to see that the client has gone
    await nobodyLeft();
  });

  test("each of several ports leads to its own backend", async () => {
    const say = (text: string) => startTcpApp((socket) => socket.end(text));
    await using one = await say("one");
    await using two = await say("two");
    const ports = await Promise.all([freePort(), freePort()]);
    const [first] = streamTable("tcp", ports[0], [one.port]).streams;
    const [second] = streamTable("tcp", ports[1], [two.port]).streams;
    assert.ok(first && second);
    await ingress.client.putTable({ ...streamTable("tcp", port, []), streams: [first, second] }, soon());
    const heard = await Promise.all(ports.map((each) => talk(each, Buffer.from("x"))));
    assert.deepEqual(heard.map(String), ["one", "two"]);
  });

  test("goes on to the next backend when one refuses", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve([await freePort(), app.port]);
    for (let round = 0; round < 3; round += 1) assert.equal(String(await talk(port, Buffer.from("hello"))), "hello");
  });

  test("holds a client until the app is there, and not for ever", async () => {
    const later = await freePort();
    await serve([]);
    const waiting = talk(port, Buffer.from("early"));
    await until("it is held", async () => (await metric("fossora_tcp_connections")) === 1);
    await using app = await startTcpApp((socket) => socket.pipe(socket), later);
    await serve([app.port]);
    assert.equal(String(await waiting), "early");
    await serve([]);
    await assert.rejects(talk(port, Buffer.from("x")), /ECONNRESET/);
  });

  test("holds a thousand connections, and keeps nothing of them", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve([app.port]);
    const round = async (): Promise<number> => {
      const clients = await Promise.all(Array.from({ length: 1000 }, () => tcpClient(port)));
      await Promise.all(
        clients.map(async (client, index) => {
          client.write(`hello ${index}`);
          assert.equal(String((await once(client, "data"))[0]), `hello ${index}`);
        }),
      );
      assert.equal(await metric("fossora_tcp_connections"), 1000);
      // Half of them say goodbye, the others break off.
      for (const [index, client] of clients.entries()) {
        if (index % 2 === 0) client.end();
        else client.resetAndDestroy();
      }
      await nobodyLeft();
      await until("the app has lost them too", () => app.connections === 0);
      return metric("fossora_ingress_resident_memory_bytes");
    };
    const descriptors = await openDescriptors(ingress);
    await round();
    const first = await round();
    for (let count = 0; count < 3; count += 1) await round();
    const grown = (await round()) - first;
    assert.ok(grown < 100_000_000, `${grown} bytes more after 4000 connections`);
    await until("its descriptors are closed", async () => (await openDescriptors(ingress)) <= descriptors);
  });

  test("breaks the client off when the app dies, and the app off when the client does", async () => {
    await using app = await startTcpApp((socket) => socket.write("hello"));
    await serve([app.port]);
    const client = await tcpClient(port);
    await once(client, "data");
    const gone = once(client, "error");
    app.reset();
    assert.equal(((await gone)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
    const other = await tcpClient(port);
    await once(other, "data");
    other.resetAndDestroy();
    await until("the app has lost it too", () => app.connections === 0);
    await nobodyLeft();
  });

  test("closes what says nothing for the idle limit, and nothing else", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve([app.port], { idleTimeoutMs: 600 });
    const [silent, busy] = await Promise.all([tcpClient(port), tcpClient(port)]);
    const speak = setInterval(() => busy.write("x"), 50);
    busy.resume();
    await once(silent.resume(), "close");
    assert.equal(busy.destroyed, false);
    clearInterval(speak);
    await once(busy, "close");
  });

  test("tells the app who asks, before the first byte", async () => {
    const heard: string[] = [];
    await using app = await startTcpApp((socket) =>
      socket.on("data", (chunk) => heard.push(chunk.toString("latin1"))).on("end", () => socket.end()),
    );
    await serve([app.port], { proxyProtocol: "v1" });
    const client = await tcpClient(port);
    const { localPort } = client;
    client.resume().end("HELO");
    await once(client, "close");
    assert.equal(heard.join(""), `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${port}\r\nHELO`);
  });

  test("lets in whom the route allows, and leaves the others without a word", async (t) => {
    const outside = ownLanAddress();
    if (outside === undefined) return t.skip("this computer has no address but loopback");
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve([app.port], { allow: ["198.51.100.0/24"] });
    await assert.rejects(talk(port, Buffer.from("x"), outside), /ECONNRESET|EPIPE/);
    assert.equal(app.served, 0);
    await serve([app.port], { allow: [`${outside}/32`] });
    assert.equal(String(await talk(port, Buffer.from("x"), outside)), "x");
    return undefined;
  });

  test("a port for apps only is on the bridge's gateway and nowhere else", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    const containers = { gateway: "127.0.0.9", subnets: ["127.0.0.8/29"], upstreams: [] };
    await serve([app.port], { allow: ["apps"] });
    assert.equal(listener(await ingress.client.status(soon()), port), undefined);
    await ingress.client.putSettings({ ...ingress.settings, containers }, soon());
    assert.equal(listener(await ingress.client.status(soon()), port)?.address, "127.0.0.9");
    assert.equal(String(await talk(port, Buffer.from("x"), "127.0.0.9")), "x");
    await assert.rejects(talk(port, Buffer.from("x")), /ECONNREFUSED/);
    await ingress.client.putSettings(ingress.settings, soon());
  });

  test("says who holds a busy port, takes no other, and takes it when it is free", async () => {
    const holder = net.createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const busy = (holder.address() as net.AddressInfo).port;
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await ingress.client.putTable(streamTable("tcp", busy, [app.port]), soon());
    const seen = listener(await ingress.client.status(soon()), busy);
    assert.match(seen?.problem ?? "", new RegExp(`^port ${busy} is held by .+ \\(pid ${process.pid}\\)$`));
    holder.close();
    await until("the port is taken", async () => listener(await ingress.client.status(soon()), busy)?.problem === undefined);
    assert.equal(String(await talk(busy, Buffer.from("x"))), "x");
  });

  test("a removed route takes nobody in, and lets who is there go on", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve([app.port]);
    const client = await tcpClient(port);
    await ingress.client.putTable(streamTable("tcp", await freePort(), []), soon());
    await assert.rejects(talk(port, Buffer.from("x")), /ECONNREFUSED/);
    client.write("still here");
    assert.equal(String((await once(client, "data"))[0]), "still here");
    client.destroy();
  });

  test("hands over under traffic without losing a connection", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve([app.port]);
    const kept = await tcpClient(port);
    kept.write("before");
    await once(kept, "data");
    const failures: unknown[] = [];
    let running = true;
    let talks = 0;
    const traffic = Array.from({ length: 8 }, async () => {
      while (running) {
        const answer = await talk(port, Buffer.from("hello")).catch((error: unknown) => failures.push(error));
        if (String(answer) !== "hello") failures.push(answer);
        talks += 1;
      }
    });
    for (let round = 0; round < 3; round += 1) {
      const before = talks;
      await ingress.client.handover(ingress.program, soon());
      await until("more was said", () => talks > before + 100);
    }
    running = false;
    await Promise.all(traffic);
    assert.deepEqual(failures, []);
    kept.write("after");
    assert.equal(String((await once(kept, "data"))[0]), "after");
    kept.destroy();
  });
});

function listener({ listeners }: IngressStatus, port: number): IngressStatus["listeners"][number] | undefined {
  return listeners.find((each) => each.protocol === "tcp" && each.port === port);
}

async function openDescriptors(ingress: TestIngress): Promise<number> {
  return (await readdir(`/proc/${ingress.child.pid}/fd`)).length;
}
