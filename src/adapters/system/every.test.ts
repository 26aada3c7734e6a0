import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../../test/support/until.ts";
import { every } from "./every.ts";

test("what fails at once or later is told, and comes again", async (t) => {
  const failures: unknown[] = [];
  let times = 0;
  const timer = every(
    1,
    () => {
      times += 1;
      if (times === 1) throw new Error("at once");
      if (times === 2) return Promise.reject(new Error("later"));
      return undefined;
    },
    (error) => failures.push(String(error)),
  );
  t.after(() => clearInterval(timer));
  await until("a third time", () => times > 2);
  assert.deepEqual(failures, ["Error: at once", "Error: later"]);
});
