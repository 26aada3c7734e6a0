import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { EngineError } from "../../api/errors.ts";
import { tar } from "./tar.ts";

const file = { content: "x", mode: "0644", uid: 0, gid: 0 };

test("tar itself reads the archive back: content, mode, owner, long paths", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-tar-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const long = `/etc/${"deep/".repeat(25)}name`;
  const files = [
    { ...file, path: "/etc/app.conf", content: "größe = 1\n", mode: "0640", uid: 1000, gid: 2000 },
    { ...file, path: long, content: "y".repeat(1300) },
    { ...file, path: "/etc/empty", content: "", uid: 4_294_967_294, gid: 2_097_152 },
  ];
  writeFileSync(path.join(folder, "a.tar"), tar(files));
  const listed = execFileSync("tar", ["--numeric-owner", "-tvf", path.join(folder, "a.tar")], { encoding: "utf8" });
  assert.match(listed, /-rw-r----- 1000\/2000 +12 .* etc\/app\.conf/);
  assert.match(listed, /4294967294\/2097152 +0 .* etc\/empty/);
  execFileSync("tar", ["--no-same-owner", "-C", folder, "-xf", path.join(folder, "a.tar")]);
  for (const { path: name, content } of files) assert.equal(readFileSync(path.join(folder, name), "utf8"), content);
  assert.equal(statSync(path.join(folder, "etc/app.conf")).mode & 0o777, 0o640);
});

test("a path that no archive can hold is refused", () => {
  assert.throws(
    () => tar([{ ...file, path: `/${"n".repeat(101)}` }]),
    (error) => error instanceof EngineError && error.fault === "invalid",
  );
});
