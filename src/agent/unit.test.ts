import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { commandOfUnit, flagOf, systemdUnit } from "./unit.ts";

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd finds nothing to complain about in the unit", { skip: !analyze && "systemd-analyze is not installed" }, (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-unit-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "fossora.service");
  writeFileSync(file, systemdUnit({ command: ["/bin/true", "agent", "--data-dir", "/srv/my data/$5 100%"] }));
  const output = execFileSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  assert.equal(output, "");
});

test("the unit leaves etcd and the ingress alone when the agent is restarted, and never gives up", () => {
  const unit = systemdUnit({ command: ["/usr/local/bin/fossora", "agent"] });
  for (const line of [
    "KillMode=process",
    "TimeoutStopSec=20",
    "OOMPolicy=continue",
    "Restart=always",
    "RestartSec=1",
    "StartLimitIntervalSec=0",
  ])
    assert.ok(unit.split("\n").includes(line), line);
  assert.match(unit, /^ExecStart=\/usr\/local\/bin\/fossora agent$/m);
});

test("arguments keep their spaces, dollars and per cents", () => {
  assert.match(systemdUnit({ command: ["/bin/x", "a b", "$HOME", "50%"] }), /^ExecStart=\/bin\/x "a b" "\$\$HOME" 50%%$/m);
});

test("what a unit starts is read again as it was written", () => {
  for (const words of [
    ["/usr/local/bin/fossora", "agent"],
    ["/opt/my apps/fossora", "agent", "--data-dir", '/srv/a "b" \\ $HOME 50%', "--log-level", "debug"],
  ])
    assert.deepEqual(commandOfUnit(systemdUnit({ command: words })), words);
  assert.deepEqual(commandOfUnit("[Service]\nType=exec\n"), []);
});

test("a flag is found however it was given", () => {
  assert.equal(flagOf(["fossora", "agent", "--data-dir", "/srv"], "--data-dir"), "/srv");
  assert.equal(flagOf(["fossora", "agent", "--data-dir=/srv"], "--data-dir"), "/srv");
  assert.equal(flagOf(["fossora", "agent"], "--data-dir"), undefined);
});
