// The ingress' bench in its shortest form, without installing anything for it: what it measures is judged by `npm run bench`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { findCommand } from "../../tools/machine.ts";

const skip = findCommand("taskset") === undefined ? "taskset (util-linux) is not installed" : false;

test("the ingress is measured beside whatever peers are here", { skip }, () => {
  const run = path.join(import.meta.dirname, "run.ts");
  const tiny = { BENCH_ROUNDS: "1", BENCH_SECONDS: "1", BENCH_STREAMS: "1", BENCH_SOCKETS: "20", BENCH_INSTALL: "no" };
  const { stdout, stderr, status } = spawnSync(process.execPath, [run, "ingress"], { encoding: "utf8", env: { ...process.env, ...tiny } });
  assert.ok(status === 0 || status === 1, stderr); // 1: an aim was missed, as may be on a busy machine
  const lines = stdout.split("\n").filter((line) => line.startsWith("| "));
  assert.match(lines[0] ?? "", /^\| \| Fossora \|.* bare http-proxy \|/, stderr);
  const figures = lines.filter((line) => !line.startsWith("| | ")).map((line) => line.split(" | "));
  const names = figures.map(([name]) => name);
  for (const name of ["| 20 B, 32 connections", "| 8 KiB, browser's headers", "| a connection each", "| 100 MB down", "| 100 MB up"])
    assert.ok(names.includes(name), `${name} is not in\n${stdout}`);
  for (const [name, fossora] of figures) assert.match(fossora ?? "", /^\d/, `${name} was not measured`);
});
