import assert from "node:assert/strict";
import { test } from "node:test";
import { sameWords, wordsOf } from "./words.ts";
import { WORDS } from "./word-list.ts";

test("the list has 2048 different words in order, told apart by their first four letters", () => {
  assert.equal(WORDS.length, 2048);
  assert.deepEqual([...WORDS].sort(), WORDS);
  assert.equal(new Set(WORDS.map((word) => word.slice(0, 4))).size, 2048);
  assert.ok(WORDS.every((word) => /^[a-z]{3,8}$/.test(word)));
});

test("a key has always the same six words, and another key has others", () => {
  const words = wordsOf(Buffer.from("a public key as DER"));
  assert.equal(words, "boss exhaust conduct avocado material opera");
  assert.equal(wordsOf(Buffer.from("a public key as DER")), words);
  const many = new Set(Array.from({ length: 2_000 }, (_, index) => wordsOf(Buffer.from(`key ${index}`))));
  assert.equal(many.size, 2_000);
  assert.ok([...many].every((each) => each.split(" ").every((word) => WORDS.includes(word))));
});

test("words are the same whatever the blanks and capitals, and not when one differs", () => {
  assert.ok(sameWords(" Brand  sound, cake-abandon zoo art ", "brand sound cake abandon zoo art"));
  assert.ok(!sameWords("brand sound cake abandon zoo", "brand sound cake abandon zoo art"));
});
