import assert from "node:assert/strict";
import { test } from "node:test";
import { coversUrls, joinUrls } from "../joining/peer-urls.ts";
import { clientUrls, peerUrls } from "./store-urls.ts";

test("a store is reached on the LAN first and over the tailnet, however the LAN's addresses begin", () => {
  for (const lan of ["192.168.1.2", "10.0.0.2", "172.16.0.2"]) {
    const addresses = [lan, "100.64.0.2", "fd7a:115c:a1e0::2"];
    assert.equal(joinUrls(peerUrls(addresses, 2380)), `https://${lan}:2380,https://[::ffff:100.64.0.2]:2380`);
    assert.deepEqual(clientUrls(addresses, 2379), [`https://${lan}:2379`, "https://100.64.0.2:2379"]);
  }
});

test("a LAN that is away for a moment is no move", () => {
  const [both, alone] = [["192.168.1.2", "100.64.0.2"], ["100.64.0.2"]].map((addresses) => joinUrls(peerUrls(addresses, 2380)));
  assert.ok(coversUrls(both ?? "", alone ?? "") && alone !== "");
});

test("of many links two are told, and without any it is loopback", () => {
  assert.deepEqual(peerUrls(["fd00::2"], 2380), ["https://[fd00::2]:2380"]);
  assert.deepEqual(peerUrls(["10.0.0.1", "10.0.1.1", "10.0.2.1"], 2380), ["https://10.0.0.1:2380", "https://10.0.1.1:2380"]);
  assert.deepEqual(peerUrls([], 2380), ["https://127.0.0.1:2380"]);
});
