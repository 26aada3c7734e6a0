import assert from "node:assert/strict";
import test from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { silentLog } from "../../../test/support/real.ts";
import { Hosts } from "./hosts.ts";

const refused = new Error("connection refused");

function hosts(...addresses: string[]): { clock: VirtualClock; hosts: Hosts } {
  const clock = new VirtualClock(100_000);
  return { clock, hosts: new Hosts(addresses, { clock, log: silentLog }) };
}

test("the first host is asked while it answers, the next after it failed, the first again after 10 s", async () => {
  const { clock, hosts: voters } = hosts("a", "b", "c");
  assert.equal(voters.pick(), "a");
  voters.failed("a", refused);
  assert.equal(voters.pick(), "b");
  await clock.advance(10_000);
  assert.equal(voters.pick(), "a");
});

test("a host that answered is trusted again at once", () => {
  const { hosts: voters } = hosts("a", "b");
  voters.failed("a", refused);
  voters.answered("a");
  assert.equal(voters.pick(), "a");
});

test("when all have failed, the one that failed first is asked", async () => {
  const { clock, hosts: voters } = hosts("a", "b", "c");
  for (const host of ["b", "a", "c"]) {
    voters.failed(host, refused);
    await clock.advance(100);
  }
  assert.equal(voters.pick(), "b");
});

test("a host that leaves the list is told, one that stays keeps what is known of it", () => {
  const { hosts: voters } = hosts("a", "b");
  const [leavingA, leavingB] = [voters.leaving("a"), voters.leaving("b")];
  voters.failed("b", refused);
  voters.set(["b", "c"]);
  assert.equal(leavingA.aborted, true);
  assert.equal(leavingB.aborted, false);
  assert.equal(voters.pick(), "c");
  assert.equal(voters.leaving("a").aborted, true);
});
