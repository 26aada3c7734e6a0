import assert from "node:assert/strict";
import { test } from "node:test";
import { fqdn, hostNames, httpUrl, normalHost } from "./urls.ts";

test("fqdn() puts single labels into the zone and leaves full names alone", () => {
  assert.equal(fqdn("Jellyfin", "home.internal"), "jellyfin.home.internal");
  assert.equal(fqdn("photos.example.com", "home.internal"), "photos.example.com");
});

test("httpUrl() shows a port only where no node holds port 80", () => {
  assert.equal(httpUrl("jellyfin", "home.internal", []), "http://jellyfin.home.internal");
  assert.equal(httpUrl("jellyfin", "home.internal", [8080, 80]), "http://jellyfin.home.internal");
  assert.equal(httpUrl("jellyfin", "home.internal", [8080]), "http://jellyfin.home.internal:8080");
});

test("a single label has three names, a full name has itself", () => {
  assert.deepEqual(hostNames("Films", "home.internal"), ["films", "films.home.internal", "films.local"]);
  assert.deepEqual(hostNames("photos.example.org.", "home.internal"), ["photos.example.org"]);
});

test("normalHost() leaves an IPv6 literal whole", () => {
  assert.equal(normalHost("[::1]:8080"), "[::1]");
  assert.equal(normalHost("JellyFin.Home.Internal.:80"), "jellyfin.home.internal");
});
