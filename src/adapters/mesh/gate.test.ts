import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, sourceOf } from "./gate.ts";

const limits = { strangersMax: 4, strangersPerSourceMax: 2, favouredMax: 3 };

test("one source takes two places, all strangers together four, and the house's nodes have places of their own", () => {
  const gate = new Gate(limits);
  const enter = (address: string, favoured = false): boolean => gate.enter(address, favoured, 0) !== undefined;
  assert.deepEqual([enter("10.0.0.1"), enter("10.0.0.1"), enter("10.0.0.1")], [true, true, false]);
  assert.deepEqual([enter("10.0.0.2"), enter("10.0.0.3"), enter("10.0.0.4")], [true, true, false]);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => enter("10.0.0.1", true)),
    [true, true, true, false],
  );
});

test("a place is free again when its connection left, once", () => {
  const gate = new Gate(limits);
  const [first, second] = [gate.enter("10.0.0.1", false, 0), gate.enter("10.0.0.1", false, 0)];
  first?.leave();
  first?.leave();
  assert.ok(gate.enter("10.0.0.1", false, 0));
  assert.equal(gate.enter("10.0.0.1", false, 0), undefined);
  second?.leave();
  assert.ok(gate.enter("10.0.0.1", false, 0));
});

test("a stranger that proves to be a member makes room for a stranger, as long as there is room for members", () => {
  const gate = new Gate(limits);
  for (let member = 0; member < limits.favouredMax; member++) assert.ok(gate.enter("10.0.0.1", false, 0)?.promote());
  const fourth = gate.enter("10.0.0.1", false, 0);
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
  const gate = new Gate({ strangersMax: 1e9, strangersPerSourceMax: 1e9, favouredMax: 1 });
  let entered = 0;
  for (let index = 0; index < 10_000; index++) if (gate.enter(`10.${index >> 8}.${index & 255}.1`, false, 0)) entered++;
  assert.equal(entered, 200);
});
