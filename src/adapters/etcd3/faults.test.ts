import assert from "node:assert/strict";
import test from "node:test";
import { faultOf } from "./faults.ts";

// Texts as grpc-js 1.14.7 and etcd 3.7.3 gave them.
test("a request that never left its host was refused", () => {
  for (const text of [
    "14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ",
    "14 UNAVAILABLE: Channel closed before call started",
    "4 DEADLINE_EXCEEDED: Deadline exceeded after 4.001s,Waiting for LB pick",
    "14 UNAVAILABLE: etcdserver: no leader",
  ])
    assert.equal(faultOf(new Error(text)), "refused", text);
});

test("a write for which etcd has no room left is refused by every host alike", () => {
  assert.equal(faultOf(new Error("8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded")), "full");
});

test("a request whose connection broke, or whose answer was not waited for, may have happened", () => {
  for (const text of [
    "14 UNAVAILABLE: Connection dropped",
    "14 UNAVAILABLE: read ECONNRESET",
    "4 DEADLINE_EXCEEDED: Deadline exceeded after 4.000s,LB pick: 0.001s,remote_addr=127.0.0.1:2379",
    "14 UNAVAILABLE: etcdserver: request timed out",
    "14 UNAVAILABLE: etcdserver: request timed out, possibly due to previous leader failure",
    "14 UNAVAILABLE: etcdserver: leader changed",
    "something new",
  ])
    assert.equal(faultOf(new Error(text)), "unanswered", text);
});

test("a request that etcd finds wrong is wrong everywhere", () => {
  for (const text of [
    "3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request",
    "Lease 1 is expired: etcdserver: requested lease not found",
  ])
    assert.equal(faultOf(new Error(text)), "invalid", text);
});

test("what is more than one message may hold is too large for every host, and did not happen", () => {
  for (const text of [
    "8 RESOURCE_EXHAUSTED: Received message larger than max (78643200 vs 67108864)",
    "8 RESOURCE_EXHAUSTED: grpc: received message larger than max (9600000 vs. 8912896)",
    "3 INVALID_ARGUMENT: etcdserver: request is too large",
  ])
    assert.equal(faultOf(new Error(text)), "tooLarge", text);
});
