// The ingress against apps that answer in bytes: what is whole reaches the client as one whole answer, what is not can be seen to be not.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { freePort, get, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { rawApp, rawBytes, upgradeRequest } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { answerCases, handshakeCases, type AnswerCase } from "./ingress-answer-cases.ts";

describe("what an app answers", () => {
  let ingress: TestIngress;
  before(async () => (ingress = await startIngress()));
  after(() => ingress.stop());

  for (const row of answerCases) {
    test(`${row.section}: ${row.name}`, async () => {
      await using app = await rawApp(Buffer.from(row.answer, "latin1"));
      await ingress.client.putTable(tableOf([app.port], { holdMs: 0 }), soon());
      const send = `${row.method ?? "GET"} / HTTP/${row.version ?? "1.1"}\r\nHost: hello\r\nConnection: close\r\n\r\n`;
      const { head, status, body } = readAnswer((await rawBytes(ingress.httpPort, send)).toString("latin1"), row);
      assert.deepEqual({ status, body }, { status: row.status, body: row.body });
      if (row.has) assert.match(head, row.has);
      if (row.hasNot) assert.doesNotMatch(head, row.hasNot);
    });
  }

  for (const { name, section, answer, head } of handshakeCases) {
    test(`${section}: ${name}`, async () => {
      await using app = await rawApp(Buffer.from(answer, "latin1"));
      await ingress.client.putTable(tableOf([app.port], { holdMs: 0 }), soon());
      assert.match((await rawBytes(ingress.httpPort, upgradeRequest)).toString("latin1"), head);
    });
  }

  test("9112 4: words with an escape, of whoever is asked when another cannot be reached, and of whoever was waited for", async () => {
    const answer = "HTTP/1.1 200 a\x1bb\r\nContent-Length: 5\r\n\r\nhello";
    await using app = await rawApp(answer);
    await ingress.client.putTable(tableOf([await freePort(), app.port], { holdMs: 0 }), soon());
    assert.equal((await get(ingress.httpPort)).status, 502);
    await ingress.client.putTable(tableOf([]), soon());
    const waiting = get(ingress.httpPort);
    await until("it is held", async () => /^fossora_http_held 1$/m.test(await ingress.metrics()));
    await ingress.client.putTable(tableOf([app.port]), soon());
    assert.equal((await waiting).status, 502);
  });

  test("nothing of that is an error of ours", async () => assert.doesNotMatch(await ingress.log(), / error /));
});

interface Answer {
  /** With the interim ones before it. */
  readonly head: string;
  readonly status: number;
  readonly body: string;
}

/** The whole of what came on a connection that has ended, as the strictest client reads it. */
function readAnswer(text: string, { method, version }: AnswerCase): Answer {
  const interim = /^(?:HTTP\/1\.1 1\d\d [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)*/.exec(text)?.[0] ?? "";
  const own = text.slice(interim.length);
  const end = own.indexOf("\r\n\r\n") + 4;
  const head = own.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
  const rest = own.slice(end);
  return { head: interim + head, status, body: status === 502 ? "page" : bodyOf(head, rest, { method, version, status }) };
}

interface Asked {
  readonly method: AnswerCase["method"] | undefined;
  readonly version: AnswerCase["version"] | undefined;
  readonly status: number;
}

function bodyOf(head: string, rest: string, { method, version, status }: Asked): string {
  const length = /^content-length: (\d+)\r\n/im.exec(head)?.[1];
  const isChunked = /^transfer-encoding: chunked\r\n/im.test(head);
  assert.ok(length === undefined || !isChunked, head);
  if (method === "HEAD" || status === 204 || status === 304) return rest;
  if (isChunked) return unchunk(rest);
  if (length !== undefined) {
    assert.ok(rest.length <= Number(length), `more than was said: ${rest}`);
    return rest.length < Number(length) ? "cut off" : rest;
  }
  assert.equal(version, "1.0", "only an old client learns by the end of the connection that this is all");
  return rest;
}

function unchunk(text: string): string {
  let body = "";
  for (let at = 0; ;) {
    const [line = "", size = ""] = /^([0-9a-f]+)\r\n/i.exec(text.slice(at)) ?? [];
    if (size === "") return "cut off";
    const length = Number.parseInt(size, 16);
    const start = at + line.length;
    if (text.slice(start + length, start + length + 2) !== "\r\n") return "cut off";
    at = start + length + 2;
    if (length === 0) {
      assert.equal(text.slice(at), "", "bytes after the end of the answer");
      return body;
    }
    body += text.slice(start, start + length);
  }
}
