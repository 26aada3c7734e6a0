import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { judge, worthAsking } from "../../trust/tailnet.ts";
import { busLineTells, readSplitDns, readStatus, readWhois } from "./answers.ts";

const recorded = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, "../../../test/lab/fixtures/tailscale", name), "utf8");
const none = { tags: [] };

test("a running machine knows itself and its peers of all kinds", () => {
  const state = readStatus(recorded("status.json"));
  assert.ok(state.kind === "running");
  assert.deepEqual(state.self, {
    id: "nLab0000001CNTRL",
    name: "h1.tail.lab",
    os: "linux",
    userId: "4100000000000001",
    tags: [],
    addresses: ["100.64.0.1", "fd7a:115c:a1e0:ab12:4843:cd96:6240:1"],
    online: true,
    expired: false,
    shared: false,
  });
  assert.deepEqual(
    state.peers.map(({ name, tags }) => [name, ...tags]),
    [["h2.tail.lab"], ["laptop.tail.lab"], ["nas.tail.lab", "tag:fossora", "tag:nas"]],
  );
  assert.equal(state.userspace, false);
  const asked = (tags: readonly string[]): readonly string[] => worthAsking(state, { tags }).map(({ name }) => name);
  assert.deepEqual(asked([]), ["h2.tail.lab"]);
  assert.deepEqual(asked(["tag:nas"]), ["h2.tail.lab", "nas.tail.lab"]);
});

test("an expired peer is not asked, online or not", () => {
  const state = readStatus(recorded("status-peer-expired.json"));
  assert.ok(state.kind === "running" && state.peers.some(({ expired, online }) => expired && online));
  assert.deepEqual(
    worthAsking(state, none).map(({ name }) => name),
    ["h2.tail.lab"],
  );
});

test("a machine that is not running knows nothing, also where it still tells an old list", () => {
  const states = { "control-unreachable": "NoState", "needs-login": "NeedsLogin", stopped: "Stopped", expired: "NeedsLogin" };
  for (const [name, state] of Object.entries(states))
    assert.deepEqual(readStatus(recorded(`status-${name}.json`)), { kind: "unknown", state }, name);
  assert.deepEqual(readStatus("{}"), { kind: "unknown", state: "no state" });
});

test("a running machine without peers has none, whether null or absent", () => {
  const self = { ID: "n1", UserID: 7, TailscaleIPs: null };
  for (const peers of [{ Peer: null }, {}]) {
    const state = readStatus(JSON.stringify({ BackendState: "Running", TUN: false, Self: self, ...peers }));
    assert.ok(state.kind === "running" && state.userspace);
    assert.deepEqual(state.peers, []);
    assert.deepEqual(state.self.addresses, []);
  }
});

test("users whose ids differ in the last digit of an int64 are two", () => {
  const self = readStatus('{"BackendState":"Running","Self":{"ID":"n1","UserID":9223372036854775806}}');
  const other = readWhois('{"Node":{"StableID":"n2","User":9223372036854775807},"UserProfile":{"LoginName":"bob"}}');
  assert.ok(self.kind === "running");
  assert.equal(self.self.userId, "9223372036854775806");
  assert.equal(judge(self.self, other, none).trust, "refused");
});

test("whois names the device, its user, tags and what the policy grants", () => {
  const user = readWhois(recorded("whois-user.json"));
  assert.deepEqual(user, {
    id: "nLab0000003CNTRL",
    name: "laptop.tail.lab",
    os: "linux",
    userId: "4100000000000002",
    login: "bob@lab.test",
    tags: [],
    addresses: ["100.64.0.3", "fd7a:115c:a1e0:ab12:4843:cd96:6240:3"],
    expired: false,
    capabilities: {},
  });
  const tagged = readWhois(recorded("whois-tagged.json"));
  assert.deepEqual(tagged?.tags, ["tag:fossora", "tag:nas"]);
  const capability = readWhois(recorded("whois-capability.json"));
  assert.deepEqual(capability?.capabilities, { "fossora.dev/cap/fossora": [{ role: "admin", join: true }] });
  const { self } = readStatus(recorded("status.json")) as { readonly self: Parameters<typeof judge>[0] }; // it is running
  assert.equal(judge(self, user, none).trust, "refused");
  assert.equal(judge(self, tagged, none).trust, "refused");
  assert.equal(judge(self, tagged, { tags: ["tag:nas"] }).trust, "trusted");
  assert.equal(judge(self, capability, none).trust, "trusted");
});

test("split DNS is a list of servers by zone, and none where routes are absent", () => {
  assert.deepEqual(readSplitDns(recorded("dns-config.json")), { "home.internal": ["100.64.0.1", "100.64.0.2"] });
  assert.deepEqual(readSplitDns('{"Domains":["tail.lab"],"Proxied":true}'), {});
});

test("lines of the bus that only carry a version are no reason to look, all others are", () => {
  const tells = recorded("watch-ipn-bus.jsonl").trim().split("\n").map(busLineTells);
  assert.deepEqual(tells, [true, true, true, false, true, true, true, true]);
  assert.equal(busLineTells("not JSON at all"), true);
  assert.equal(busLineTells(""), false);
});
