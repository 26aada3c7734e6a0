import assert from "node:assert/strict";
import { test } from "node:test";
import { view } from "../../test/fakes/joining.ts";
import { survives } from "./survives.ts";

const table: readonly (readonly [Parameters<typeof view>[0], string])[] = [
  [{ voters: "a" }, "nothing: start a second and a third computer"],
  [{ voters: "a", learners: "b" }, "nothing by itself: start a third computer"],
  [{ voters: "a", learners: "b", dead: "b" }, "nothing: the other computer is not ready yet"],
  [{ voters: "a", learners: "bc" }, "nothing yet: the votes are still being given out"],
  [{ voters: "abc" }, "any one of three"],
  [{ voters: "abc", dead: "b" }, "nothing until b is back"],
  [{ voters: "abc", learners: "d", dead: "b" }, "nothing until b is back or its standby has taken over"],
  [{ voters: "abc", dead: "bc" }, "nothing is written until b and c are back"],
  [{ voters: "abc", learners: "d" }, "any one of four, then heals itself"],
  [{ voters: "abcde" }, "any two of five"],
  [{ voters: "abcde", dead: "b" }, "any one of the four that are there"],
  [{ voters: "abcde", learners: "f", workers: "gh" }, "any two of eight, then heals itself"],
];
for (const [seen, sentence] of table) test(`the house survives ${sentence}`, () => assert.equal(survives(view(seen)), sentence));
