import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { areHeaderLines, hasNoBody, mayBecomeHead, readAnswerHead, type AnswerHead } from "./answer-head.ts";

const read = (lines: string, first = "HTTP/1.1 200 OK"): AnswerHead => {
  const head = readAnswerHead(`${first}\r\n${lines}`);
  assert.ok(typeof head !== "string", JSON.stringify(head));
  return head;
};
const problem = (text: string): string => {
  const head = readAnswerHead(text);
  assert.ok(typeof head === "string", JSON.stringify(head));
  return head;
};

describe("the head of an answer", () => {
  test("is its status, words, and headers as the app wrote them", () => {
    const head = read("set-cookie: a=b\r\nSet-Cookie:c=d \t\r\nX-Empty:\r\nContent-Length: 005\r\n", "HTTP/1.1 404 Not \xe9 there");
    assert.deepEqual([head.status, head.message, head.body], [404, "Not \xe9 there", 5]);
    assert.deepEqual(head.headers, ["set-cookie", "a=b", "Set-Cookie", "c=d", "X-Empty", "", "Content-Length", "005"]);
  });

  test("keeps for us what is for one connection only", () => {
    const head = read(
      "Connection: x-private, Content-Length\r\nX-Private: 1\r\nKeep-Alive: timeout=5, max=3\r\nTrailer: X\r\nUpgrade: h2c\r\nTE: x\r\nContent-Length: 0\r\nX: y\r\n",
    );
    assert.deepEqual(head.headers, ["Content-Length", "0", "X", "y"]);
    assert.deepEqual([head.keepSeconds, head.upgrade, head.isKept], [5, "h2c", true]);
  });

  test("says where the body ends", () => {
    assert.equal(read("").body, undefined);
    assert.equal(read("Transfer-Encoding: Chunked\r\n").body, "chunked");
    assert.deepEqual(read("Transfer-Encoding: chunked\r\n").headers, [], "it is framed anew");
    assert.deepEqual(
      [hasNoBody("HEAD", 200), hasNoBody("GET", 204), hasNoBody("GET", 304), hasNoBody("GET", 200), hasNoBody("POST", 205)],
      [true, true, true, false, false],
    );
  });

  test("says whether its connection may be used again", () => {
    const isKept = (lines: string, version: string): boolean => read(lines, `HTTP/${version} 200 OK`).isKept;
    assert.deepEqual([isKept("", "1.1"), isKept("", "1.0")], [true, false]);
    assert.deepEqual([isKept("Connection: Close\r\n", "1.1"), isKept("Connection: Keep-Alive\r\n", "1.0")], [false, true]);
    assert.deepEqual([isKept("Connection: x, close\r\n", "1.1"), isKept("Connection: x\r\nConnection: close\r\n", "1.1")], [false, false]);
    assert.equal(isKept("Connection: closed\r\n", "1.1"), true);
    assert.equal(isKept("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", "1.0"), false, "RFC 9112, 6.1");
  });

  for (const [name, lines] of Object.entries({
    "two lengths that agree": "Content-Length: 5\r\nContent-Length: 5\r\n",
    "a length and chunks": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "an empty length": "Content-Length:\r\n",
    "a length with a sign": "Content-Length: +5\r\n",
    "a length beyond counting": "Content-Length: 18446744073709551621\r\n",
    "another coding": "Transfer-Encoding: gzip\r\n",
    "a coding twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "an empty coding": "Transfer-Encoding:\r\n",
    "a folded line": "X: y\r\n z\r\n",
    "no colon": "X\r\nY: z\r\n",
    "no name": ": x\r\n",
    "a space before the colon": "X : y\r\n",
    "a name that is no token": "X\xe9: y\r\n",
    "a bare LF": "X: y\nZ: z\r\n",
    "a bare CR": "X: y\rZ: z\r\n",
    "a control character": "X: y\x1bz\r\n",
    DEL: "X: y\x7fz\r\n",
  }))
    test(`cannot be read with ${name}`, () => assert.notEqual(problem(`HTTP/1.1 200 OK\r\n${lines}`), ""));

  for (const line of [
    "HTTP/2.0 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/1.1 099 No",
    "HTTP/1.1 1000 No",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 200OK",
    "ICY 200 OK",
    "",
  ])
    test(`cannot begin with "${line}"`, () => assert.notEqual(problem(`${line}\r\n`), ""));

  test("may still come, or is known to be none before it ends", () => {
    for (const text of ["", "H", "HTTP/1.", "HTTP/1.1 200 OK\r", "HTTP/1.1 200 OK\r\nX: y"]) assert.ok(mayBecomeHead(text), text);
    for (const text of ["S", "SSH-2.0", "HTTP/2", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\rX"]) assert.ok(!mayBecomeHead(text), text);
  });

  test("has the same lines as trailers", () => {
    assert.deepEqual([areHeaderLines(""), areHeaderLines("X: y\r\nZ:\r\n"), areHeaderLines("bad line\r\n")], [true, true, false]);
  });
});
