import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, sourceOf, type Entering, type Place } from "./gate.ts";

const unproven = { perAddressMax: 2, rate: { burst: 10, perSecond: 5 } };
const limits = { strangersMax: 4, strangersPerSourceMax: 2, membersMax: 3, unproven };
const stranger: Entering = { favoured: false, close: () => assert.fail("a stranger makes room for nobody") };
const favoured: Entering = { favoured: true, close: () => {} };

test("one source takes two places, all strangers together four, and the house's nodes have places of their own", () => {
  const gate = new Gate(limits);
  const enter = (address: string): boolean => gate.enter(address, 0, stranger) !== undefined;
  assert.deepEqual([enter("10.0.0.1"), enter("10.0.0.1"), enter("10.0.0.1")], [true, true, false]);
  assert.deepEqual([enter("10.0.0.2"), enter("10.0.0.3"), enter("10.0.0.4")], [true, true, false]);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => gate.enter("10.0.0.1", 0, favoured)?.promote()),
    [true, true, true, false],
  );
});

test("what comes from a node's address and proves nothing takes no member's place, and none of another node's", () => {
  const gate = new Gate(limits);
  for (let index = 0; index < 100; index++) gate.enter("10.0.0.1", 0, favoured);
  for (let member = 0; member < limits.membersMax; member++) assert.ok(gate.enter("10.0.0.2", 0, favoured)?.promote());
});

test("of those from one node's address that have proven nothing the oldest makes room for the newest", () => {
  const gate = new Gate(limits);
  const closed: number[] = [];
  const enter = (index: number): Place => gate.enter("10.0.0.1", 0, { favoured: true, close: () => closed.push(index) }) ?? assert.fail();
  const [first, second, third] = [enter(1), enter(2), enter(3)];
  assert.deepEqual(closed, [1]);
  assert.equal(first.promote(), false);
  first.leave(); // its socket's end is heard later
  assert.ok(second.promote());
  enter(4);
  assert.deepEqual(closed, [1]);
  enter(5);
  assert.deepEqual(closed, [1, 3]);
  third.leave();
  enter(6);
  assert.deepEqual(closed, [1, 3, 4]);
});

test("who proves to be a member may come as often as it likes, and who never does is slowed down", () => {
  const gate = new Gate(limits);
  const enter = (nowMs: number): Place | undefined => gate.enter("10.0.0.1", nowMs, favoured);
  for (let index = 0; index < 100; index++) {
    const place = enter(0) ?? assert.fail("it has to wait");
    assert.ok(place.promote());
    place.leave();
  }
  const unproved = (nowMs: number): number => Array.from({ length: 100 }, () => enter(nowMs)).filter((place) => place !== undefined).length;
  assert.equal(unproved(0), unproven.rate.burst);
  assert.equal(unproved(1_000), unproven.rate.perSecond);
  assert.ok(gate.enter("10.0.0.2", 1_000, favoured)); // another node's
});

test("a place is free again when its connection left, once", () => {
  const gate = new Gate(limits);
  const [first, second] = [gate.enter("10.0.0.1", 0, stranger), gate.enter("10.0.0.1", 0, stranger)];
  first?.leave();
  first?.leave();
  assert.ok(gate.enter("10.0.0.1", 0, stranger));
  assert.equal(gate.enter("10.0.0.1", 0, stranger), undefined);
  second?.leave();
  assert.ok(gate.enter("10.0.0.1", 0, stranger));
});

test("a stranger that proves to be a member makes room for a stranger, as long as there is room for members", () => {
  const gate = new Gate(limits);
  for (let member = 0; member < limits.membersMax; member++) assert.ok(gate.enter("10.0.0.1", 0, stranger)?.promote());
  const fourth = gate.enter("10.0.0.1", 0, stranger);
  assert.equal(fourth?.promote(), false);
  fourth?.leave();
  assert.equal(fourth?.promote(), false);
});

test("a source that asks too often waits, and another does not", () => {
  const gate = new Gate(limits);
  const joins = (address: string, nowMs: number): number =>
    Array.from({ length: 20 }, () => gate.may("join", address, nowMs)).filter(Boolean).length;
  assert.equal(joins("10.0.0.1", 0), 10);
  assert.equal(joins("10.0.0.2", 0), 10);
  assert.equal(joins("10.0.0.1", 4_000), 2);
  assert.equal(joins("10.0.0.1", 3_600_000), 10);
});

test("a source with any number of IPv6 addresses is one, and so is an IPv4 address in either form", () => {
  assert.equal(sourceOf("2001:db8:1:2:3:4:5:6"), sourceOf("2001:db8:1:2::9"));
  assert.equal(sourceOf("2001:db8::1"), "2001:db8:0:0");
  assert.equal(sourceOf("fe80::1%eth0"), "fe80:0:0:0");
  assert.equal(sourceOf("::1"), "0:0:0:0");
  assert.equal(sourceOf("::ffff:10.0.0.1"), "10.0.0.1");
  assert.notEqual(sourceOf("2001:db8:1:2::1"), sourceOf("2001:db8:1:3::1"));
});

test("a flood of sources does not grow without end", () => {
  const gate = new Gate({ ...limits, strangersMax: 1e9, strangersPerSourceMax: 1e9 });
  let entered = 0;
  for (let index = 0; index < 10_000; index++) if (gate.enter(`10.${index >> 8}.${index & 255}.1`, 0, stranger)) entered++;
  assert.equal(entered, 200);
});
