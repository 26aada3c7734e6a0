import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { LoggedExchange } from "../../ports.ts";
import { silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { AccessLog } from "./access-log.ts";

let directory: string;
let file: string;
let lineLength: number;
let accessLog: AccessLog;
let count: number;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "fossora-access-"));
  file = path.join(directory, "access.log");
  lineLength = 10;
  count = 0;
  accessLog = new AccessLog({ line: () => `${String((count += 1)).padEnd(lineLength - 1)}\n`, log: silentLog });
});
afterEach(async () => {
  accessLog.use(undefined);
  await accessLog.flush();
  rmSync(directory, { recursive: true, force: true });
});

const request = {} as LoggedExchange; // the line does not look at it
const add = (lines: number): void => {
  for (let index = 0; index < lines; index += 1) accessLog.ended(request);
};
const written = (): readonly string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => line.trim());

test("nothing is kept while it is off", async () => {
  add(3);
  await accessLog.flush();
  assert.equal(accessLog.status, undefined);
  assert.equal(count, 0);
});

test("the file is there before the first request, and nobody but its owner and group reads it", async () => {
  accessLog.use(file);
  await until("it is there", () => existsSync(file));
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test("lines come in order, by themselves, within about a second", async () => {
  accessLog.use(file);
  add(3);
  await until("they are written", () => accessLog.status?.lines === 3);
  assert.deepEqual(written(), ["1", "2", "3"]);
  assert.deepEqual(accessLog.status, { file, lines: 3, dropped: 0 });
});

test("a file that was moved away is followed by a new one, and none is lost", async () => {
  accessLog.use(file);
  add(2);
  await accessLog.flush();
  renameSync(file, `${file}.1`);
  add(2);
  await accessLog.flush();
  assert.deepEqual(written(), ["3", "4"]);
  assert.equal(readFileSync(`${file}.1`, "utf8").split("\n").length, 3);
});

test("what does not fit into memory is dropped, counted, and said in the file", async () => {
  lineLength = 1024 * 1024;
  accessLog.use(file);
  await accessLog.flush();
  add(20);
  await accessLog.flush();
  await accessLog.flush();
  const { lines, dropped } = accessLog.status ?? assert.fail("it is on");
  assert.ok(dropped >= 10 && lines + dropped === 20, `${lines} lines, ${dropped} dropped`);
  const note = written().find((line) => line.includes("dropped")) ?? assert.fail("nothing is said");
  assert.equal((JSON.parse(note) as { readonly dropped: number }).dropped, dropped);
});

test("a folder that is not there is a problem until it is, and no request waits for it", async () => {
  const missing = path.join(directory, "later", "access.log");
  accessLog.use(missing);
  add(2);
  await accessLog.flush();
  assert.match(accessLog.status?.problem ?? "", /ENOENT/);
  assert.equal(accessLog.status?.dropped, 2);
  renameSync(mkdtempSync(path.join(directory, "made-")), path.dirname(missing));
  add(1);
  await accessLog.flush();
  assert.equal(accessLog.status?.problem, undefined);
  assert.match(readFileSync(missing, "utf8"), /^\{"time":".*","dropped":2\}\n3 /);
});

test("another file takes over, and off means off", async () => {
  accessLog.use(file);
  add(1);
  const other = path.join(directory, "other.log");
  accessLog.use(other);
  add(1);
  const lines = (name: string): number => (existsSync(name) ? readFileSync(name, "utf8").split("\n").length - 1 : 0);
  await until("both lines are in one of the files", () => existsSync(other) && lines(file) + lines(other) === 2);
  accessLog.use(undefined);
  add(1);
  await accessLog.flush();
  assert.equal(count, 2);
});
