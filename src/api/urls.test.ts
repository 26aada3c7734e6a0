import assert from "node:assert/strict";
import { test } from "node:test";
import { fqdn, httpUrl } from "./urls.ts";

test("fqdn() puts single labels into the zone and leaves full names alone", () => {
  assert.equal(fqdn("Jellyfin", "home.internal"), "jellyfin.home.internal");
  assert.equal(fqdn("photos.example.com", "home.internal"), "photos.example.com");
});

test("httpUrl() shows a port only where no node holds port 80", () => {
  assert.equal(httpUrl("jellyfin", "home.internal", []), "http://jellyfin.home.internal");
  assert.equal(httpUrl("jellyfin", "home.internal", [8080, 80]), "http://jellyfin.home.internal");
  assert.equal(httpUrl("jellyfin", "home.internal", [8080]), "http://jellyfin.home.internal:8080");
});
