// A node that starts again while a command waits for what it tells: it answers before it is in its house, and before it has read the store.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { StatusReason, WatchLine } from "../../src/api/wire.ts";
import { begin, expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { FILES, readyService, serviceStatus } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

let directory: string;
let socket: string;
let server: Server;
/** What it says to those that watch, one after the other; the last watch goes on. */
let says: (readonly unknown[] | StatusReason)[];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "fossora-restart-"));
  socket = path.join(directory, "s.sock");
  server = createServer((_request, response) => {
    const said = says.shift() ?? [];
    if (typeof said === "string") {
      response.writeHead(503).end(JSON.stringify({ kind: "Status", reason: said, code: 503, message: `it says ${said}` }));
      return;
    }
    for (const line of said) response.write(`${JSON.stringify(line)}\n`);
    if (says.length > 0) response.end();
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

function all(status: ReturnType<typeof serviceStatus>): readonly unknown[] {
  const metadata = { name: "jellyfin", uid: "u1", generation: 1, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00.000Z" };
  const object = { apiVersion: "fossora.dev/v1", kind: "Service", metadata, spec: {}, status };
  return [{ type: "ADDED", object }, { type: "BOOKMARK", revision: 1 } satisfies WatchLine];
}

test("whoever waits is not told that there is no house, or no quorum, while the node comes back", async () => {
  says = [all(serviceStatus()), "NoHouse", "NoQuorum", all(readyService())];
  expectOutcome(await fossora({ socket }, "wait", "svc/jellyfin", "--timeout", "20s"), { stdout: "service/jellyfin condition met\n" });
});

test("whoever waits for a node that does not come back is told when the time is over", async () => {
  says = [all(serviceStatus()), ...Array.from({ length: 20 }, () => "NoHouse" as const)];
  const { code, stderr } = await fossora({ socket }, "wait", "svc/jellyfin", "--timeout", "1200ms");
  assert.equal(code, 6, stderr);
});

test("get -w says once that the connection ended, and goes on when the node is back", async () => {
  says = [all(serviceStatus()), "NoHouse", "NoQuorum", all(readyService())];
  const running = begin({ socket }, "get", "svc", "-w");
  await until("it is ready", () => running.stdout().includes("jellyfin  1/1") || running.stderr().includes("error"));
  running.interrupt();
  const { code, stderr } = await running.done;
  assert.deepEqual([code, stderr], [130, "the connection to the node ended; trying again\n"]);
});

test("get -w ends with what the node says where that is in no house for good", async () => {
  const outside = Array.from({ length: 20 }, () => "NoHouse" as const);
  says = [all(serviceStatus()), ...outside];
  const elapsedMs = (): number => (outside.length - says.length) * 8_000;
  const running = begin({ socket, elapsedMs }, "get", "svc", "-w");
  await Promise.race([running.done, until("it has asked often enough", () => says.length < 14)]);
  running.interrupt();
  const { code, stderr } = await running.done;
  assert.deepEqual(
    [code, stderr.split("\n").slice(0, 2)],
    [7, ["the connection to the node ended; trying again", "error: it says NoHouse"]],
  );
});

test("a node that is in no house when it is asked first is not waited for", async () => {
  says = ["NoHouse", "NoHouse"];
  const waited = await fossora({ socket }, "wait", "svc/jellyfin");
  assert.deepEqual([waited.code, waited.stderr.split("\n")[0]], [7, "error: it says NoHouse"]);
  assert.equal((await fossora({ socket }, "get", "svc", "-w")).code, 7);
});

describe("logs of a node that starts again", () => {
  let house: TranscriptHouse;
  const run = (...argv: readonly string[]): Promise<Outcome> => fossora({ socket: house.socket, files: FILES }, ...argv);

  before(async () => {
    house = await TranscriptHouse.start();
    await run("apply", "-f", "jellyfin.yaml");
    const container = house.containers.add("jellyfin", "k3f9", "jellyfin");
    house.containers.print(container, "2026-01-01T00:00:01.000000000Z one", "2026-01-01T00:00:02.000000000Z two");
  });
  after(() => house.close());

  test("-f goes on when the node is back, says so, and shows what was printed meanwhile once", async () => {
    const [container] = house.containers.made;
    assert.ok(container);
    const running = begin({ socket: house.socket }, "logs", "-f", "jellyfin", "-n", "1");
    await until("the last line", () => running.stdout() === "two\n");
    await house.stopServer();
    house.containers.print(container, "2026-01-01T00:00:03.000000000Z three");
    await house.restartServer();
    await until("the new line", () => running.stdout() !== "two\n");
    house.containers.print(container, "2026-01-01T00:00:04.000000000Z four");
    await house.restartServer();
    await until("one more", () => running.stdout().includes("four"));
    running.interrupt();
    const again = "the connection to the node ended; trying again\n";
    expectOutcome(await running.done, { code: 130, stdout: "two\nthree\nfour\n", stderr: again.repeat(2) });
  });

  test("-f ends with what the node says where there is nothing more to follow", async () => {
    await run("apply", "-f", "apps/a.yaml");
    house.containers.add("a", "p2x1", "a");
    let elapsedMs = 0;
    const running = begin({ socket: house.socket, elapsedMs: () => (elapsedMs += 5_000) }, "logs", "-f", "a");
    await until("it follows", () => house.containers.lastLogOptions?.follow);
    await run("delete", "svc/a");
    await house.restartServer();
    const { code, stderr } = await running.done;
    assert.deepEqual([code, stderr.split("\n")[1]], [4, 'error: Cannot show logs: there is no service "a".']);
  });
});
