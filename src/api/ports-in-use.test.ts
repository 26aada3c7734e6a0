import assert from "node:assert/strict";
import { test } from "node:test";
import { portProblem } from "./ports-in-use.ts";

test("ports that Fossora needs are refused with what to do instead", () => {
  for (const port of [53, 80, 443, 733, 734, 2379, 2380, 5353, 7443])
    assert.match(portProblem({ port }, "x") ?? "", new RegExp(`cannot listen on ${port}: .+`));
  assert.match(portProblem({ port: 53 }, "pihole") ?? "", /upstream: \[service\/pihole\]/);
  assert.match(portProblem({ port: 7443 }, "x") ?? "", /'17443:7443'/);
});

test("a range is refused when it holds one of them", () => {
  assert.match(portProblem({ port: 2000, endPort: 3000 }, "x") ?? "", /2379/);
  assert.equal(portProblem({ port: 8000, endPort: 8010 }, "x"), undefined);
});
