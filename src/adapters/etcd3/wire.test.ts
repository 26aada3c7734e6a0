import assert from "node:assert/strict";
import test from "node:test";
import { afterKey, endOfPrefix, toStoreEvent, toTxnRequest } from "./wire.ts";

const pair = {
  key: Buffer.from("/a"),
  value: Buffer.from("é"),
  version: "2",
  create_revision: "5",
  mod_revision: "9007199254740991",
  lease: "0",
};

test("a range ends before the first key that lacks the prefix", () => {
  assert.equal(endOfPrefix("/fossora/").toString(), "/fossora0");
  assert.ok(Buffer.compare(Buffer.from("/fossora/~\u{10ffff}"), endOfPrefix("/fossora/")) < 0);
});

test("no key lies between a key and the one after it", () => {
  assert.deepEqual(afterKey("/a"), Buffer.from([0x2f, 0x61, 0]));
});

test("a put carries its entry, a delete its key and revision", () => {
  assert.deepEqual(toStoreEvent({ type: "Put", kv: pair, prev_kv: pair }), {
    type: "put",
    entry: { key: "/a", value: "é", version: 2, createRevision: 5, modRevision: Number.MAX_SAFE_INTEGER },
  });
  assert.deepEqual(toStoreEvent({ type: "Delete", kv: pair, prev_kv: pair }), {
    type: "delete",
    key: "/a",
    modRevision: Number.MAX_SAFE_INTEGER,
  });
});

test("a transaction compares mod revisions, 0 for a key that must not exist", () => {
  const request = toTxnRequest({ compare: [{ key: "/a", modRevision: 0 }], writes: [{ put: "/a", value: "1" }, { delete: "/b" }] });
  assert.deepEqual(request, {
    compare: [{ result: "Equal", target: "Mod", key: Buffer.from("/a"), mod_revision: 0 }],
    success: [{ request_put: { key: Buffer.from("/a"), value: Buffer.from("1") } }, { request_delete_range: { key: Buffer.from("/b") } }],
  });
});

test("what is put for a time belongs to a lease", () => {
  const request = toTxnRequest({ compare: [], writes: [{ put: "/a", value: "1" }, { delete: "/b" }] }, "77");
  assert.deepEqual(request.success, [
    { request_put: { key: Buffer.from("/a"), value: Buffer.from("1"), lease: "77" } },
    { request_delete_range: { key: Buffer.from("/b") } },
  ]);
});
