// Whose containers they are: Fossora's own are kept as they should be, adopted and taken away; everybody else's are never touched. On a lab host.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const shop = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "lab/whoami:1", port: 80, update: { monitor: 1s } }
`;
const office = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: office }
spec:
  port: web:80
  containers:
    - { name: web, image: "lab/whoami:1", after: [db] }
    - { name: db, image: "lab/data:1", volumes: ["files:/data"] }
`;

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("on a machine with containers of others", { skip }, () => {
  let node: HouseNode;
  let foreign: readonly string[] = [];

  before(async () => {
    node = await HouseNode.alone(lab);
    await node.apply(shop, "--wait");
    // Named like ours, on our bridge, with labels that look like ours, stopped or not.
    await node.docker("run", "-d", "--name", "shop-aaaa", "lab/whoami:1");
    await node.docker("run", "-d", "--name", "neighbour", "--network", "fossora", "lab/whoami:1");
    await node.docker(
      "run",
      "-d",
      "--name",
      "office-web",
      "--label",
      "fossora.dev/name=office",
      "--label",
      "com.docker.compose.project=office",
      "lab/whoami:1",
    );
    await node.docker("create", "--name", "shop-stopped", "lab/whoami:1");
    await node.docker("volume", "create", "office-files");
    await node.docker("network", "create", "office");
    foreign = await foreignThings();
  });
  after(() => lab.down());

  /** Containers as they run, volumes and networks that are not the house's. */
  async function foreignThings(): Promise<readonly string[]> {
    const names = ["shop-aaaa", "neighbour", "office-web", "shop-stopped"];
    const containers = await node.docker(
      "inspect",
      "--format",
      "{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.HostConfig.RestartPolicy.Name}}",
      ...names,
    );
    return [
      containers,
      await node.docker("volume", "inspect", "office-files"),
      await node.docker("network", "inspect", "--format", "{{.Id}}", "office"),
    ];
  }

  async function owned(): Promise<readonly string[]> {
    return (await node.containers()).filter((line) => /\/(shop|office)-/.test(line) && !/\/(shop-aaaa|office-web)\b /.test(line));
  }

  async function networks(): Promise<readonly string[]> {
    return (await node.docker("network", "ls", "--format", "{{.Name}}")).split("\n").filter(Boolean).sort();
  }

  test("an app is updated, removed and made anew beside them", async () => {
    await node.apply(shop.replace(":1", ":2"), "--wait");
    await node.deleteService("shop");
    await node.apply(shop, "--wait");
    assert.deepEqual(await foreignThings(), foreign);
  });

  test("deleting an app removes its containers and its private network, and nothing else", async () => {
    const [containersBefore, networksBefore] = [await owned(), await networks()];
    await node.apply(office, "--wait");
    assert.equal((await owned()).length, containersBefore.length + 2);
    assert.equal((await networks()).length, networksBefore.length + 1);
    await node.run("delete", "svc/office", "--wait");
    await until("its containers are gone", async () => (await owned()).length === containersBefore.length);
    await until("its network is gone", async () => (await networks()).length === networksBefore.length);
    assert.deepEqual(await owned(), containersBefore);
    assert.deepEqual(await networks(), networksBefore);
    assert.match(await node.docker("volume", "ls", "-q"), /^fossora-office-files$/m);
    assert.deepEqual(await foreignThings(), foreign);
  });

  test("what somebody stops or removes by hand runs again", async () => {
    for (const command of [["stop", "-t", "0"], ["kill"], ["rm", "-f"]]) {
      const [name] = (await owned()).map((line) => line.split(" ")[1]?.slice(1));
      assert.ok(name);
      await node.docker(...command, name);
      await until(`it runs again after docker ${command.join(" ")}`, async () => (await owned()).length === 1);
      await node.isReady("shop");
      assert.equal((await node.request("shop.home.internal")).status, 200);
    }
  });

  test("an agent that comes back adopts what runs, and goes on with it", async () => {
    await node.apply(office, "--wait");
    const before = await owned();
    const agent = await node.pid("agent");
    await node.signal("agent", "KILL");
    await until("another agent", async () => (await node.pid("agent")) !== agent);
    await node.ready();
    await node.isReady("shop", "office");
    assert.deepEqual(await owned(), before);
    await node.apply(shop.replace(":1", ":2"), "--wait");
    assert.match((await node.request("shop.home.internal", "/json")).body, /"version":"2"/);
    assert.deepEqual(await foreignThings(), foreign);
  });
});
