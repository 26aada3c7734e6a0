import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, LiveBlock, ROWS_MAX } from "./live-block.ts";
import { output } from "./terminal.ts";

function recorded(columns: number, { rows = 24, rowsMax = ROWS_MAX } = {}): { readonly block: LiveBlock; readonly text: () => string } {
  let text = "";
  const write = (piece: string | Uint8Array): boolean => {
    text += String(piece);
    return true;
  };
  return { block: new LiveBlock(output({ isTTY: true, columns, rows, write }, {}, { noColor: true }), rowsMax), text: () => text };
}

test("the block is drawn over itself, and a shorter one leaves nothing of the longer", () => {
  const { block, text } = recorded(80);
  block.draw(["one", "two"]);
  block.draw(["three"]);
  block.clear();
  assert.equal(text(), "one\u001b[K\ntwo\u001b[K\n\u001b[J\u001b[2A\rthree\u001b[K\n\u001b[J\u001b[1A\r\u001b[J");
});

test("no more rows than fit are drawn, and the rest is counted", () => {
  const { block, text } = recorded(80);
  block.draw(Array.from({ length: ROWS_MAX + 5 }, (_, index) => `row ${index}`));
  assert.equal(text().split("\n").length - 1, ROWS_MAX);
  assert.match(text(), /and 6 more/);
});

test("a block is never higher than its terminal: what has left the screen cannot be drawn over", () => {
  const { block, text } = recorded(80, { rows: 5, rowsMax: Number.POSITIVE_INFINITY });
  block.draw(["1", "2", "3", "4"]);
  block.draw(["1", "2", "3", "4", "5", "6"]);
  const drawn = (lines: readonly string[]): string => `${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`;
  assert.equal(text(), `${drawn(["1", "2", "3", "4"])}\u001b[4A\r${drawn(["1", "2", "3", "  and 3 more"])}`);
});

test("a line that would wrap is cut, its colours are not", () => {
  assert.equal(cut("12345678", 8), "12345678");
  assert.equal(cut("123456789", 8), "1234567…\u001b[0m");
  assert.equal(cut("\u001b[31m123456789\u001b[39m", 8), "\u001b[31m1234567…\u001b[0m");
});
