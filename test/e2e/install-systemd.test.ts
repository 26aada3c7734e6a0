// A node under a real systemd: its unit is written, enabled and started; agent, ingress and etcd still live and die apart.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { download, downloaded, ourProcesses } from "../support/installed.ts";
import { Lab, labReason } from "../support/lab.ts";
import { Systemd, systemdReason } from "../support/systemd.ts";
import { until } from "../support/until.ts";

const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
`;
const unit = "/etc/systemd/system/fossora.service";
const limitMs = 60_000;

const lab = new Lab();

describe("a node under systemd", { skip: labReason() ?? programReason() ?? systemdReason() ?? false }, () => {
  let node: HouseNode;
  let systemd: Systemd;

  before(async () => {
    await lab.down();
    const [host] = await lab.up(1);
    assert.ok(host);
    node = new HouseNode(lab, host);
    systemd = new Systemd(lab, host.name);
    await download(node);
    await systemd.start();
  });
  after(() => lab.down());

  async function pids(): Promise<Record<"agent" | "ingress" | "etcd", number>> {
    return { agent: await node.pid("agent"), ingress: await node.pid("ingress"), etcd: await node.pid("etcd") };
  }
  async function anotherAgent(before: number): Promise<void> {
    await until("another agent", async () => (await node.pid("agent")) !== before, limitMs);
    await node.ready();
  }
  const property = async (name: string): Promise<string> =>
    (await systemd.run("systemctl", "show", "--value", "-p", name, "fossora")).trim();

  test("is started by `up`, enabled for every boot, and tells systemd its main process", async () => {
    const said = await systemd.run(downloaded, "up", "--log-level", "debug");
    assert.match(said, /DNS :53, starts at boot/);
    assert.doesNotMatch(said, /after one, run/);
    assert.equal((await systemd.run("systemctl", "is-enabled", "fossora")).trim(), "enabled");
    assert.equal((await systemd.run("systemctl", "is-active", "fossora")).trim(), "active");
    assert.equal(await property("MainPID"), String(await node.pid("agent")));
    assert.match(
      readFileSync(path.join((await node.host()).root, unit), "utf8"),
      /ExecStart=\/usr\/local\/bin\/fossora agent --log-level debug$/m,
    );
    await node.apply(manifest, "--wait", "--timeout", "2m");
  });

  test("stays as it is when `up` runs again", async () => {
    const before = await pids();
    await systemd.run(downloaded, "up");
    assert.deepEqual(await pids(), before);
  });

  test("keeps etcd, ingress and apps when the unit is restarted", async () => {
    const [before, containers] = [await pids(), await node.containers()];
    await systemd.run("systemctl", "restart", "fossora");
    await anotherAgent(before.agent);
    assert.deepEqual({ ...(await pids()), agent: before.agent }, before);
    assert.deepEqual(await node.containers(), containers);
  });

  test("has its agent again after it was killed, however often", async () => {
    const first = await pids();
    for (let kills = 0; kills < 6; kills++) {
      const { agent } = await pids();
      await systemd.run("kill", "-KILL", String(agent));
      await until("another agent", async () => (await node.pid("agent")) !== agent, limitMs);
    }
    await node.ready();
    assert.deepEqual({ ...(await pids()), agent: first.agent }, first);
  });

  test("answers by name while the unit is stopped, and adopts everything when it is started", async () => {
    const [before, containers] = [await pids(), await node.containers()];
    await systemd.run("systemctl", "stop", "fossora");
    assert.equal((await node.request("whoami.home.internal")).status, 200);
    assert.equal((await node.try("status")).code, 7);
    await systemd.run("systemctl", "start", "fossora");
    await anotherAgent(before.agent);
    assert.deepEqual({ ...(await pids()), agent: before.agent }, before);
    assert.deepEqual(await node.containers(), containers);
  });

  test("takes another build by `up`", async () => {
    const before = await pids();
    await node.installAnotherBuild();
    await systemd.run("fossora", "up");
    const now = await pids();
    assert.notEqual(now.agent, before.agent);
    await until("another ingress", async () => (await node.pid("ingress")) !== before.ingress, limitMs);
    assert.equal(now.etcd, before.etcd);
  });

  test("is back after a power loss without a hand", async () => {
    await lab.kill(node.name);
    await lab.boot(node.name);
    await systemd.runs();
    await node.ready();
    await node.isReady("whoami");
    assert.equal((await node.request("whoami.home.internal")).status, 200);
  });

  test("is stopped and not started at boot after `down`, until `up`", async () => {
    const before = await node.containers();
    await systemd.run("fossora", "down");
    assert.equal((await systemd.try("systemctl", "is-active", "fossora")).stdout.trim(), "inactive");
    assert.equal((await systemd.try("systemctl", "is-enabled", "fossora")).stdout.trim(), "disabled");
    assert.deepEqual(await ourProcesses(node), []);
    await systemd.run("fossora", "up");
    assert.deepEqual(await node.containers(), before);
  });

  test("has no unit after `uninstall`, and all of its apps", async () => {
    const before = await node.containers();
    await systemd.run("fossora", "uninstall");
    assert.equal(existsSync(path.join((await node.host()).root, unit)), false);
    assert.match((await systemd.try("systemctl", "status", "fossora")).stderr, /could not be found/);
    assert.deepEqual(await node.containers(), before);
  });
});
