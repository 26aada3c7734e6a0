import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { freePort } from "../test/support/ingress.ts";
import { until } from "../test/support/until.ts";

/** Of a run folder in which no socket has room: a unix socket's path has 107 bytes. */
function foldersOf(t: TestContext) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-main-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  return { dataDir, runDir: path.join(dataDir, "r".repeat(120)) };
}

/** Answers what it said once it has ended by itself. */
async function run(t: TestContext, ...args: readonly string[]): Promise<{ readonly code: unknown; readonly said: string }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "main.ts"), ...args], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  const said = await text(child.stderr);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return { code: child.exitCode, said };
}

test("an ingress that cannot be told anything says so and ends, whatever it serves already", async (t) => {
  const { dataDir, runDir } = foldersOf(t);
  const kept = path.join(dataDir, "ingress");
  mkdirSync(kept);
  const listen = async (): Promise<object> => ({ addresses: ["127.0.0.1"], ports: [await freePort()] });
  writeFileSync(path.join(kept, "settings.json"), JSON.stringify({ http: await listen(), dns: await listen() }));
  const { code, said } = await run(t, "ingress", "--run-dir", runDir, "--data-dir", dataDir);
  assert.equal(code, 1);
  assert.match(said, /Listener opened/);
  assert.match(said, /listen EINVAL.*ingress\.sock/);
});

test("an agent that fails while it starts says so and ends, whatever it has begun", async (t) => {
  const { dataDir, runDir } = foldersOf(t);
  const etcd = path.join(dataDir, "etcd-program");
  writeFileSync(etcd, "#!/bin/sh\necho etcd Version: 3.6.0\n", { mode: 0o755 });
  writeFileSync(path.join(dataDir, "founded"), ""); // it asks no Docker whether it may begin
  const flags = ["--run-dir", runDir, "--data-dir", dataDir, "--etcd", etcd, "--docker-socket", path.join(dataDir, "none.sock")];
  const { code, said } = await run(t, "agent", ...flags, "--mdns", "off");
  assert.equal(code, 1);
  assert.match(said, /listen EINVAL.*fossora\.sock/);
  const record = path.join(dataDir, "ingress.pid.json");
  if (!existsSync(record)) return;
  const { pid } = JSON.parse(readFileSync(record, "utf8")) as { readonly pid: number };
  await until("the end of its ingress", () => !existsSync(`/proc/${pid}`));
});
