// What `uninstall` refuses, before it has changed anything.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { realClock, silentLog } from "../../test/support/real.ts";
import type { Machine } from "./install.ts";
import { keep } from "./joining/member-disk.ts";
import { resolveSettings } from "./settings.ts";
import { loadTrust } from "./trust.ts";
import { uninstall } from "./uninstall.ts";

const nobody = {
  out: () => assert.fail(),
  note: (line: string) => assert.fail(line),
  mark: (_: string, text: string) => text,
  interrupted: new AbortController().signal,
};

function machineIn(t: TestContext): Machine {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-uninstall-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const settings = resolveSettings({ dataDir: folder, runDir: path.join(folder, "run"), dockerSocket: path.join(folder, "docker.sock") });
  return { settings, clock: realClock, log: silentLog };
}

test("a computer of a larger house is told to leave it first", async (t) => {
  const machine = machineIn(t);
  const { dataDir } = machine.settings;
  await loadTrust(dataDir);
  keep(dataDir, { houseId: "house", epoch: 1, clusterId: "7" }); // a worker
  await assert.rejects(uninstall(machine, { force: false }, nobody), /belongs to a house with other computers.*`fossora leave`.*--force/s);
});

test("apps are not left to an engine that is away", async (t) => {
  const machine = machineIn(t);
  await loadTrust(machine.settings.dataDir);
  await assert.rejects(
    uninstall(machine, { force: false }, nobody),
    /no Docker engine answers at .*docker\.sock.*systemctl start docker.*--force/s,
  );
});
