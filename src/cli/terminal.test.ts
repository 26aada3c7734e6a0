import assert from "node:assert/strict";
import { test } from "node:test";
import { isUtf8, output, wantsColor } from "./terminal.ts";

test("colours are for terminals, unless somebody says otherwise", () => {
  assert.equal(wantsColor(true, {}, false), true);
  assert.equal(wantsColor(false, {}, false), false);
  assert.equal(wantsColor(false, { CI: "true" }, false), false, "CI alone is no wish for colours");
  assert.equal(wantsColor(true, { NO_COLOR: "1" }, false), false);
  assert.equal(wantsColor(true, { NO_COLOR: "" }, false), true, "an empty NO_COLOR says nothing");
  assert.equal(wantsColor(true, { TERM: "dumb" }, false), false);
  assert.equal(wantsColor(true, {}, true), false);
  assert.equal(wantsColor(false, { FORCE_COLOR: "1" }, false), true);
  assert.equal(wantsColor(true, { FORCE_COLOR: "0" }, false), false);
  assert.equal(wantsColor(true, { FORCE_COLOR: "1", NO_COLOR: "1" }, false), false);
});

test("marks are ASCII where the locale is", () => {
  assert.equal(isUtf8({ LANG: "en_GB.UTF-8" }), true);
  assert.equal(isUtf8({ LANG: "C.utf8" }), true);
  assert.equal(isUtf8({ LANG: "en_GB.UTF-8", LC_ALL: "C" }), false);
  assert.equal(isUtf8({}), false);
  const { marks } = output({ write: () => true }, {}, { noColor: false });
  assert.deepEqual(marks, { ok: "ok", warn: "!", error: "x" });
});
