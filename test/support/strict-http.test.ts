import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ambiguous, readRequest } from "./strict-http.ts";

const read = (text: string): ReturnType<typeof readRequest> => readRequest(Buffer.from(text, "latin1"));

describe("the strict reader of requests", () => {
  test("reads one request of several, by its length or its chunks", () => {
    const first = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    assert.deepEqual(read(`${first}GET / HTTP/1.1\r\n`), {
      request: {
        method: "POST",
        target: "/a",
        headers: [
          ["Host", "x"],
          ["Content-Length", "2"],
        ],
        body: Buffer.from("hi"),
      },
      length: first.length,
    });
    const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\na\r\n0123456789\r\n0\r\n\r\n";
    assert.equal(read(chunked)?.request.body.toString(), "hi0123456789");
    for (let length = 0; length < chunked.length; length += 1) assert.equal(read(chunked.slice(0, length)), undefined);
  });

  const head = "POST / HTTP/1.1\r\nHost: x\r\n";
  const refused = {
    "two lengths": `${head}Content-Length: 1\r\nContent-Length: 1\r\n\r\n1`,
    "a length and a coding": `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "a length as CGI would read it": `${head}Content-Length: 1\r\nContent_Length: 1\r\n\r\n1`,
    "a length with a sign": `${head}Content-Length: +1\r\n\r\n1`,
    "another coding": `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    "a chunk extension": `${head}Transfer-Encoding: chunked\r\n\r\n0;x\r\n\r\n`,
    "a trailer": `${head}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n`,
    "two hosts": `${head}Host: y\r\n\r\n`,
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "a folded line": `${head}X: y\r\n z\r\n\r\n`,
    "a bare LF": `${head}X: y\nZ: z\r\n\r\n`,
    "a bare CR": `${head}X: y\rZ: z\r\n\r\n`,
    "a space before the colon": `${head}X : y\r\n\r\n`,
    "HTTP/1.0": "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    "a fragment": "GET /#x HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (const [what, text] of Object.entries(refused)) test(`refuses ${what}`, () => assert.throws(() => read(text), Ambiguous));
});
