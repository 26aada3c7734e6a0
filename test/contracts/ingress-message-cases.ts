// What a proxy must do with the messages of HTTP/1, one case each: they hold for the ingress, and those marked break on http-proxy without
// its wrapper.
import assert from "node:assert/strict";
import type http from "node:http";
import { get } from "../support/ingress.ts";
import { disposableApp, rawApp, rawRequest, withLimit, type ProxyCase } from "../support/proxy.ts";

export const messageCases: readonly ProxyCase[] = [
  {
    name: "a status that cannot be written becomes 502, by a proxy that lives on",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await rawApp("HTTP/1.1 099 Strange\r\nContent-Length: 1000\r\n\r\nhalf");
      const port = await proxyTo(app.port);
      for (let round = 0; round < 2; round += 1) assert.equal((await withLimit(get(port))).status, 502);
    },
  },
  {
    name: "a chunked DELETE is one request, with its body",
    bare: "breaks",
    run: async (proxyTo) => {
      const seen: string[] = [];
      await using app = await disposableApp((request, response) => {
        let body = "";
        request.on("data", (chunk) => (body += String(chunk)));
        request.on("end", () => {
          seen.push(`${request.method} ${request.url} ${body.length}`);
          response.end("done");
        });
      });
      const body = "GET /smuggled HTTP/1.1\r\nHost: hello\r\n\r\n";
      const port = await proxyTo(app.port);
      const answer = await rawRequest(
        port,
        `DELETE /x HTTP/1.1\r\nHost: hello\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 200/);
      assert.deepEqual(seen, [`DELETE /x ${body.length}`]);
    },
  },
  {
    name: "what is meant for one connection only is not passed on",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp((request, response) => response.end(JSON.stringify(request.headers)));
      const headers = {
        Connection: "close, X-Private",
        "X-Private": "1",
        "Keep-Alive": "timeout=1",
        "Proxy-Authorization": "Basic x",
        TE: "trailers",
        "X-Public": "2",
      };
      const got = JSON.parse(
        (await get(await proxyTo(app.port), { headers: { Host: "hello", ...headers } })).body,
      ) as http.IncomingHttpHeaders;
      assert.deepEqual(
        [got["x-private"], got["keep-alive"], got["proxy-authorization"], got["te"], got["x-public"]],
        [undefined, undefined, undefined, undefined, "2"],
      );
      assert.equal(got.connection, "keep-alive", "a client's close would close the upstream connection too");
    },
  },
  {
    name: "only the proxy says where a request came from",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp((request, response) => response.end(JSON.stringify(request.headers)));
      const headers = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Proto": "https",
        X_Forwarded_For: "6.6.6.6",
        Forwarded: "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
      };
      const { body } = await get(await proxyTo(app.port), { headers: { Host: "hello", ...headers } });
      assert.ok(!body.includes("6.6.6.6") && !body.includes("evil"), body);
      assert.equal((JSON.parse(body) as http.IncomingHttpHeaders)["x-forwarded-for"], "127.0.0.1");
    },
  },
  {
    name: "Max-Forwards counts the proxy",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp((request, response) => response.end(request.headers["max-forwards"]));
      const port = await proxyTo(app.port);
      for (const [method, said, heard] of [
        ["OPTIONS", "5", "4"],
        ["OPTIONS", "99999999999999999999", "255"],
        ["GET", "5", "5"],
      ])
        assert.equal((await get(port, { method, headers: { "Max-Forwards": said ?? "" } })).body, heard);
    },
  },
  {
    name: "Expect is answered by the proxy and goes no further",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp((request, response) => {
        request.resume();
        response.end(request.headers.expect ?? "none");
      });
      const answer = await rawRequest(
        await proxyTo(app.port),
        "POST / HTTP/1.1\r\nHost: hello\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
      );
      assert.match(answer, /^HTTP\/1\.1 100 Continue[^]*200 OK[^]*none/);
    },
  },
  {
    name: "a request with two hosts is refused",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp();
      assert.match(
        await rawRequest(await proxyTo(app.port), "GET / HTTP/1.1\r\nHost: hello\r\nHost: other\r\nConnection: close\r\n\r\n"),
        /^HTTP\/1\.1 400/,
      );
    },
  },
  {
    name: "a transfer coding that the proxy would not undo is refused",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp();
      const answer = await rawRequest(
        await proxyTo(app.port),
        "POST / HTTP/1.1\r\nHost: hello\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
      );
      assert.match(answer, /^HTTP\/1\.1 501/);
    },
  },
  {
    name: "answers without a body, several cookies and an old client come through",
    bare: "holds",
    run: async (proxyTo) => {
      await using app = await disposableApp((request, response) => {
        if (request.url === "/304") return void response.writeHead(304, { ETag: "x" }).end();
        response.setHeader("Set-Cookie", ["a=1", "b=2"]);
        return void response.end("body");
      });
      const port = await proxyTo(app.port);
      assert.equal((await get(port, { path: "/304" })).status, 304);
      assert.deepEqual((await get(port)).headers["set-cookie"], ["a=1", "b=2"]);
      assert.equal((await get(port, { method: "HEAD" })).body, "");
      const old = await rawRequest(port, "GET / HTTP/1.0\r\nHost: hello\r\n\r\n");
      assert.match(old, /^HTTP\/1\.1 200/);
      assert.ok(old.endsWith("body") && !/transfer-encoding/i.test(old), old);
    },
  },
  {
    name: "what is no HTTP is refused, and the next request is served",
    bare: "holds",
    run: async (proxyTo) => {
      await using app = await disposableApp();
      const port = await proxyTo(app.port);
      assert.match(await rawRequest(port, "hello\r\n\r\n"), /^HTTP\/1\.1 400/);
      assert.match(await rawRequest(port, `GET / HTTP/1.1\r\nHost: hello\r\nX: ${"x".repeat(70_000)}\r\n\r\n`), /^HTTP\/1\.1 431/);
      assert.match(
        await rawRequest(port, "GET / HTTP/1.1\r\nHost: hello\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        /^HTTP\/1\.1 400/,
      );
      assert.equal((await get(port)).status, 200);
    },
  },
];
