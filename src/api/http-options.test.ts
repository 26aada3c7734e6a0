import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import fc from "fast-check";
import { httpProblems } from "./http-options.ts";

const said = (options: Parameters<typeof httpProblems>[0]): readonly string[] =>
  httpProblems(options).map(({ at, message }) => `${at}: ${message}`);

test("a header that no message can have is refused, on both ways", () => {
  const headers = { "X-Frame-Options": "DENY", "X Y": "a", "X-Name": "a\r\nSet-Cookie: b", "X-Sign": "日本", "X-Letter": "é" };
  const problems = (way: string): readonly string[] => [
    `headers.${way}: 'X Y' is no name of a header: it may have letters, digits and '-'`,
    `headers.${way}: 'X-Name' must be one line of Latin letters and signs`,
    `headers.${way}: 'X-Sign' must be one line of Latin letters and signs`,
  ];
  assert.deepEqual(said({ headers: { request: headers, response: headers } }), [...problems("request"), ...problems("response")]);
});

test("a header that says where a message ends is refused, also as CGI would read it, and as one that another service hands on", () => {
  const message = (name: string): string => `cannot set '${name}': the proxy does, for each connection`;
  assert.deepEqual(said({ headers: { request: { "Content-Length": "5", Transfer_Encoding: "chunked", Host: "localhost" } } }), [
    `headers.request: ${message("Content-Length")}`,
    `headers.request: ${message("Transfer_Encoding")}`,
  ]);
  assert.deepEqual(said({ forwardAuth: { url: "http://door/", headers: ["Remote-User", "Upgrade", "Remote User"] } }), [
    `forwardAuth.headers[1]: ${message("Upgrade")}`,
    "forwardAuth.headers[2]: 'Remote User' is no name of a header: it may have letters, digits and '-'",
  ]);
});

test("addresses are such that they can stand in a message", () => {
  assert.deepEqual(httpProblems({ redirect: { to: "https://bücher.example/ä" }, forwardAuth: { url: "http://[::g]/" } }), [
    { at: "forwardAuth.url", message: "must be an address such as 'https://new.home.internal/', not 'http://[::g]/'" },
    {
      at: "redirect",
      message: "must be written as 'https://xn--bcher-kva.example/%C3%A4'",
      instead: "https://xn--bcher-kva.example/%C3%A4",
    },
  ]);
});

test("what is not refused Node can write", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
      if (httpProblems({ headers: { response: { [name]: value } } }).length > 0) return;
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    }),
  );
});
