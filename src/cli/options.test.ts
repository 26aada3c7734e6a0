import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { addDuration } from "./options.ts";

function timeoutOf(text: string): unknown {
  const command = addDuration(new Command(), "--timeout <duration>", "how long")
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(["--timeout", text], { from: "user" }).opts()["timeout"];
}

test("a duration is read in milliseconds, and is 24 days at most", () => {
  assert.equal(timeoutOf("24d"), 24 * 86_400_000);
  assert.throws(() => timeoutOf("25d"), /argument '25d' is invalid. It should be 24d or less/);
  assert.throws(() => timeoutOf("soon"), /argument 'soon' is invalid. It should look like 30s/);
});
