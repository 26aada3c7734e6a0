// A node whose data is on a disk of its own: found again without being told where, and waited for where the disk is full, or not there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { download, downloaded, ourProcesses, setUp } from "../support/installed.ts";
import { Lab, labReason } from "../support/lab.ts";
import { Systemd, systemdReason } from "../support/systemd.ts";
import { until } from "../support/until.ts";

const dataDir = "/srv/fossora";
const limitMs = 60_000;

const lab = new Lab();

async function newComputer(): Promise<HouseNode> {
  await lab.down();
  const [host] = await lab.up(1);
  assert.ok(host);
  const node = new HouseNode(lab, host);
  await download(node);
  return node;
}

describe("a node on a disk of its own", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;
  const on = (...command: readonly string[]): Promise<string> => lab.exec(node.name, ...command);
  const nodeId = (): Promise<string> => on("sha256sum", `${dataDir}/node.key`);

  before(async () => {
    node = await newComputer();
    await on("mkdir", "-p", dataDir);
    await on("mount", "-t", "tmpfs", "-o", "size=400m,mode=700", "none", dataDir);
    const { code, said } = await setUp(node, "up", "--data-dir", dataDir);
    assert.equal(code, 0, said);
  });
  after(() => lab.down());

  test("stays as it is when `up` runs again without a word of its folder", async () => {
    const [processes, key] = [await ourProcesses(node), await nodeId()];
    const { code, said } = await setUp(node, "up");
    assert.equal(code, 0, said);
    assert.deepEqual(await ourProcesses(node), processes);
    assert.equal(await nodeId(), key);
  });

  test("is stopped and started without a word of its folder", async () => {
    const key = await nodeId();
    assert.match((await setUp(node, "down")).said, /stopped here/);
    assert.deepEqual(await ourProcesses(node), []);
    assert.doesNotMatch(await on("cat", `${dataDir}/log/agent.log`), /did not end by itself/);
    assert.equal((await setUp(node, "up")).code, 0);
    assert.equal(await nodeId(), key);
  });

  test("is found by its data whatever run folder a command is given", async () => {
    assert.equal((await setUp(node, "up", "--run-dir", "/run/other")).code, 0);
    const agents = (await ourProcesses(node)).filter((line) => / agent /.test(line));
    assert.equal(agents.length, 1, agents.join("\n"));
    assert.equal((await setUp(node, "up", "--run-dir", "/run/fossora")).code, 0);
  });

  test("has its agent again after it was killed while the disk is full", async () => {
    const agent = await node.pid("agent");
    await on("sh", "-c", `cat /dev/zero > ${dataDir}/filler 2>/dev/null; test -s ${dataDir}/filler`);
    await on("sh", "-c", `yes "" >> ${dataDir}/log/agent.log 2>/dev/null; ! echo >> ${dataDir}/log/agent.log`);
    try {
      await on("kill", "-KILL", String(agent));
      await until("another agent", async () => (await node.pid("agent")) !== agent, limitMs);
      await node.ready();
      assert.equal((await ourProcesses(node)).filter((line) => / supervise /.test(line)).length, 1);
    } finally {
      await on("rm", `${dataDir}/filler`);
    }
  });

  test("is told what to do where the program's place is read-only, and runs on", async () => {
    await on("mount", "--bind", "/usr/local", "/usr/local");
    await on("mount", "-o", "remount,bind,ro", "/usr/local");
    await on("sh", "-c", `printf x >> ${downloaded}`);
    const { code, said } = await setUp(node, "up");
    assert.equal(code, 2, said);
    assert.match(
      said,
      /Cannot install Fossora as \/usr\/local\/bin\/fossora: EROFS.*let this computer run `\/opt\/download\/fossora supervise --data-dir/,
    );
    await on("umount", "/usr/local");
    assert.equal((await node.try("status")).code, 0);
  });
});

describe("a node under systemd on a disk of its own", { skip: labReason() ?? programReason() ?? systemdReason() ?? false }, () => {
  let node: HouseNode;
  let systemd: Systemd;
  const disk = "/opt/disk";

  before(async () => {
    node = await newComputer();
    systemd = new Systemd(lab, node.name);
    await systemd.start();
    await systemd.run("mkdir", "-p", disk, dataDir);
    await systemd.run("mount", "--bind", disk, dataDir);
    await systemd.run(downloaded, "up", "--data-dir", dataDir);
  });
  after(() => lab.down());

  const file = async (name: string): Promise<string> => readFileSync(path.join((await node.host()).root, name), "utf8");

  test("stays as it is when `up` runs again without a word of its folder", async () => {
    const [unit, agent] = [await file("etc/systemd/system/fossora.service"), await node.pid("agent")];
    assert.match(unit, /^ExecStart=\/usr\/local\/bin\/fossora agent --data-dir \/srv\/fossora$/m);
    await systemd.run(downloaded, "up");
    assert.equal(await file("etc/systemd/system/fossora.service"), unit);
    assert.equal(await node.pid("agent"), agent);
  });

  test("goes on as itself once its disk is there, however late after a boot that is", async () => {
    const key = await file(`${disk}/node.key`);
    await lab.kill(node.name);
    await lab.boot(node.name);
    await systemd.runs();
    await until("a try", async () => Number(await systemd.run("systemctl", "show", "--value", "-p", "NRestarts", "fossora")) > 1, limitMs);
    assert.equal((await systemd.run("ls", "-A", dataDir)).trim(), "", "something was begun below the mount point");
    assert.match((await systemd.try(downloaded, "up")).stderr, /this computer's node is in \/srv\/fossora, and nothing of it is there/);
    await systemd.run("mount", "--bind", disk, dataDir);
    await node.ready();
    assert.equal(await file(`${disk}/node.key`), key);
  });
});
