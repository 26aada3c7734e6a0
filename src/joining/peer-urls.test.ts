import assert from "node:assert/strict";
import { test } from "node:test";
import { coversUrls, hostsOfUrls, joinUrls, sharesUrl, splitUrls, withoutUrls } from "./peer-urls.ts";

const lan = "https://192.168.1.2:2380";
const tailnet = "https://[::ffff:100.64.0.2]:2380";

test("the same addresses are the same text, the LAN's first", () => {
  assert.equal(joinUrls([tailnet, lan, lan]), `${lan},${tailnet}`);
  assert.deepEqual(splitUrls(joinUrls([tailnet, lan])), [lan, tailnet]);
  assert.deepEqual([joinUrls([]), splitUrls("")], ["", []]);
});

test("two that have one address in common are at the same place", () => {
  assert.ok(sharesUrl(`${lan},${tailnet}`, `https://192.168.1.9:2380,${tailnet}`));
  assert.ok(!sharesUrl(lan, tailnet) && !sharesUrl("", ""));
});

test("what is another one's is left out", () => {
  assert.equal(withoutUrls(`${lan},${tailnet}`, [`https://192.168.1.9:2380,${lan}`]), tailnet);
  assert.deepEqual([withoutUrls(lan, [lan]), withoutUrls(lan, []), withoutUrls("", [lan])], ["", lan, ""]);
});

test("one that lacks an address for a moment has not moved, one with another has", () => {
  assert.ok(coversUrls(`${lan},${tailnet}`, lan) && coversUrls(lan, lan));
  assert.ok(!coversUrls(`${lan},${tailnet}`, `https://192.168.1.9:2380,${tailnet}`));
});

test("hosts are told without brackets, and IPv4 as such", () => {
  assert.deepEqual(hostsOfUrls(`${lan},${tailnet},https://[fd00::1]:2380,https://b:2380`), ["192.168.1.2", "100.64.0.2", "fd00::1", "b"]);
  assert.deepEqual(hostsOfUrls("nonsense"), []);
});
