// Who may come in: basicAuth, forwardAuth and sticky over real sockets.
import assert from "node:assert/strict";
import { randomBytes, scryptSync } from "node:crypto";
import type http from "node:http";
import { after, before, describe, test } from "node:test";
import { HASH_BYTES, passwordHash, SALT_BYTES, SCRYPT } from "../../src/api/password.ts";
import type { HttpRoute, Table } from "../../src/api/table.ts";
import { freePort, get, soon, startApp, startIngress, tableOf, type TestApp, type TestIngress } from "../support/ingress.ts";
import { rawApp, rawRequest, upgradeRequest } from "../support/proxy.ts";

function hashOf(password: string): string {
  const salt = randomBytes(SALT_BYTES);
  return passwordHash(salt.toString("base64"), scryptSync(password, salt, HASH_BYTES, SCRYPT).toString("base64"));
}

const basic = (user: string, password: string) => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` });

describe("a route with a protection", () => {
  let ingress: TestIngress;
  let app: TestApp;
  let seen: http.IncomingMessage[] = [];
  before(async () => {
    const tellAndAnswer: http.RequestListener = (request, response) => {
      seen.push(request);
      response.end("inside\n");
    };
    [ingress, app] = await Promise.all([startIngress(), startApp(tellAndAnswer)]);
  });
  after(async () => {
    await ingress.stop();
    app.stop();
  });
  const use = async (more: Partial<HttpRoute>, others: Table["http"] = []): Promise<void> => {
    seen = [];
    const table = tableOf([app.port], more);
    await ingress.client.putTable({ ...table, http: [...table.http, ...others] }, soon());
  };

  describe("basicAuth", () => {
    before(() =>
      use({
        basicAuth: [
          { user: "anna", hash: hashOf("tür: auf") },
          { user: "ben", hash: hashOf("b") },
        ],
      }),
    );

    test("lets in who knows a name and its password, and does not tell the app", async () => {
      const { status, body } = await get(ingress.httpPort, { headers: basic("anna", "tür: auf") });
      assert.deepEqual([status, body], [200, "inside\n"]);
      assert.equal((await get(ingress.httpPort, { headers: basic("ben", "b") })).status, 200);
      assert.deepEqual(
        seen.map(({ headers }) => headers.authorization),
        [undefined, undefined],
      );
    });

    test("asks everybody else, and lets nothing through to the app", async () => {
      seen = [];
      const wrong = [
        {},
        basic("anna", "b"),
        basic("ben", ""),
        basic("carl", "b"),
        { Authorization: "Basic !" },
        { Authorization: "Bearer x" },
      ];
      for (const headers of wrong) {
        const answer = await get(ingress.httpPort, { headers });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers["www-authenticate"], 'Basic realm="hello", charset="UTF-8"');
      }
      assert.equal((await get(ingress.httpPort, { method: "POST", body: "x" })).status, 401);
      assert.match(await rawRequest(ingress.httpPort, upgradeRequest), /^HTTP\/1\.1 401 /);
      assert.equal(seen.length, 0);
    });

    test("a crowd of guessers is held off, and who is in stays in", async () => {
      const guesses = await Promise.all(
        Array.from({ length: 40 }, (_, index) => get(ingress.httpPort, { headers: basic("anna", `${index}`) })),
      );
      const statuses = new Set(guesses.map(({ status }) => status));
      assert.deepEqual(statuses, new Set([401, 503]));
      const [known] = await Promise.all([
        get(ingress.httpPort, { headers: basic("anna", "tür: auf") }),
        ...Array.from({ length: 20 }, (_, index) => get(ingress.httpPort, { headers: basic("anna", `x${index}`) })),
      ]);
      assert.equal(known?.status, 200);
    });

    test("covers the page of an app that waits", async () => {
      const waiting = { reason: "ImagePullFailed", message: "secret detail" };
      await use({ basicAuth: [{ user: "anna", hash: hashOf("a") }], backends: [], waiting, holdMs: 0 });
      const stranger = await get(ingress.httpPort);
      assert.equal(stranger.status, 401);
      assert.doesNotMatch(stranger.body, /secret detail/);
      assert.match((await get(ingress.httpPort, { headers: basic("anna", "a") })).body, /secret detail/);
    });
  });

  describe("forwardAuth", () => {
    let asked: http.IncomingMessage[] = [];
    let door: TestApp;
    before(async () => {
      door = await startApp((request, response) => {
        asked.push(request);
        if (request.headers.cookie === "session=1") return void response.writeHead(204, { "Remote-User": "anna" }).end();
        response
          .writeHead(302, { Location: "http://door.home.internal/", "Set-Cookie": "try=1", "Content-Type": "text/plain" })
          .end("sign in\n");
      });
    });
    after(() => door.stop());
    const toDoor = (): Partial<HttpRoute> => ({
      forwardAuth: { url: `http://127.0.0.1:${door.port}/check?a=b`, headers: ["Remote-User", "Remote-Groups"] },
    });

    test("lets in whom the other service lets in, with its headers in place of the client's", async () => {
      await use(toDoor());
      const forged = {
        Cookie: "session=1",
        "Remote-User": "root",
        Remote_User: "root",
        "Remote-Groups": "admins",
        "X-Forwarded-Method": "NONE",
      };
      const { status } = await get(ingress.httpPort, { headers: forged, method: "POST", path: "/a?b=c", body: "body" });
      assert.equal(status, 200);
      assert.deepEqual(
        [seen[0]?.headers["remote-user"], seen[0]?.headers["remote_user"], seen[0]?.headers["remote-groups"]],
        ["anna", undefined, undefined],
      );
      const { method, url, headers } = asked.at(-1) ?? {};
      assert.deepEqual([method, url, headers?.["content-length"]], ["GET", "/check?a=b", undefined]);
      assert.deepEqual(
        ["method", "proto", "host", "uri", "for"].map((name) => headers?.[`x-forwarded-${name}`]),
        ["POST", "http", "hello.home.internal", "/a?b=c", "127.0.0.1"],
      );
    });

    test("hands its refusal to the client, and nothing to the app", async () => {
      await use(toDoor());
      const { status, headers, body } = await get(ingress.httpPort);
      assert.deepEqual(
        [status, headers.location, headers["set-cookie"], body],
        [302, "http://door.home.internal/", ["try=1"], "sign in\n"],
      );
      assert.match(await rawRequest(ingress.httpPort, upgradeRequest), /^HTTP\/1\.1 302 /);
      assert.equal(seen.length, 0);
    });

    test("keeps the door closed while it does not answer", async () => {
      await use({ forwardAuth: { url: `http://127.0.0.1:${await freePort()}/`, headers: [] } });
      assert.equal((await get(ingress.httpPort, { headers: { Cookie: "session=1" } })).status, 502);
      assert.equal(seen.length, 0);
    });

    test("keeps the door closed after an answer that cannot be understood in one way, and hands none of it on", async () => {
      const broken = [
        "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 a\x1bb\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/2.0 401 No\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 No\r\nTransfer-Encoding: gzip\r\n\r\nno",
        "HTTP/1.1 101 Up\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 Yes\r\nContent-Length: 200\r\n\r\nno",
      ];
      for (const answer of broken) {
        await using other = await rawApp(Buffer.from(answer, "latin1"));
        await use({ forwardAuth: { url: `http://127.0.0.1:${other.port}/`, headers: [] } });
        const heard = await rawRequest(ingress.httpPort, "GET / HTTP/1.1\r\nHost: hello\r\nConnection: close\r\n\r\n");
        assert.match(heard, /^HTTP\/1\.1 502 Bad Gateway\r\n/, JSON.stringify(answer));
        assert.equal(seen.length, 0);
      }
      assert.doesNotMatch(await ingress.log(), / error /);
    });

    test("finds an app of the house by its name", async () => {
      asked = [];
      const backends = [{ node: "attic", instance: "door", host: "127.0.0.1", port: door.port }];
      const route: HttpRoute = { name: "door", host: "door", path: "/", backends, holdMs: 0, forwardedHeaders: "standard" };
      await use({ forwardAuth: { url: "http://door:9091/verify", headers: [] } }, [route]);
      assert.equal((await get(ingress.httpPort, { headers: { Cookie: "session=1" } })).status, 200);
      assert.deepEqual([asked[0]?.url, asked[0]?.headers.host], ["/verify", "door:9091"]);
    });

    test("asks another instance of that app while one cannot be reached", async () => {
      const dead = await freePort();
      const backends = [dead, door.port, dead].map((port, index) => ({
        node: "attic",
        instance: `door-${index}`,
        host: "127.0.0.1",
        port,
      }));
      const route: HttpRoute = { name: "door", host: "door", path: "/", backends, holdMs: 0, forwardedHeaders: "standard" };
      await use({ forwardAuth: { url: "http://door/verify", headers: [] } }, [route]);
      for (let round = 0; round < 4; round += 1)
        assert.equal((await get(ingress.httpPort, { headers: { Cookie: "session=1" } })).status, 200);
      assert.equal((await get(ingress.httpPort)).status, 302);
    });
  });

  test("sticky keeps a browser at its instance, beside the cookies of the app", async () => {
    const replicas = await Promise.all(
      ["a", "b", "c"].map((name) => startApp((_request, response) => void response.writeHead(200, { "Set-Cookie": "own=1" }).end(name))),
    );
    try {
      await ingress.client.putTable(
        tableOf(
          replicas.map(({ port }) => port),
          { sticky: true },
        ),
        soon(),
      );
      const first = await get(ingress.httpPort);
      const [own, ours] = first.headers["set-cookie"] ?? [];
      assert.equal(own, "own=1");
      const headers = { Cookie: ours?.split(";")[0] ?? "" };
      for (let round = 0; round < 6; round += 1) {
        const again = await get(ingress.httpPort, { headers });
        assert.deepEqual([again.body, again.headers["set-cookie"]], [first.body, ["own=1"]]);
      }
      const strangers = await Promise.all(Array.from({ length: 6 }, () => get(ingress.httpPort)));
      assert.ok(new Set(strangers.map(({ body }) => body)).size > 1, "others take turns");
      replicas["abc".indexOf(first.body)]?.stop();
      const moved = await get(ingress.httpPort, { headers });
      assert.equal(moved.status, 200);
      assert.notEqual(moved.headers["set-cookie"]?.[1], undefined);
    } finally {
      for (const each of replicas) each.stop();
    }
  });
});
