import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpRoute } from "../api/table.ts";
import { decide, type Decision } from "./decide.ts";
import { compileRouter, type Router } from "./match.ts";

const base: HttpRoute = {
  name: "app",
  host: "app",
  path: "/",
  backends: [{ node: "attic", instance: "app-1", host: "10.0.0.2", port: 80 }],
  holdMs: 1000,
  forwardedHeaders: "standard",
};
const router = (more: Partial<HttpRoute>): Router => compileRouter({ zone: "home.internal", http: [{ ...base, ...more }] });
const decideFor = (more: Partial<HttpRoute>, from = "192.168.1.9", host = "app"): Decision =>
  decide(router(more), { host, target: "/", from });
const statusOf = (decision: Decision): number | undefined =>
  decision.kind === "page" || decision.kind === "wait" ? decision.page.status : undefined;

test("a route with a backend is forwarded", () => {
  assert.equal(decideFor({}).kind, "forward");
});

test("an unknown host gets a page that names no app", () => {
  const decision = decideFor({}, "192.168.1.9", "evil.example<script>");
  assert.equal(statusOf(decision), 404);
  assert.ok(decision.kind === "page" && !decision.page.html.includes("<script>") && !decision.page.html.includes("10.0.0.2"));
});

test("without a table every name waits for one", () => {
  assert.equal(statusOf(decide(undefined, { host: "app", target: "/", from: "10.0.0.1" })), 503);
});

test("a route without a backend waits, and says why", () => {
  const decision = decideFor({ backends: [], waiting: { reason: "ImagePullFailed", message: "The image <b> is not there." } });
  assert.ok(decision.kind === "wait" && decision.page.html.includes("ImagePullFailed") && !decision.page.html.includes("<b> is not"));
});

test("who is not allowed gets 403, from wherever a rule does not name", () => {
  assert.equal(statusOf(decideFor({ allow: ["tailnet"] }, "192.168.1.9")), 403);
  assert.equal(decideFor({ allow: ["tailnet"] }, "100.64.0.9").kind, "forward");
  assert.equal(decideFor({ allow: ["lan"] }, "192.168.1.9").kind, "forward");
  assert.equal(statusOf(decideFor({ allow: ["lan"] }, "100.64.0.9")), 403);
  assert.equal(decideFor({ allow: ["10.9.0.0/16"] }, "10.9.1.1").kind, "forward");
  assert.equal(statusOf(decideFor({ allow: ["10.9.0.0/16"] }, "10.8.1.1")), 403);
  assert.equal(statusOf(decideFor({ allow: [] }, "10.8.1.1")), 403);
  assert.equal(decideFor({ allow: [] }, "127.0.0.1").kind, "forward");
});

test("a redirect needs no backend, and keeps path and query where its address ends with a slash", () => {
  const cases = [
    ["https://x/", "/", "https://x/"],
    ["https://x/", "/a/b?c=/d", "https://x/a/b?c=/d"],
    ["https://x/", "//evil.example/", "https://x//evil.example/"],
    ["https://x/below/", "/a?b", "https://x/below/a?b"],
    ["https://x/", "*", "https://x/"],
    ["https://x", "/a?b", "https://x"],
    ["https://x/login?from=", "/a", "https://x/login?from="],
  ];
  for (const [to = "", target = "", location] of cases) {
    const decided = decide(router({ backends: [], redirect: { to, status: 308 } }), { host: "app", target, from: "192.168.1.9" });
    assert.ok(decided.kind === "redirect");
    assert.deepEqual([decided.status, decided.location], [308, location]);
  }
});
