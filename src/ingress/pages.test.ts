import assert from "node:assert/strict";
import { test } from "node:test";
import * as pages from "./pages.ts";

const evil = `<img src=x onerror="alert('1')">&`;

test("no page lets through what a stranger wrote", () => {
  for (const page of [
    pages.unknownHost(evil),
    pages.waiting(evil, evil, evil),
    pages.unreachable(evil),
    pages.timedOut(evil),
    pages.badRequest(evil),
    pages.signIn(evil),
    pages.busy(evil),
    pages.noSignIn(evil),
  ]) {
    assert.ok(!page.html.includes("<img") && !page.html.includes(`"alert`), page.html);
  }
});

test("pages that get better by themselves ask again, the others do not", () => {
  for (const page of [pages.waiting("a", "Starting", "soon"), pages.unreachable("a"), pages.notSynced()]) {
    assert.ok(page.refresh !== undefined && page.html.includes(`http-equiv="refresh" content="${page.refresh}"`));
  }
  for (const page of [pages.unknownHost("a"), pages.forbidden(), pages.tooLarge(), pages.timedOut("a")])
    assert.ok(!page.html.includes("http-equiv"));
});
