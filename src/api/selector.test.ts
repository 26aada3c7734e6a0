import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSelector } from "./selector.ts";

const labels: Readonly<Record<string, string>> = { app: "web", tier: "front", "fossora.dev/disk": "big" };
const matches = (text: string): boolean => parseSelector(text)((key) => labels[key]);

test("every form of a requirement does what kubectl's does", () => {
  for (const text of [
    "",
    " ",
    "app=web",
    "app==web",
    "app != db",
    "app",
    "!gone",
    "app in (db, web)",
    "app notin (db)",
    "gone notin (x)",
    "app=web,tier=front",
    "fossora.dev/disk=big",
    "gone!=x",
  ]) {
    assert.equal(matches(text), true, text);
  }
  for (const text of ["app=db", "app!=web", "!app", "gone", "app in (db,x),tier=front", "app notin (web)", "app=web,tier=back", "gone=x"]) {
    assert.equal(matches(text), false, text);
  }
});

test("what cannot be read is refused with an example", () => {
  for (const text of ["=web", "app=a=b", "app in web", "app,", "a b", "app in (a"])
    assert.throws(() => parseSelector(text), /Cannot read the selector ".*": it should look like app=web/, text);
});
