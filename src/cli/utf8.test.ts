import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../api/errors.ts";
import { utf8 } from "./utf8.ts";

test("utf8() is the text as it stands, with a mark at its start too", () => {
  assert.equal(utf8(Buffer.from("\uFEFFkäse: 🧀\r\n"), "it"), "\uFEFFkäse: 🧀\r\n");
});

test("utf8() refuses what would be changed", () => {
  for (const bytes of [[0xe4], [0xff, 0xfe, 0x61, 0x00], [0x89, 0x50, 0x4e, 0x47], [0xed, 0xa0, 0x80]])
    assert.throws(
      () => utf8(Uint8Array.from(bytes), '"a.yaml"'),
      (error) => error instanceof UserError && error.message === 'Cannot read "a.yaml": it is not UTF-8 text.',
    );
});
