// `npm run demo` as a person types it, on a lab host.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";

const project = path.join(import.meta.dirname, "../..");

describe("npm run demo", { skip: labReason() ?? false }, () => {
  const lab = new Lab();
  let node: HouseNode;

  before(async () => {
    const [host] = await lab.up(1, { share: [project] });
    assert.ok(host);
    node = new HouseNode(lab, host);
  });
  after(async () => {
    try {
      await demo("stop");
    } finally {
      await lab.down();
    }
  });

  const demo = (...args: readonly string[]): Promise<string> =>
    lab.exec(node.name, "sh", path.join(project, "tools/run"), "tools/demo.ts", ...args);
  const images = (): Promise<string> => lab.exec(node.name, "docker", "images", "--format", "{{.Repository}}:{{.Tag}}");

  test("ends with an app that answers by its name, and says how long each step took", async () => {
    const output = await demo();
    assert.match(output, /✓ http:\/\/hello\.home\.internal\/ answers +\d+\.\ds/);
    assert.match(output, /Hello from your house/);
    assert.match(await lab.exec(node.name, "/usr/local/bin/fossora", "get", "services"), /hello +1\/1 +Ready/);
  });

  test("changes nothing the second time", async () => {
    const before = [await node.containers(), await node.pid("agent"), await node.pid("etcd"), (await node.summary()).store];
    assert.match(await demo(), /unchanged, hello is ready/);
    assert.deepEqual([await node.containers(), await node.pid("agent"), await node.pid("etcd"), (await node.summary()).store], before);
  });

  test("takes back all that it made, and nothing else", async () => {
    await lab.exec(node.name, "docker", "run", "-d", "--name", "mine", "lab/whoami:1");
    await demo("stop");
    assert.match((await node.containers()).join(), /^\w+ \/mine [^,]*$/);
    assert.match(await images(), /lab\/whoami:1/);
    assert.doesNotMatch(await images(), /fossora/);
    assert.equal((await lab.tryExec(node.name, "pgrep", "-a", "fossora")).stdout, "");
    for (const file of ["/root/.local/state/fossora-demo", "/var/lib/fossora", "/run/fossora", "/usr/local/bin/fossora"])
      assert.equal((await lab.tryExec(node.name, "test", "-e", file)).code, 1, file);
  });

  test("has nothing to stop where it did not run", async () => assert.match(await demo("stop"), /nothing of the demo here/));
});
