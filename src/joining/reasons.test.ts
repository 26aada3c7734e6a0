import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshRefusal, MeshUnreachable } from "../api/errors.ts";
import { failureOf, searchProblems, type Search } from "./reasons.ts";

const search: Search = { tailnet: "running", named: [], failures: [], wall: "2026-11-27T10:00:00Z" };
const says = (more: Partial<Search>): string =>
  searchProblems({ ...search, ...more })
    .map(({ message, next }) => `${message} -> ${next}`)
    .join("\n");

test("nothing is said where nothing is known to be wrong", () => assert.equal(says({}), ""));

test("a clock from before the program, and a tailnet that is away or not connected", () => {
  assert.match(says({ wall: "1970-01-01T00:00:12Z" }), /clock says 1970-01-01.*timedatectl/);
  assert.match(says({ tailnet: "starting" }), /not connected -> sudo tailscale up/);
  assert.match(says({ tailnet: "absent" }), /no tailscaled runs here.*fossora invite/);
  assert.equal(says({ tailnet: "absent", named: ["nas"] }), "", "whoever is named is asked there");
});

test("each named address says why it was no help, others are counted", () => {
  const at = (address: string, failure: Search["failures"][number]["failure"]) => ({ address, failure });
  assert.match(says({ named: ["nas"], failures: [at("nas", "silent")] }), /^nas does not answer on port 733.*--open-firewall$/);
  assert.match(says({ named: ["nas"], failures: [at("nas", "nothing listens")] }), /nothing listens on port 733 of nas/);
  assert.match(says({ named: ["nas"], failures: [at("nas", "unknown name")] }), /no name that this computer can look up/);
  assert.match(says({ named: ["nas"], failures: [at("nas", "not understood")] }), /fossora version/);
  assert.match(says({ named: ["nas"], failures: [at("nas", "no member")] }), /removed from that house/);
  assert.match(says({ failures: [{ ...at("100.64.0.9", "stranger"), name: "tv" }] }), /^tv at 100\.64\.0\.9 is somebody else's/);
  assert.match(says({ failures: [at("a", "silent"), at("b", "nothing listens")] }), /^2 other devices were asked and do not answer/);
  assert.match(says({ failures: [at("a", "silent")] }), /^1 other device was asked and does not answer/);
});

test("what was thrown tells which of them it is", () => {
  const unreachable = (why: string): unknown => new MeshUnreachable(`Cannot reach nas on port 733: ${why}`);
  assert.deepEqual(
    [
      unreachable("connect ECONNREFUSED 10.0.0.1:733"),
      unreachable("no answer within 2000 ms"),
      unreachable("connect EHOSTUNREACH"),
      unreachable("getaddrinfo ENOTFOUND nas"),
      unreachable("it proved no node's key"),
      new MeshRefusal("Stranger", "tv"),
      new MeshRefusal("NotAllowed", "only members"),
      new MeshRefusal("UnknownMethod", "There is no hello"),
    ].map(failureOf),
    ["nothing listens", "silent", "silent", "unknown name", "not understood", "stranger", "no member", "not understood"],
  );
});
