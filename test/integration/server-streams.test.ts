// The HTTP API over a real unix socket: watches, logs, and clients that misbehave.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { EXEC_PROTOCOL } from "../../src/api/exec-frames.ts";
import { keys } from "../../src/api/keys.ts";
import type { ErrorStatus } from "../../src/api/wire.ts";
import { put } from "../fakes/objects.ts";
import { apply, call, readText, send, Watching } from "../support/transcript-api.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { JELLYFIN, readyService, WHOAMI } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
  await apply(house, JELLYFIN);
  await apply(house, WHOAMI);
});
after(() => house.close());

describe("watching", () => {
  const made = (name: string): string => WHOAMI.replace("name: whoami", `name: ${name}, labels: { watched: "1" }`);
  const watched = "/api/v1/services?watch=1&labelSelector=watched";

  test("a watch tells what there is, then each change: a status is MODIFIED with the same resourceVersion", async () => {
    await apply(house, made("first"));
    const watching = await Watching.open(house, watched);
    await watching.sees("ADDED first", "BOOKMARK");
    await apply(house, made("second"));
    await watching.sees("ADDED second");
    house.setStatus("Service", "second", readyService());
    await watching.sees("MODIFIED second");
    const [added, modified] = watching.lines.filter((line) => "object" in line && line.object.metadata.name === "second");
    assert.ok(added && "object" in added && modified && "object" in modified);
    assert.equal(added.object.metadata.resourceVersion, modified.object.metadata.resourceVersion);
    assert.ok(modified.revision > added.revision);
    assert.equal((await call(house, "DELETE", "/api/v1/services/second")).code, 200);
    await watching.sees("DELETED second");
    await apply(house, WHOAMI.replace("name: whoami", "name: first"));
    await watching.sees("DELETED first");
    watching.close();
  });

  test("a watch that goes on from a revision hears what was deleted since, and what changed", async () => {
    await apply(house, made("stays"));
    await apply(house, made("goes"));
    const { revision } = house.mirror;
    await call(house, "DELETE", "/api/v1/services/goes");
    await apply(house, made("comes"));
    const watching = await Watching.open(house, `${watched}&resourceVersion=${revision}`);
    await watching.sees("DELETED goes", "ADDED comes", "MODIFIED stays", "BOOKMARK");
    watching.close();
    const nothingNew = await Watching.open(house, `${watched}&resourceVersion=${house.mirror.revision}`);
    await nothingNew.sees("BOOKMARK");
    assert.deepEqual(nothingNew.told, ["BOOKMARK"]);
    nothingNew.close();
  });

  test("a revision that nobody remembers, or that is yet to come, is Expired", async () => {
    for (const revision of [0, house.mirror.revision + 1000]) {
      const { code, body } = await call<ErrorStatus>(house, "GET", `${watched}&resourceVersion=${revision}`);
      assert.deepEqual([code, body.reason], [410, "Expired"], String(revision));
    }
  });

  test("pulls are told to whom asks for them", async () => {
    const watching = await Watching.open(house, `${watched}&progress=1`);
    await watching.sees("BOOKMARK");
    house.setPulls("stays", [{ image: "whoami:1", progress: { doneBytes: 1, totalBytes: 2, layers: 1 } }]);
    await until("progress", () => watching.told.includes("PROGRESS"), 10_000);
    const line = watching.lines.find((each) => each.type === "PROGRESS");
    assert.deepEqual(line?.type === "PROGRESS" && line.pulls, [
      { service: "stays", image: "whoami:1", node: "nas", doneBytes: 1, totalBytes: 2, layers: 1 },
    ]);
    watching.close();
    house.setPulls("stays", []);
  });

  test("events are told as they happen", async () => {
    const watching = await Watching.open(house, "/api/v1/events?watch=1&fieldSelector=spec.type%3DWarning");
    await watching.sees("BOOKMARK");
    house.addEvent({ kind: "Service", name: "jellyfin", type: "Normal", reason: "Placed", message: "on nas" });
    house.addEvent({ kind: "Service", name: "jellyfin", type: "Warning", reason: "CrashLoop", message: "ended with 1" });
    await until("the warning", () =>
      watching.lines.some((line) => "object" in line && line.object.kind === "Event" && line.object.spec.reason === "CrashLoop"),
    );
    assert.equal(watching.lines.filter(({ type }) => type === "ADDED").length, 1);
    watching.close();
  });
});

