import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { EngineError } from "../../api/errors.ts";
import { until } from "../../../test/support/until.ts";
import { Connection } from "./connection.ts";

const folder = mkdtempSync(path.join(tmpdir(), "fossora-connection-"));
const open: (() => void)[] = [];
after(() => {
  for (const close of open) close();
  rmSync(folder, { recursive: true });
});
const signal = new AbortController().signal;

/** An engine that says which API it speaks, and leaves the rest to `answer`. */
async function engine(name: string, version: { api: string }, answer: RequestListener) {
  const asked: string[] = [];
  const socketPath = path.join(folder, name);
  let sockets = 0;
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/version") response.end(JSON.stringify({ ApiVersion: version.api }));
    else answer(request, response);
  });
  server.on("connection", () => (sockets += 1));
  server.listen(socketPath);
  await once(server, "listening");
  const connection = new Connection(socketPath);
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  open.push(stop, () => connection.close());
  return { asked, connection, server, stop, sockets: () => sockets };
}

const list: RequestListener = (_request, response) => response.end("[]");
const unavailable = (error: unknown): boolean => error instanceof EngineError && error.fault === "unavailable";

test("every path has the newest version that both sides know", async () => {
  for (const [api, prefix] of [
    ["1.41", "/v1.41/"],
    ["1.99", "/v1.50/"],
  ] as const) {
    const { asked, connection } = await engine(`version-${api}`, { api }, list);
    await connection.call("list", signal, (docker) => docker.listContainers());
    assert.equal(asked[0], "/version");
    assert.equal(asked[1]?.startsWith(prefix), true);
  }
});

test("the path counts, whatever $DOCKER_HOST says", async (t) => {
  const before = process.env["DOCKER_HOST"];
  t.after(() => (before === undefined ? delete process.env["DOCKER_HOST"] : (process.env["DOCKER_HOST"] = before)));
  process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1";
  const { asked, connection } = await engine("host", { api: "1.41" }, list);
  await connection.call("list", signal, (docker) => docker.listContainers());
  assert.equal(asked.length, 2);
});

test("calls one after another share a connection", async () => {
  const { connection, sockets } = await engine("shared", { api: "1.41" }, list);
  for (let round = 0; round < 5; round++) await connection.call("list", signal, (docker) => docker.listContainers());
  assert.equal(sockets(), 1);
});

test("an engine that does not answer is unavailable after the limit, in words that name the call", async () => {
  const { connection } = await engine("silent", { api: "1.41" }, () => {});
  await assert.rejects(
    connection.call("list containers", signal, (docker) => docker.listContainers(), 50),
    (error) => {
      assert(error instanceof EngineError && error.fault === "unavailable");
      assert.equal(error.message, "Cannot list containers: Docker did not answer within 0.05 s");
      return true;
    },
  );
});

test("while it hangs nobody waits again for the same, until it answers anything", async () => {
  const waiting: (() => void)[] = [];
  let hangs = false;
  const socketPath = path.join(folder, "hangs");
  const server = createServer((request, response) => {
    const answer = (): unknown => response.end(request.url === "/version" ? JSON.stringify({ ApiVersion: "1.41" }) : "[]");
    if (hangs) waiting.push(answer);
    else answer();
  });
  server.listen(socketPath);
  await once(server, "listening");
  const connection = new Connection(socketPath);
  open.push(
    () => server.close().closeAllConnections(),
    () => connection.close(),
  );
  const list = (limitMs?: number): Promise<unknown> =>
    connection.call("list containers", signal, (docker, abortSignal) => docker.listContainers({ abortSignal }), limitMs);
  await list();
  hangs = true;
  await assert.rejects(list(50), unavailable);
  // Else it would be asked, and not answer within another limit.
  const isRefused = (): Promise<boolean> =>
    list(60).then(
      () => false,
      (error: Error) => error.message === "Cannot list containers: Docker did not answer within 0.05 s",
    );
  await until("nobody asks it any more", isRefused);
  hangs = false;
  for (const answer of waiting) answer();
  await until("it is asked again", () =>
    list().then(
      () => true,
      () => false,
    ),
  );
});

test("a call that takes no signal ends with the limit all the same", async () => {
  const { connection } = await engine("deaf", { api: "1.41" }, () => {});
  await assert.rejects(
    connection.call("inspect", signal, (docker) => docker.getNetwork("x").inspect(), 50),
    unavailable,
  );
});

test("the caller's own end is thrown as it came", async () => {
  const { connection } = await engine("ended", { api: "1.41" }, () => {});
  const own = new AbortController();
  const calling = connection.call("list", own.signal, (docker, abortSignal) => docker.listContainers({ abortSignal }));
  own.abort(new Error("shutting down"));
  await assert.rejects(calling, /shutting down/);
});

test("an engine that was away is asked for its version anew: it may have been upgraded", async () => {
  const version = { api: "1.41" };
  const { asked, connection, stop, server } = await engine("upgraded", version, list);
  await connection.call("list", signal, (docker) => docker.listContainers());
  stop();
  await assert.rejects(
    connection.call("list", signal, (docker) => docker.listContainers()),
    unavailable,
  );
  version.api = "1.44";
  server.listen(path.join(folder, "upgraded"));
  await once(server, "listening");
  await connection.call("list", signal, (docker) => docker.listContainers());
  assert.match(asked.at(-1) ?? "", /^\/v1\.44\//);
});
