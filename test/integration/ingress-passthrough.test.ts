// TLS that the house does not end: a connection goes to the app that has the name in it, with every byte that the client sent.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { createAuthority } from "../../src/adapters/x509/certificates.ts";
import type { StreamRoute, Table } from "../../src/api/table.ts";
import { freePort, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { testLeaf } from "../support/leaf.ts";
import { readProxyHeader } from "../support/proxy-protocol.ts";
import { startTcpApp, talk, type TcpApp } from "../support/streams.ts";
import { until } from "../support/until.ts";

interface TlsApp extends AsyncDisposable {
  readonly port: number;
}

describe("an ingress that passes TLS through", () => {
  let ingress: TestIngress;
  let port = 0;
  let ca = "";
  let startTlsApp: (name: string) => Promise<TlsApp>;
  before(async () => {
    [ingress, port] = await Promise.all([startIngress(), freePort()]);
    const authority = await createAuthority("test", Date.now());
    ca = authority.certificate;
    startTlsApp = async (name) => {
      const leaf = await testLeaf(authority, [name]);
      const server = tls.createServer({ key: leaf.key, cert: leaf.certificate }, (socket) => {
        socket.on("error", () => socket.destroy());
        socket.end(`this is ${name}`);
      });
      server.on("tlsClientError", () => undefined);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const [address] = [server.address() as net.AddressInfo];
      return { port: address.port, [Symbol.asyncDispose]: async () => void server.close() };
    };
  });
  after(() => ingress.stop());

  const route = (name: string, host: string, to: number, more: Partial<StreamRoute> = {}): StreamRoute => {
    const backends = [{ node: "attic", instance: name, host: "127.0.0.1", port: to }];
    return { name, protocol: "tcp", port, host, backends, idleTimeoutMs: 60_000, ...more };
  };
  const serve = (...streams: readonly StreamRoute[]): Promise<void> => {
    const table: Table = { ...tableOf([]), streams };
    return ingress.client.putTable(table, soon());
  };
  const ask = async (servername: string, options: tls.ConnectionOptions = {}): Promise<string> => {
    const socket = tls.connect({ host: "127.0.0.1", port, servername, ca, ...options });
    let text = "";
    socket.on("data", (chunk) => (text += String(chunk)));
    await once(socket, "close");
    return text;
  };

  test("each name leads to its own app, whose certificate the client sees", async () => {
    await using films = await startTlsApp("films.home.internal");
    await using shop = await startTlsApp("shop.example.org");
    await serve(route("films", "films", films.port), route("shop", "shop.example.org", shop.port));
    for (const name of ["films.home.internal", "shop.example.org"]) {
      assert.equal(await ask(name), `this is ${name}`);
      assert.equal(await ask(name.toUpperCase(), { maxVersion: "TLSv1.2" }), `this is ${name}`);
    }
  });

  test("a name that nobody has is told so in TLS, and what is no TLS is broken off", async () => {
    await using films = await startTlsApp("films.home.internal");
    await serve(route("films", "films", films.port));
    await assert.rejects(ask("other.home.internal"), /unrecognized.name/i);
    await assert.rejects(talk(port, Buffer.from("GET / HTTP/1.1\r\nHost: films\r\n\r\n")), /ECONNRESET/);
    await assert.rejects(ask("", { checkServerIdentity: () => undefined }), /ECONNRESET|disconnected|socket hang up/);
  });

  test("a ClientHello that comes byte by byte, with what follows, arrives whole behind the client's address", async () => {
    const heard: Buffer[] = [];
    await using app: TcpApp = await startTcpApp((socket) =>
      socket.on("data", (chunk: Buffer) => heard.push(chunk)).on("end", () => socket.end()),
    );
    await serve(route("films", "films", app.port, { proxyProtocol: "v2" }));
    const hello = await helloOf("films.home.internal");
    const client = net.connect({ port, host: "127.0.0.1", noDelay: true });
    await once(client, "connect");
    const { localPort = 0 } = client;
    client.resume();
    const pieces = [hello.subarray(0, 1), hello.subarray(1, 7), hello.subarray(7, 60), hello.subarray(60)];
    for (const piece of pieces) {
      await new Promise<void>((done) => client.write(piece, () => done()));
      await new Promise((done) => setImmediate(done));
    }
    client.end("and more");
    await once(client, "close");
    const told = readProxyHeader(Buffer.concat(heard));
    assert.deepEqual([told.version, told.from, told.to?.port], [2, { address: "127.0.0.1", port: localPort }, port]);
    assert.ok(told.rest.equals(Buffer.concat([hello, Buffer.from("and more")])));
  });

  test("a client that goes before it said a name leaves nothing behind", async () => {
    await serve(route("films", "films", await freePort()));
    const client = net.connect({ port, host: "127.0.0.1" });
    await once(client, "connect");
    client.write(Buffer.of(22, 3, 1));
    client.resetAndDestroy();
    const ended = net.connect({ port, host: "127.0.0.1" });
    ended.on("error", () => undefined);
    ended.end(Buffer.of(22, 3, 1));
    await until("nobody is left", async () => /fossora_tcp_connections 0/.test(await ingress.metrics()));
  });
});

/** What Node's own TLS client says first. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = tls.connect({ host: "127.0.0.1", port: (server.address() as net.AddressInfo).port, servername });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [net.Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  client.destroy();
  server.close();
  return hello;
}
