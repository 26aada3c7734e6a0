import assert from "node:assert/strict";
import type http from "node:http";
import { test } from "node:test";
import type { Backend } from "../../api/table.ts";
import { askedThere, sentHere } from "./outside.ts";

const app: Backend = { node: "nas", instance: "aaaa", host: "10.0.0.1", port: 80 };
const router: Backend = { node: "nas", instance: "", host: "192.168.1.1", port: 443, tls: "insecure", authority: "192.168.1.1" };
const request = (headers: http.IncomingHttpHeaders) => ({ headers: { host: "router.home.internal", ...headers } }) as http.IncomingMessage;

test("a device is asked for its own name, by its own pages", () => {
  const own = request({ origin: "http://router.home.internal", referer: "http://router.home.internal/login?x=y" });
  assert.deepEqual(askedThere(own, router), {
    host: "192.168.1.1",
    origin: "https://192.168.1.1",
    referer: "https://192.168.1.1/login?x=y",
  });
});

test("what comes from the page of another does not seem to come from its own", () => {
  const other = request({ origin: "https://evil.example", referer: "http://router.home.internal.evil.example/" });
  assert.deepEqual(askedThere(other, router), { host: "192.168.1.1" });
  assert.deepEqual(askedThere(request({ origin: "null" }), router), { host: "192.168.1.1" });
});

test("an app of the house is asked for the name that the client asked for, as is a device where the route says so", () => {
  assert.deepEqual(askedThere(request({ origin: "http://router.home.internal" }), app), {});
  assert.deepEqual(askedThere(request({ origin: "http://router.home.internal" }), router, { Host: "router.home.internal" }), {});
});

test("a device that sends the browser to itself sends it to the name that the browser knows", () => {
  assert.deepEqual(sentHere("https://192.168.1.1/login?x=y#z", router), { location: "/login?x=y#z" });
  assert.deepEqual(sentHere("https://192.168.1.1:443", router), { location: "/" });
  for (const elsewhere of ["/login", "http://192.168.1.1/", "https://192.168.1.1:8443/", "https://192.168.1.10/", "https://", undefined])
    assert.deepEqual(sentHere(elsewhere, router), {});
  assert.deepEqual(sentHere("http://10.0.0.1/", app), {});
});
