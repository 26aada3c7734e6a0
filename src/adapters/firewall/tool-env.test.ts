import assert from "node:assert/strict";
import { test } from "node:test";
import { adminPath, toolEnv } from "./tool-env.ts";

test("tools of an administrator are found behind a person's own, each folder once", () => {
  assert.equal(adminPath("/usr/local/bin:/usr/bin"), "/usr/local/bin:/usr/bin:/usr/sbin:/sbin");
  assert.equal(adminPath("/usr/sbin:/usr/bin:/sbin"), "/usr/sbin:/usr/bin:/sbin");
  assert.match(adminPath(undefined), /\/usr\/bin:.*\/usr\/sbin/);
});

test("tools speak English, whatever language the person does", () => {
  const env = toolEnv({ LANG: "fr_FR.UTF-8", LANGUAGE: "fr", HOME: "/root", PATH: "/bin" });
  assert.deepEqual([env["LC_ALL"], env["LANGUAGE"], env["HOME"]], ["C", "C", "/root"]);
});
