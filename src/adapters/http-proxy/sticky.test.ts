import assert from "node:assert/strict";
import { test } from "node:test";
import type { Backend, HttpRoute } from "../../api/table.ts";
import { stickyCookie, stickyFirst } from "./sticky.ts";

const backend = (instance: string): Backend => ({ node: "nas", instance, host: "10.0.0.1", port: 80 });
const [one, two, three] = [backend("aaaa"), backend("bbbb"), backend("cccc")];
const route: HttpRoute = { name: "app", host: "app", path: "/", backends: [], holdMs: 0, forwardedHeaders: "standard", sticky: true };

test("the cookie of a backend brings the next request to it, whatever else the browser sends", () => {
  const cookie = stickyCookie(route, two, undefined)?.split(";")[0] ?? "";
  assert.deepEqual(stickyFirst(route, [one, two, three], `theme=dark; ${cookie}; x=y`), [two, one, three]);
  assert.equal(stickyCookie(route, two, `theme=dark; ${cookie}`), undefined, "the browser has it");
});

test("where that backend is gone another one answers, and its cookie takes the place", () => {
  const cookie = stickyCookie(route, two, undefined)?.split(";")[0] ?? "";
  assert.deepEqual(stickyFirst(route, [one, three], cookie), [one, three]);
  assert.notEqual(stickyCookie(route, one, cookie), undefined);
});

test("a cookie is one of its route alone, and names nothing of the house", () => {
  const cookie = stickyCookie({ ...route, path: "/api" }, one, undefined) ?? "";
  assert.match(cookie, /^fossora-app=[a-z2-7]{16}; Path=\/api; HttpOnly; SameSite=Lax$/);
  const other = stickyCookie({ ...route, name: "other" }, two, undefined)?.split(";")[0] ?? "";
  assert.deepEqual(stickyFirst(route, [one, two], other), [one, two]);
});

test("its path is one that a header can hold, as browsers ask for it", () => {
  for (const [path, written] of [
    ["/日本;a", "/%E6%97%A5%E6%9C%AC%3Ba"],
    ["/a%20b", "/a%20b"],
  ] as const)
    assert.ok(stickyCookie({ ...route, path }, one, undefined)?.includes(`; Path=${written}; HttpOnly`), path);
});