describe("logs", () => {
  before(() => {
    const { containers } = house;
    const first = containers.add("jellyfin", "k3f9", "jellyfin");
    const second = containers.add("jellyfin", "r7w2", "jellyfin");
    containers.print(first, "2026-01-01T00:00:01.000000000Z one", "2026-01-01T00:00:03.000000000Z three");
    containers.print(second, "2026-01-01T00:00:02.000000000Z two");
  });

  const lines = async (path: string): Promise<readonly { readonly instance: string; readonly text: string }[]> => {
    const text = await readText(await send(house, "GET", path));
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { readonly instance: string; readonly text: string });
  };

  test("lines of several instances are merged by time", async () => {
    assert.deepEqual(
      (await lines("/api/v1/services/jellyfin/logs")).map(({ instance, text }) => `${instance} ${text}`),
      ["jellyfin-k3f9 one", "jellyfin-r7w2 two", "jellyfin-k3f9 three"],
    );
    assert.deepEqual(
      (await lines("/api/v1/services/jellyfin/logs?instance=jellyfin-r7w2")).map(({ text }) => text),
      ["two"],
    );
  });

  test("who follows hears containers that are made later", async () => {
    const watching = await send(house, "GET", "/api/v1/services/jellyfin/logs?follow=1");
    let text = "";
    watching.setEncoding("utf8").on("data", (more: string) => (text += more));
    await until("the first lines", () => text.includes("three"));
    const third = house.containers.add("jellyfin", "n3w1", "jellyfin");
    house.containers.print(third, "2026-01-01T00:00:04.000000000Z four");
    await until("the new container's line", () => text.includes("four"));
    watching.destroy();
  });

  test("a container that is not there names those that are", async () => {
    const { code, body } = await call<ErrorStatus>(house, "GET", "/api/v1/services/jellyfin/logs?container=db");
    assert.equal(code, 404);
    assert.match(body.message, /has no container "db"; it has jellyfin/);
    assert.match((await call<ErrorStatus>(house, "GET", "/api/v1/services/whoami/logs")).body.message, /nothing of "whoami" was started/);
    assert.match((await call<ErrorStatus>(house, "GET", "/api/v1/services/nobody/logs")).body.message, /there is no service "nobody"/);
  });
});

describe("exec", () => {
  const ask = (): Socket => {
    const socket = connect(house.socket);
    socket.write(
      `POST /api/v1/services/jellyfin/exec?command=sh&stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${EXEC_PROTOCOL}\r\n\r\n`,
    );
    return socket;
  };

  test("the command's session is closed when the client has gone", async () => {
    let isClosed = false;
    house.containers.script = async (_command, session) => {
      session.say("begun\n");
      await session.readAll();
      isClosed = true;
      return 0;
    };
    const socket = ask();
    await once(socket, "data");
    socket.destroy();
    await until("it is closed", () => isClosed, 5_000);
  });

  test("nothing is run for a client that has gone before its command could begin", async (t) => {
    t.after(() => (house.containers.beforeList = undefined));
    let runs = 0;
    house.containers.script = () => Promise.resolve(++runs);
    for (const looks of [1, 2]) {
      const [asked, answer] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
      let left = looks;
      house.containers.beforeList = async (signal) => {
        if (--left > 0) return;
        asked.resolve(signal);
        await answer.promise;
      };
      const socket = ask();
      const signal = await asked.promise;
      socket.destroy();
      await until("it is heard", () => signal.aborted, 5_000);
      answer.resolve();
      await call(house, "GET", "/healthz");
    }
    assert.equal(runs, 0);
  });
});

describe("a client that misbehaves", () => {
  test("garbage, and an upgrade elsewhere, do no harm", async () => {
    const socket = connect(house.socket);
    socket.write("NONSENSE\r\n\r\n");
    await once(socket, "close");
    const upgrade = connect(house.socket);
    upgrade.write("POST /api/v1/services HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: anything\r\n\r\n");
    const [answer] = (await once(upgrade, "data")) as [Buffer]; // a socket's event
    assert.match(answer.toString(), /^HTTP\/1\.1 404 /);
    upgrade.destroy();
    assert.equal((await call(house, "GET", "/healthz")).code, 200);
  });

  test("a service that was written straight to the store by a newer release is still served", async () => {
    put(house.etcd, keys.desired("Service", "future"), {
      apiVersion: "fossora.dev/v1",
      kind: "Service",
      metadata: { name: "future", uid: "u", creationTimestamp: "x" },
      spec: { containers: [], novel: true },
      manager: "cli",
    });
    await until("it is seen", () => house.mirror.desired("Service", "future") !== undefined);
    assert.equal((await call(house, "GET", "/api/v1/services/future")).code, 200);
  });
});
