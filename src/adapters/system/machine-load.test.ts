import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { readMachineCounts } from "./machine-load.ts";

test("busy is what is neither idle nor waiting for a disk, and used is what cannot be had", async (t) => {
  const proc = mkdtempSync(path.join(tmpdir(), "fossora-proc-"));
  t.after(() => rmSync(proc, { recursive: true }));
  writeFileSync(path.join(proc, "stat"), "cpu  10 1 5 80 3 0 1 0 0 0\ncpu0 5 1 2 40 1 0 1 0 0 0\ncpu1 5 0 3 40 2 0 0 0 0 0\nintr 5\n");
  writeFileSync(path.join(proc, "meminfo"), "MemTotal:        2000 kB\nMemFree:          100 kB\nMemAvailable:     500 kB\n");
  assert.deepEqual(await readMachineCounts(proc), {
    cpus: 2,
    busyTicks: 17,
    allTicks: 100,
    memoryBytes: 2000 * 1024,
    usedBytes: 1500 * 1024,
  });
});

test("this machine's own are read", async () => {
  const { cpus, busyTicks, allTicks, memoryBytes, usedBytes } = await readMachineCounts();
  assert.ok(cpus > 0 && busyTicks > 0 && allTicks > busyTicks && memoryBytes > usedBytes && usedBytes > 0);
});
