import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { until } from "../../../test/support/until.ts";

const handover = JSON.stringify(path.join(import.meta.dirname, "handover.ts"));

test("a process that is handed down to ends where the one before dies until it is ready, and not afterwards", async (t) => {
  for (const isReady of [false, true]) {
    const successor = `
      import { takeHandedDown, sayReady } from ${handover};
      takeHandedDown();
      console.log(process.pid);
      if (${isReady}) sayReady();
      setInterval(() => {}, 1000);`;
    const before = `
      import { handDown } from ${handover};
      await handDown({ execPath: process.execPath, args: ["--input-type=module", "-e", ${JSON.stringify(successor)}] }, []);
      console.log("handed down");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", before], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    await until("the successor", () => /^\d+$/m.test(said) && (!isReady || said.includes("handed down")));
    const pid = Number(/^\d+$/m.exec(said)?.[0]);
    child.kill("SIGKILL");
    await once(child, "exit");
    if (!isReady) await until("its end", () => !existsSync(`/proc/${pid}`));
    else assert.ok(process.kill(pid, "SIGKILL"), "it lives on");
  }
});
