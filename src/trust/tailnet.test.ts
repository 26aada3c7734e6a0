import assert from "node:assert/strict";
import { test } from "node:test";
import { CAPABILITY, judge, worthAsking, type TailnetDevice, type TailnetSettings, type TailnetState, type TailnetWho } from "./tailnet.ts";

const device: TailnetDevice = {
  id: "n1",
  name: "nas.tail.lab",
  os: "linux",
  userId: "41",
  tags: [],
  addresses: ["100.64.0.1"],
  online: true,
  expired: false,
  shared: false,
};
const who: TailnetWho = {
  id: "n2",
  name: "attic.tail.lab",
  os: "linux",
  userId: "41",
  login: "alice@lab.test",
  tags: [],
  addresses: ["100.64.0.2"],
  expired: false,
  capabilities: {},
};
const none: TailnetSettings = { tags: [] };
const nas = { tags: ["tag:nas"] };

test("computers of the same person are asked, and those with a tag of the house", () => {
  const peers: readonly TailnetDevice[] = [
    { ...device, id: "same", online: false },
    { ...device, id: "mac", os: "macOS" },
    { ...device, id: "phone", os: "iOS" },
    { ...device, id: "friend", userId: "42" },
    { ...device, id: "shared", shared: true },
    { ...device, id: "expired", expired: true },
    { ...device, id: "nowhere", addresses: [] },
    { ...device, id: "tagged", userId: "99", tags: ["tag:nas"] },
    { ...device, id: "other-tag", userId: "99", tags: ["tag:ci"] },
  ];
  const asked = (state: TailnetState, settings = none): readonly string[] => worthAsking(state, settings).map(({ id }) => id);
  const running: TailnetState = { kind: "running", self: device, peers, userspace: false };
  assert.deepEqual(asked(running), ["mac", "same"]);
  assert.deepEqual(asked(running, nas), ["mac", "tagged", "same"]);
  assert.deepEqual(asked({ ...running, self: { ...device, userId: "99", tags: ["tag:ci"] } }), []);
  assert.deepEqual(asked({ kind: "unknown", state: "NoState" }, nas), []);
  assert.deepEqual(asked({ kind: "absent" }, nas), []);
});

test("the same person's computer is trusted, another's is not", () => {
  assert.deepEqual(judge(device, who, none), { trust: "trusted", because: "both belong to alice@lab.test" });
  assert.deepEqual(judge(device, { ...who, userId: "42", login: "bob@lab.test" }, none), {
    trust: "refused",
    because: "it belongs to bob@lab.test, another user",
  });
});

test("two tagged computers are not one person's, whatever their user id", () => {
  const tagged = { ...device, userId: "99", tags: ["tag:ci"] };
  assert.equal(judge(tagged, { ...who, userId: "99", tags: ["tag:ci"] }, none).trust, "refused");
  assert.equal(judge(tagged, who, none).trust, "refused");
  assert.equal(judge(device, { ...who, tags: ["tag:ci"] }, none).trust, "refused");
  assert.equal(judge({ ...device, userId: "0" }, { ...who, userId: "0" }, none).trust, "refused");
});

test("a tag of the house is trusted, any other is not", () => {
  const tagged = { ...who, userId: "99", tags: ["tag:fossora", "tag:nas"] };
  assert.deepEqual(judge(device, tagged, nas), { trust: "trusted", because: "it has the tag tag:nas" });
  assert.equal(judge(device, tagged, { tags: ["tag:ci"] }).trust, "refused");
});

test("the policy's capability lets a stranger in, unless it was given for looking only", () => {
  const granted = (...grants: readonly unknown[]): boolean =>
    judge(device, { ...who, userId: "42", capabilities: { [CAPABILITY]: grants } }, none).trust === "trusted";
  assert.ok(granted({}));
  assert.ok(granted({ role: "admin", join: true }));
  assert.ok(granted({ role: "viewer" }, { role: "node" }));
  assert.ok(!granted({ role: "viewer" }));
  assert.ok(!granted({ role: "admin", join: false }));
  assert.ok(!granted("admin"));
  assert.ok(!granted());
});

test("nobody is trusted who is unknown or expired, or while this machine knows nothing itself", () => {
  assert.equal(judge(device, undefined, none).trust, "needs approval");
  assert.equal(judge(device, { ...who, expired: true }, none).trust, "refused");
  assert.equal(judge(undefined, who, none).trust, "refused");
});

test("only where nobody but root may answer on 733 a person need not be asked, and who is somebody else's is refused whatever it runs", () => {
  for (const os of ["macOS", "windows", "freebsd", ""])
    for (const [other, settings] of [
      [who, none],
      [{ ...who, tags: ["tag:nas"] }, nas],
      [{ ...who, userId: "42", capabilities: { [CAPABILITY]: [{}] } }, none],
    ] as const)
      assert.equal(judge(device, { ...other, os }, settings).trust, "needs approval", os);
  assert.match(
    judge(device, { ...who, os: "macOS" }, none).because,
    /^both belong to alice@lab.test, but on attic.tail.lab \(macOS\) any program may answer on port 733$/,
  );
  assert.equal(judge(device, { ...who, os: "macOS", userId: "42" }, none).trust, "refused");
});
