import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { addNodeFlags, typedNodeFlags } from "./node-flags.ts";

function typed(...words: readonly string[]): readonly string[] {
  const command = addNodeFlags(new Command()).option("--timeout <duration>", "", "5m").option("--no-color").option("-q, --quiet");
  return typedNodeFlags(command.parse(words, { from: "user" }));
}

test("flags of a node are told as they were typed, in whatever order, and others are not", () => {
  assert.deepEqual(typed("--mdns=off", "--node-name", "pi4", "--timeout", "1m", "--no-color", "-q", "--dns-port", "5300"), [
    "--node-name pi4",
    "--dns-port 5300",
    "--mdns off",
  ]);
  assert.deepEqual(typed(), []);
});

test("a witness is told from one that is none any more", () => {
  assert.deepEqual([typed("--witness"), typed("--no-witness")], [["--witness"], ["--no-witness"]]);
});
