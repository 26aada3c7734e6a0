import assert from "node:assert/strict";
import { test } from "node:test";
import { learnersMaxOf, versionProblem } from "./versions.ts";

test("the same minor version or the next may join", () => {
  assert.equal(versionProblem("3.7.3", "3.7.0"), undefined);
  assert.equal(versionProblem("3.7.3", "3.6.16"), undefined);
});

test("another one is refused in a sentence with the remedy", () => {
  assert.match(
    versionProblem("3.5.16", "3.7.3") ?? "",
    /it runs etcd 3\.5\.16 and the house 3\.7\.3.*Upgrade Fossora on the computer that wants to join/,
  );
  assert.match(versionProblem("3.8.0", "3.6.0") ?? "", /Upgrade Fossora on the computers of the house first/);
  assert.match(versionProblem("4.0.0", "3.7.3") ?? "", /only the same minor version/);
  assert.match(versionProblem("", "3.7.3") ?? "", /no etcd of its own/);
});

test("several learners are allowed only where every member knows the flag", () => {
  assert.equal(learnersMaxOf(["3.7.3", "3.6.0"], 3), 3);
  assert.equal(learnersMaxOf(["3.7.3", "3.5.16"], 3), 1);
});
