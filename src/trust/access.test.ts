import assert from "node:assert/strict";
import { test } from "node:test";
import { mayAsk } from "./access.ts";

test("a stranger may say hello and ask to join, a node with an expired certificate may renew it, members may ask anything", () => {
  const methods = ["hello", "join", "renew", "api", "logs", "", "HELLO", "hello "];
  const allowed = (standing: "member" | "stranger", known: boolean): readonly string[] =>
    methods.filter((method) => mayAsk(method, { standing, known }));
  assert.deepEqual(allowed("stranger", false), ["hello", "join"]);
  assert.deepEqual(allowed("stranger", true), ["hello", "join", "renew"]);
  assert.deepEqual(allowed("member", false), methods);
});
