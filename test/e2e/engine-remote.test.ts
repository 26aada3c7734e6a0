// An engine whose containers nobody can dial (rootless, in a virtual machine): apps answer by name all the same.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";

const projectRoot = path.join(import.meta.dirname, "../..");
const socket = "/run/remote.sock";
const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80, listen: ["9000:80"] }
`;

const lab = new Lab();

describe("an engine with a network of its own", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1, { share: [projectRoot] });
    assert.ok(first);
    node = new HouseNode(lab, first);
    await node.install();
    await lab.start(node.name, "engine", [
      process.execPath,
      path.join(projectRoot, "test/support/remote-engine.ts"),
      socket,
      "/run/docker.sock",
    ]);
    await lab.start(node.name, "fossora", ["/usr/local/bin/fossora", "agent", "--docker-socket", socket]);
    await node.ready();
    await node.apply(manifest, "--wait", "--timeout", "1m");
  });
  after(() => lab.down());

  async function published(): Promise<string> {
    const id = (await lab.exec(node.name, "docker", "ps", "-q", "--filter", "label=fossora.dev/name=whoami")).trim();
    return lab.exec(node.name, "docker", "port", id);
  }

  test("publishes what the app names on 127.0.0.1, and answers by name and on its raw port", async () => {
    assert.match(await published(), /^80\/tcp -> 127\.0\.0\.1:\d+\n$/);
    assert.equal((await node.request("whoami.home.internal")).status, 200);
    assert.equal((await node.request("whoami.home.internal", "/", { port: 9000 })).status, 200);
  });

  test("follows the port that Docker gives after a restart", async () => {
    const before = await published();
    const id = (await lab.exec(node.name, "docker", "ps", "-q", "--filter", "label=fossora.dev/name=whoami")).trim();
    await lab.exec(node.name, "docker", "restart", "-t", "0", id);
    assert.notEqual(await published(), before);
    await node.condition("whoami", { type: "Ready", status: "True" });
    assert.equal((await node.request("whoami.home.internal")).status, 200);
  });
});
