import assert from "node:assert/strict";
import { test } from "node:test";
import { STYLE } from "./page-style.ts";
import * as pages from "./pages.ts";

const evil = `<img src=x onerror="alert('1')">&`;
const everyPage = [
  pages.unknownHost(evil),
  pages.waiting(evil, { reason: evil, message: evil, next: evil }),
  pages.unreachable(evil),
  pages.notSynced(),
  pages.forbidden(),
  pages.tooLarge(),
  pages.timedOut(evil),
  pages.badRequest(evil),
  pages.signIn(evil),
  pages.busy(evil),
  pages.noSignIn(evil),
];

test("no page lets through what a stranger wrote", () => {
  for (const page of everyPage) assert.ok(!page.html.includes("<img") && !page.html.includes(`"alert`), page.html);
});

test("every page is whole, for screen readers and phones, and loads nothing", () => {
  for (const { html } of everyPage) {
    assert.match(html, /^<!doctype html>\n<html lang="en">/);
    assert.match(html, /<meta name="viewport" content="width=device-width,initial-scale=1">/);
    assert.equal(/<title>([^<]+)<\/title>/.exec(html)?.[1], /<h1>([^<]+)<\/h1>/.exec(html)?.[1]);
    assert.equal(html.match(/<main>/g)?.length, 1);
    assert.ok(html.includes(`<style>${STYLE}</style>`));
    assert.doesNotMatch(html, /<script|<link|<[^>]*\s(?:on\w+|src|href|style)=|url\(|@import/i);
  }
});

test("pages that get better by themselves ask again, the others do not", () => {
  const starting = pages.waiting("a", { reason: "Starting", message: "soon" });
  for (const page of [starting, pages.unreachable("a"), pages.notSynced()]) {
    assert.ok(page.refresh !== undefined && page.html.includes(`http-equiv="refresh" content="${page.refresh}"`));
  }
  for (const page of [pages.unknownHost("a"), pages.forbidden(), pages.tooLarge(), pages.timedOut("a")])
    assert.ok(!page.html.includes("http-equiv"));
});

test("an app that starts is said to start, one that cannot says why and what to type, and asks again less often", () => {
  const starting = pages.waiting("films", { reason: "Pulling", message: "It is being pulled" });
  const failed = pages.waiting("films", {
    reason: "ImageNotFound",
    message: "There is no such image. Check its name",
    next: "fossora describe service/films",
  });
  const pending = pages.waiting("films", { reason: "Pending", message: "No node runs films yet" });
  assert.match(pending.html, /<h1>films is not running yet<\/h1>/);
  const stopped = pages.waiting("films", { reason: "Stopped", message: "films is stopped" });
  assert.match(starting.html, /<h1>films is starting<\/h1>[^]*It is being pulled\./);
  assert.match(
    failed.html,
    /<h1>films is not available<\/h1>[^]*Check its name\.[^]*ImageNotFound[^]*<code>fossora describe service\/films</,
  );
  assert.match(stopped.html, /<h1>films is stopped<\/h1>/);
  assert.ok((failed.refresh ?? 0) > (starting.refresh ?? 0));
});

test("an unknown host learns no name but its own", () => {
  assert.ok(pages.unknownHost("x.home.internal").html.includes("<b>x.home.internal</b>"));
  assert.ok(pages.unknownHost("").html.includes("<b>this address</b>"));
});
