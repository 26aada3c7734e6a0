import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { normalPath } from "../api/paths.ts";
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

test("a path that different apps would read as different routes' is refused, whether or not they are open", () => {
  const http = [base, { ...base, name: "private", path: "/private", allow: ["tailnet"] }];
  const decided = decide(compileRouter({ zone, http }), { host: "app", target: "/private/../share", from: "192.168.1.9" });
  assert.ok(decided.kind === "page" && decided.reason === "badRequest" && decided.page.status === 400);
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

const hosts = ["a", "b", "A", "a.home.internal", "b.local", "c.example.org"] as const;
const paths = ["/", "/x", "/x/", "/x/y", "//x", "/%78/./y"] as const;
const row = (name: fc.Arbitrary<string>): fc.Arbitrary<HttpRoute> =>
  fc
    .record({
      name,
      host: fc.constantFrom(...hosts),
      path: fc.constantFrom(...paths),
      backends: fc.constantFrom([], base.backends),
      allow: fc.constantFrom(undefined, ["lan"], ["tailnet"], ["203.0.113.0/24"]),
      redirect: fc.constantFrom(undefined, { to: "https://x.example/", status: 302 }),
      waiting: fc.constantFrom(undefined, { reason: "Starting", message: "soon" }),
    })
    .map(({ allow, redirect, waiting, ...rest }) => ({
      ...base,
      ...rest,
      ...(allow && { allow }),
      ...(redirect && { redirect }),
      ...(waiting && { waiting }),
    }));
const request = fc.record({
  host: fc.oneof(fc.constantFrom<(string | undefined)[]>(...hosts, "A.HOME.INTERNAL.:80", undefined), fc.string()),
  target: fc.oneof(fc.constantFrom(...paths, "/x/y/z?q", "/xy"), fc.string()),
  from: fc.constantFrom("192.168.1.9", "100.64.0.9", "203.0.113.9", "127.0.0.1", "nonsense"),
});
const zone = "home.internal";

test("any table and any request have exactly one answer, and it is the same each time", () => {
  fc.assert(
    fc.property(fc.array(row(fc.constantFrom("r", "s"))), request, (http, asked) => {
      const [decision, again] = [0, 1].map(() => decide(compileRouter({ zone, http }), asked));
      assert.ok(decision !== undefined && ["forward", "wait", "redirect", "page"].includes(decision.kind));
      assert.deepEqual(again, decision);
    }),
  );
});

test("the longest path wins, in whatever order the routes stand", () => {
  fc.assert(
    fc.property(fc.uniqueArray(row(fc.constant("r")), { selector: ({ path }) => normalPath(path) }), request, (routes, asked) => {
      const http = routes.map((each) => ({ ...each, host: "a" }));
      const found = compileRouter({ zone, http }).find(asked.host, asked.target);
      assert.equal(compileRouter({ zone, http: http.toReversed() }).find(asked.host, asked.target), found);
      if (found === undefined || found === "ambiguous") return;
      const covering = http.filter(({ path }) => `${normalPath(asked.target)}/`.startsWith(`${normalPath(path)}/`.replace("//", "/")));
      assert.equal(Math.max(...covering.map(({ path }) => normalPath(path).length)), normalPath(found.path).length);
    }),
  );
});

test("two tables that differ in one app never differ in what another answers", () => {
  const of = (name: string) =>
    fc.array(
      row(fc.constant(name)).map((each) => ({ ...each, host: hostOf(name, each.host) })),
      { maxLength: 4 },
    );
  fc.assert(
    fc.property(of("a"), of("a"), of("b"), request, (before, after, others, asked) => {
      // An app has its names to itself: that two do not want the same is decided before.
      const [first, second] = [before, after].map((own) => decide(compileRouter({ zone, http: [...own, ...others] }), asked));
      const alone = compileRouter({ zone, http: others }).find(asked.host, asked.target);
      if (alone === undefined) return;
      assert.deepEqual(first, second);
    }),
  );
});

/** The app's own, in one of its spellings. */
function hostOf(name: string, host: string): string {
  return host.includes(".") ? `${name}.home.internal` : name;
}
