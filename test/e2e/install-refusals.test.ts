// What `up` and the agent refuse, and with which words: another name, a second agent, folders of others, a disk that cannot be written.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { download, downloaded, ourProcesses, setUp } from "../support/installed.ts";
import { Lab, labReason } from "../support/lab.ts";

const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
`;

const lab = new Lab();

describe("a computer that is a node", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;

  before(async () => {
    await lab.down();
    const [host] = await lab.up(1);
    assert.ok(host);
    node = new HouseNode(lab, host);
    await download(node);
    const { code, said } = await setUp(node, "up");
    assert.equal(code, 0, said);
  });
  after(() => lab.down());

  async function refused(expected: RegExp, ...args: readonly string[]): Promise<void> {
    const { code, said } = await setUp(node, ...args);
    assert.match(said, expected);
    assert.notEqual(code, 0);
  }

  test("does not take another name, and goes on under its own", async () => {
    const processes = await ourProcesses(node);
    await refused(/Cannot call this node "attic".*that of the node "h1".*Leave --node-name out/, "up", "--node-name", "attic");
    assert.deepEqual(await ourProcesses(node), processes);
    assert.equal((await setUp(node, "up")).code, 0);
    assert.deepEqual(await ourProcesses(node), processes);
  });

  test("keeps its name when the computer is renamed", async () => {
    await lab.exec(node.name, "hostname", "cellar");
    await lab.exec(node.name, "kill", String(await node.pid("agent")));
    assert.match((await setUp(node, "up")).said, /this is node 'h1'/);
    await lab.exec(node.name, "hostname", "h1");
  });

  test("refuses another house beside it, which would take its containers for leftovers", async () => {
    await node.apply(manifest, "--wait", "--timeout", "2m");
    const containers = await node.containers();
    const place = ["--data-dir", "/opt/second", "--run-dir", "/run/second"];
    await refused(/Cannot begin a new house in \/opt\/second: Docker has 1 container of another one.*its --data-dir/, "agent", ...place);
    assert.equal((await setUp(node, "down", ...place)).code, 0);
    assert.deepEqual(await node.containers(), containers);
  });

  test("stays this computer's one node, whatever data folder `up`, `down` and `uninstall` are given", async () => {
    const processes = await ourProcesses(node);
    for (const [verb, does] of [
      ["up", "start"],
      ["down", "stop"],
      ["uninstall", "uninstall"],
    ] as const)
      await refused(
        new RegExp(`Cannot ${does} a node in /opt/second: this computer's node is in /var/lib/fossora\\.`),
        verb,
        "--data-dir",
        "/opt/second",
      );
    assert.deepEqual(await ourProcesses(node), processes);
  });

  test("has one agent, whatever run folder a second one is given", async () => {
    const agent = await node.pid("agent");
    await refused(new RegExp(`one runs already for /run/fossora, with process id ${agent}`), "agent");
    await refused(new RegExp(`one runs already for /var/lib/fossora, with process id ${agent}`), "agent", "--run-dir", "/run/second");
    assert.equal((await node.try("status")).code, 0);
  });
});

describe("a computer that is to become a node", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;
  const on = (...command: readonly string[]): Promise<string> => lab.exec(node.name, ...command);

  before(async () => {
    await lab.down();
    const [host] = await lab.up(1);
    assert.ok(host);
    node = new HouseNode(lab, host);
    await download(node);
  });
  after(() => lab.down());

  /** `up` ends soon, with these words, and what it started is taken back by `down`. */
  async function refused(expected: RegExp, ...flags: readonly string[]): Promise<void> {
    const { code, said } = await setUp(node, "up", ...flags);
    assert.match(said, expected);
    assert.ok(code === 1 || code === 2, `exit ${code}`);
    await setUp(node, "down", ...flags);
    assert.deepEqual(await ourProcesses(node), []);
  }

  test("refuses a run folder that others can write to, or own", async () => {
    await on("mkdir", "-m", "777", "/opt/open");
    await refused(/Cannot use \/opt\/open .* others can write to it.*--run-dir/, "--run-dir", "/opt/open");
    await on("sh", "-c", "mkdir -m 755 /opt/theirs && chown 1000 /opt/theirs");
    await refused(/Cannot use \/opt\/theirs .* others can write to it/, "--run-dir", "/opt/theirs");
  });

  test("refuses a data folder that others can write to, or own", async () => {
    await refused(/Cannot keep data in \/opt\/open: another user owns it or can write to it.*--data-dir/, "--data-dir", "/opt/open");
    await refused(/Cannot keep data in \/opt\/theirs/, "--data-dir", "/opt/theirs");
  });

  test("names the remedy where the data folder is read-only, full, or lets no program run", async () => {
    await on("mkdir", "-p", "/opt/readonly", "/opt/full", "/opt/noexec");
    await on("mount", "-t", "tmpfs", "-o", "ro", "none", "/opt/readonly");
    await refused(/\/opt\/readonly\/data cannot be written.*--data-dir/, "--data-dir", "/opt/readonly/data");
    await on("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "none", "/opt/full");
    await refused(/Cannot unpack etcd: .*\/opt\/full.* is full\. Free 100 MB.*--data-dir/, "--data-dir", "/opt/full");
    await on("mount", "-t", "tmpfs", "-o", "noexec,mode=755", "none", "/opt/noexec");
    await refused(/Cannot run \/opt\/noexec.*mounted noexec.*--data-dir/, "--data-dir", "/opt/noexec");
  });

  test("names the remedy where Docker does not answer", async () => {
    await refused(/no Docker engine answers at \/run\/nobody\.sock.*--docker-socket/, "--docker-socket", "/run/nobody.sock");
  });

  test("says that its file is damaged, and runs no etcd of unknown origin", async () => {
    await damageEtcd(node);
    await refused(/Cannot unpack etcd: this file of Fossora is damaged\. Download it again/);
  });
});

/** One byte in the middle of the carried etcd, which is compressed with zstd (RFC 8878: magic number FD2FB528). */
async function damageEtcd(node: HouseNode): Promise<void> {
  const script = `
import sys
content = bytearray(open(sys.argv[1], "rb").read())
content[content.rfind(b"\\x28\\xb5\\x2f\\xfd") + 1000000] ^= 1
open(sys.argv[1], "wb").write(content)
`;
  await lab.exec(node.name, "python3", "-c", script, downloaded);
}
