import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";

const machine = JSON.stringify(path.join(import.meta.dirname, "machine.ts"));
const script = `
  import { setTimeout as sleep } from "node:timers/promises";
  import { whenInterrupted } from ${machine};
  whenInterrupted(async () => {
    await sleep(1);
    process.stdout.write("tidy");
  });
  setInterval(() => {}, 1_000);
  process.stdout.write("begun ");`;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  test(`a process tidies up and ends at ${signal}`, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => {
      if (said === "") child.kill(signal);
      said += bytes.toString();
    });
    const [code] = (await once(child, "close")) as [number | null];
    assert.deepEqual([code, said], [130, "begun tidy"]);
  });
