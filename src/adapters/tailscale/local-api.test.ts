import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { TailscaleLocalApi } from "./local-api.ts";

const recorded = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, "../../../test/lab/fixtures/tailscale", name), "utf8");
const signal = AbortSignal.timeout(60_000);

interface FakeTailscaled {
  readonly socketPath: string;
  readonly requests: http.IncomingMessage[];
}

/** Answers what was recorded of a real one; the real one itself is asked in test/houses/tailnet.test.ts. */
async function fakeTailscaled(
  t: TestContext,
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<FakeTailscaled> {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-tailscale-"));
  const socketPath = path.join(folder, "tailscaled.sock");
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.listen(socketPath);
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { socketPath, requests };
}

test("status, whois and split DNS are asked with the one Host that tailscaled takes", async (t) => {
  const { socketPath, requests } = await fakeTailscaled(t, ({ url = "" }, response) => {
    if (url.includes("/status")) response.end(recorded("status.json"));
    else if (url.includes("addr=100.64.0.3")) response.end(recorded("whois-user.json"));
    else if (url.includes("/whois")) response.writeHead(404).end(recorded("whois-404.txt"));
    else response.end(recorded("dns-config.json"));
  });
  const api = new TailscaleLocalApi({ socketPath });
  assert.equal((await api.status(signal)).kind, "running");
  assert.equal((await api.whois("100.64.0.3", signal))?.login, "bob@lab.test");
  assert.equal(await api.whois("::ffff:192.168.1.2", signal), undefined);
  assert.deepEqual(await api.splitDns(signal), { "home.internal": ["100.64.0.1", "100.64.0.2"] });
  assert.deepEqual(
    requests.map(({ url }) => url),
    [
      "/localapi/v0/status",
      "/localapi/v0/whois?addr=100.64.0.3",
      "/localapi/v0/whois?addr=%3A%3Affff%3A192.168.1.2",
      "/localapi/v0/dns-config",
    ],
  );
  for (const { headers } of requests) assert.deepEqual(Object.keys(headers).sort(), ["connection", "host"]);
  assert.ok(requests.every(({ headers }) => headers.host === "local-tailscaled.sock"));
});

test("no tailscaled is absent; one that fails, or says nothing, is unknown", async (t) => {
  assert.deepEqual(await new TailscaleLocalApi({ socketPath: "/nowhere/tailscaled.sock" }).status(signal), { kind: "absent" });
  const failing = await fakeTailscaled(t, (_request, response) => void response.writeHead(500).end());
  assert.deepEqual(await new TailscaleLocalApi(failing).status(signal), { kind: "unknown", state: "tailscaled answers 500" });
  const silent = new TailscaleLocalApi({ ...(await fakeTailscaled(t, () => {})), answerMs: 100 });
  assert.equal((await silent.status(signal)).kind, "unknown");
  assert.equal(await silent.whois("100.64.0.3", signal), undefined);
  assert.equal(await silent.splitDns(signal), undefined);
  await assert.rejects(silent.status(AbortSignal.abort(new Error("stopped"))), /stopped/);
});

test("a change on the bus is a reason to look, a line that tells nothing is none", async (t) => {
  const lines = recorded("watch-ipn-bus.jsonl").trim().split("\n");
  let bus: http.ServerResponse | undefined;
  const { socketPath, requests } = await fakeTailscaled(t, (_request, response) => {
    bus = response;
    response.flushHeaders();
  });
  const abort = new AbortController();
  let looks = 0;
  const watching = (async () => {
    for await (const _ of new TailscaleLocalApi({ socketPath }).looks(realClock, abort.signal)) looks++;
  })();
  await until("the first look and the bus", () => looks === 1 && bus !== undefined);
  bus?.write(`${lines[3]}\n`); // nothing but a version
  for (const line of [lines[2], lines[5], lines[6]]) bus?.write(`${line}\n`);
  await until("a look for all of them", () => looks === 2);
  bus?.end();
  await until("the bus again", () => requests.length === 2, 60_000);
  abort.abort();
  await watching;
  assert.equal(looks, 2);
});
