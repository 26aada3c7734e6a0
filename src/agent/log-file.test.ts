import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock, silentLog } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import { limitLog, rotateLog } from "./log-file.ts";
import { supervise } from "./supervise.ts";

const TOO_LONG = 8 * 1024 * 1024 + 1;

function logIn(t: TestContext, text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "agent.log");
  appendFileSync(file, text);
  return file;
}

test("a log within its bound stays as it is, and one that is not there is no error", async (t) => {
  const file = logIn(t, "well");
  await limitLog(file, silentLog);
  rotateLog(file);
  await limitLog(`${file}.none`, silentLog);
  rotateLog(`${file}.none`);
  assert.equal(readFileSync(file, "utf8"), "well");
  assert.equal(existsSync(`${file}.1`), false);
});

test("a log that is too long goes to the old one, as the same file or a new one", async (t) => {
  for (const [shorten, isNew] of [
    [(file: string) => limitLog(file, silentLog), false],
    [rotateLog, true],
  ] as const) {
    const file = logIn(t, "begins");
    truncateSync(file, TOO_LONG);
    await shorten(file);
    assert.match(readFileSync(`${file}.1`, "utf8"), /^begins/);
    assert.equal(statSync(file, { throwIfNoEntry: false })?.size, isNew ? undefined : 0);
  }
});

test("the log of an agent without systemd is shortened while its supervisor runs", async (t) => {
  const file = logIn(t, "");
  truncateSync(file, TOO_LONG);
  const ending = new AbortController();
  const program = { file: "/bin/sh", args: ["-c", "exec sleep 600"] };
  const folders = { runDir: path.dirname(file), dataDir: path.dirname(file) };
  const options = { program, agentArgs: [], folders, logFile: file, clock: realClock, log: silentLog };
  const supervising = supervise({ ...options, signal: ending.signal });
  await until("a short log", () => statSync(file).size === 0);
  ending.abort();
  await supervising;
});
