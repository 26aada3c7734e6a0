import assert from "node:assert/strict";
import { test } from "node:test";
import { readBuffers } from "./read-buffers.ts";

test("so many buffers are lent and no more, until one is given back or left", () => {
  const buffers = readBuffers();
  const lent: Buffer[] = [];
  for (let next = buffers.lend(); next !== undefined; next = buffers.lend()) lent.push(next);
  assert.equal(lent.length, 64);
  const [first, second, ...others] = lent as [Buffer, Buffer, ...Buffer[]];
  buffers.giveBack(first);
  assert.equal(buffers.lend(), first, "it is read into again");
  buffers.leave(second);
  assert.notEqual(buffers.lend(), undefined);
  assert.equal(buffers.lend(), undefined);
  buffers.giveBack(buffers.take());
  assert.equal(buffers.lend(), undefined, "what was never lent makes no room");
  for (const each of others) buffers.leave(each);
});
