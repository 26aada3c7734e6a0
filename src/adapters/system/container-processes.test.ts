import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { containersWithProcesses, killContainerProcesses, processesOf } from "./container-processes.ts";

const [one, other] = ["a".repeat(64), "b".repeat(64)];
const proc = mkdtempSync(path.join(tmpdir(), "fossora-proc-"));
after(() => rmSync(proc, { recursive: true }));

function add(pid: number | undefined, cgroup: string, state = "S"): void {
  mkdirSync(path.join(proc, String(pid)));
  writeFileSync(path.join(proc, String(pid), "cgroup"), cgroup);
  writeFileSync(path.join(proc, String(pid), "stat"), `${pid} (a) b) ${state} 1 1 1`);
}

test("processes are a container's by their control group, in either version and with either driver", () => {
  add(1, "0::/init.scope\n");
  add(100, `12:pids:/docker/${one}\n11:memory:/docker/${one}\n0::/system.slice/docker.service\n`);
  add(101, `0::/system.slice/docker-${one}.scope\n`);
  add(102, `0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${one}.scope/inner\n`);
  add(103, `0::/system.slice/docker-${other}.scope\n`);
  add(104, `0::/system.slice/docker-${one}.scope\n`, "Z");
  mkdirSync(path.join(proc, "sys"));
  assert.deepEqual(new Set(processesOf([one], proc)), new Set([100, 101, 102]));
  assert.deepEqual(processesOf([], proc), []);
});

test("a container has processes as long as one of them lives", () => {
  assert.deepEqual(containersWithProcesses(proc), new Set([one, other]));
  rmSync(path.join(proc, "103"), { recursive: true });
  add(103, `0::/system.slice/docker-${other}.scope\n`, "Z");
  assert.deepEqual(containersWithProcesses(proc), new Set([one]));
});

test("they are killed, and nothing else", async () => {
  const [inside, outside] = [0, 1].map(() => spawn("sleep", ["1000"]));
  assert.ok(inside?.pid !== undefined && outside?.pid !== undefined);
  add(inside.pid, `0::/docker/${other.replaceAll("b", "c")}\n`);
  add(outside.pid, "0::/user.slice\n");
  assert.equal(killContainerProcesses(["c".repeat(64)], proc), 1);
  const [, signal] = (await once(inside, "exit")) as [number | null, string];
  assert.equal(signal, "SIGKILL");
  assert.equal(outside.exitCode ?? outside.signalCode, null);
  outside.kill();
});
