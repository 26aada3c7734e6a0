import assert from "node:assert/strict";
import { test } from "node:test";
import { chaosWords, USAGE } from "./options.ts";

test("every flag is understood, and has a default", () => {
  assert.deepEqual(chaosWords([]), { minutes: 30, seed: undefined, hosts: 3, calm: false });
  assert.deepEqual(chaosWords(["--minutes", "0.5", "--seed=0", "--hosts", "5", "--calm"]), { minutes: 0.5, seed: 0, hosts: 5, calm: true });
});

test("help is asked for in two ways, and names every flag", () => {
  for (const word of ["--help", "-h"]) assert.equal(chaosWords(["--minutes", "3", word]), undefined);
  for (const flag of ["--minutes", "--seed", "--hosts", "--calm"]) assert.ok(USAGE.includes(flag));
});

test("what is wrong is named, with the way out", () => {
  const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [["--minute", "3"], /"--minute": there is no such flag, see --help/],
    [["-x"], /"-x": there is no such flag/],
    [["three"], /"three": there are only flags/],
    [["--minutes", "0"], /--minutes "0": it is a number above 0/],
    [["--minutes"], /--minutes "": it is a number above 0/],
    [["--minutes", "soon"], /--minutes "soon"/],
    [["--seed", "1.5"], /--seed "1.5": it is a whole number of 0 or more/],
    [["--seed="], /--seed ""/],
    [["--hosts", "4"], /--hosts "4": it is 3 or 5/],
    [["--calm=no"], /--calm "no": it takes no value/],
  ];
  for (const [args, says] of wrong) assert.throws(() => chaosWords(args), says);
});
