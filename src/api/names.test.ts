import assert from "node:assert/strict";
import { test } from "node:test";
import { closest, dnsLabel, isDnsLabel, joinLabel, lengthProblem } from "./names.ts";

test("DNS labels are lower case, at most 63 long and begin and end with a letter or digit", () => {
  assert.ok(["a", "jellyfin", "a-1", "1a", "a".repeat(63)].every(isDnsLabel));
  assert.ok(!["", "A", "-a", "a-", "a.b", "a_b", "ä", "a".repeat(64)].some(isDnsLabel));
});

test("lengthProblem() is of labels of more than 63 and of names of more than 253 characters, without the dot at the end", () => {
  const label = "a".repeat(63);
  const fits = [label, label, label, "a".repeat(61)].join(".");
  assert.deepEqual([lengthProblem(`${fits}.`), lengthProblem(`*.${label}`)], [undefined, undefined]);
  assert.match(lengthProblem(`${fits}a`) ?? "", /253 characters at most, has 254/);
  assert.match(lengthProblem(`b.${label}a`) ?? "", /63 characters at most between its dots: 'a{20}\.\.\.' has 64/);
});

test("any text becomes a DNS label", () => {
  assert.deepEqual(
    ["My NAS.local", "--", "Büro", "x".repeat(80)].map((text) => dnsLabel(text, "node")),
    ["my-nas-local", "node", "b-ro", "x".repeat(63)],
  );
});

test("joined labels stay different where they are cut or lose characters", () => {
  assert.equal(joinLabel("a", "b"), "a-b");
  const long = [
    joinLabel("a".repeat(63), "80", "tcp"),
    joinLabel("a".repeat(63), "81", "tcp"),
    joinLabel("a", "b c"),
    joinLabel("a", "b_c"),
  ];
  assert.ok(long.every(isDnsLabel));
  assert.equal(new Set(long).size, long.length);
});

test("the word that was meant is few letters away", () => {
  assert.equal(closest("replica", ["image", "replicas"]), "replicas");
  assert.equal(closest("prot", ["port", "path"]), "port");
  assert.equal(closest("Image", ["image"]), "image");
  assert.equal(closest("environment", ["env", "image"]), undefined);
});
