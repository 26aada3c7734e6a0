// The access log of a real ingress: what a line says, what it never says, and that a handover loses none.
import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { get, soon, startApp, startIngress, tableOf, type TestApp, type TestIngress } from "../support/ingress.ts";
import { parseMetrics, valueOf } from "../support/prometheus.ts";
import { until } from "../support/until.ts";

type Line = Readonly<Record<string, unknown>>;

describe("the access log", () => {
  let ingress: TestIngress;
  let app: TestApp;
  let file: string;

  before(async () => {
    ingress = await startIngress();
    app = await startApp();
    file = path.join(ingress.dataDir, "access.log");
    await ingress.client.putTable(tableOf([app.port]), soon());
  });
  after(async () => {
    app.stop();
    await ingress.stop();
  });

  const turnOn = (accessLog: string): Promise<void> => ingress.client.putSettings({ ...ingress.settings, accessLog }, soon());
  const linesOf = (name: string): readonly Line[] =>
    existsSync(name)
      ? readFileSync(name, "utf8")
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Line)
      : [];
  const written = (count: number, name = file): Promise<readonly Line[]> =>
    until(`${count} lines are written`, () => {
      const lines = linesOf(name);
      return lines.length >= count ? lines : undefined;
    });

  test("it is off until it is asked for", async () => {
    await get(ingress.httpPort);
    assert.equal((await ingress.client.status(soon())).accessLog, undefined);
  });

  test("a line a request, with who answered or why nobody did, and never a query", async () => {
    await turnOn(file);
    await get(ingress.httpPort, { path: "/films?api_key=secret", headers: { Authorization: "Bearer secret", Cookie: "id=secret" } });
    await get(ingress.httpPort, { headers: { Host: "nobody.home.internal" } });
    const [served, unknown] = await written(2);
    assert.deepEqual(
      [served?.["host"], served?.["method"], served?.["path"], served?.["status"], served?.["client"]],
      ["hello.home.internal", "GET", "/films", 200, "127.0.0.1"],
    );
    assert.deepEqual([served?.["route"], served?.["backend"], served?.["node"]], ["hello", "hello-0", "attic"]);
    assert.deepEqual([unknown?.["status"], unknown?.["reason"], unknown?.["route"]], [404, "unknownHost", undefined]);
    assert.doesNotMatch(readFileSync(file, "utf8"), /secret/);
    assert.equal(statSync(file).mode & 0o777, 0o640);
  });

  test("a file that was rotated is left alone, and a new one goes on", async () => {
    const rotated = `${file}.1`;
    renameSync(file, rotated);
    const before = linesOf(rotated).length;
    await get(ingress.httpPort);
    await written(1);
    assert.equal(linesOf(rotated).length, before);
  });

  test("the next ingress writes on where the one before stopped", async () => {
    const before = linesOf(file).length;
    for (let index = 0; index < 20; index += 1) await get(ingress.httpPort);
    await ingress.client.handover(ingress.program, soon());
    for (let index = 0; index < 20; index += 1) await get(ingress.httpPort);
    const lines = await written(before + 40);
    assert.equal(lines.length, before + 40);
    assert.equal((await ingress.client.status(soon())).accessLog?.file, file);
  });

  test("a file that cannot be written fails no request, and is said in the status and the metrics", async () => {
    await turnOn("/proc/nowhere/access.log");
    assert.equal((await get(ingress.httpPort)).status, 200);
    const status = await until("it is said", async () => {
      const { accessLog } = await ingress.client.status(soon());
      return accessLog?.problem !== undefined && accessLog.dropped > 0 ? accessLog : undefined;
    });
    assert.match(status.problem ?? "", /ENOENT/);
    assert.ok((valueOf(parseMetrics(await ingress.metrics()), "fossora_access_log_dropped_total") ?? 0) > 0);
  });
});
