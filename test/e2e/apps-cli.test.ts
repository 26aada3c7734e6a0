// The commands about apps, on real ones: exec, logs, events, wait, delete. On a lab host.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";

const shop = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop, labels: { group: trade } }
spec:
  port: web:80
  containers:
    - { name: web, image: "lab/whoami:1" }
    - { name: db, image: "lab/whoami:2" }
`;

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("the command line, on an app that runs", { skip }, () => {
  let node: HouseNode;

  before(async () => {
    node = await HouseNode.alone(lab);
    await node.apply(shop, "--wait");
  });
  after(() => lab.down());

  test("exec passes output and exit code on, and takes the container before or after the app", async () => {
    const failed = await node.try("exec", "shop", "--", "sh", "-c", "echo out; echo err >&2; exit 7");
    assert.deepEqual([failed.code, failed.stdout, failed.stderr], [7, "out\n", "err\n"]);
    for (const target of [
      ["shop", "-c", "db"],
      ["-c", "db", "svc/shop"],
    ])
      assert.equal(await node.run("exec", ...target, "--", "sh", "-c", "echo $VERSION"), "2\n");
    assert.equal((await node.try("exec", "nobody", "--", "ls")).code, 4);
  });

  test("logs are those of all containers with their names, or of one, and as many as were asked for", async () => {
    const all = await node.run("logs", "shop");
    assert.match(all, /^shop-\w+\S* .*whoami:1/m);
    assert.match(all, /whoami:2/);
    const one = await node.run("logs", "shop", "-c", "db", "-n", "1", "--no-prefix");
    assert.match(one, /^[^\n]*whoami:2[^\n]*\n$/);
  });

  test("events tell what happened to an app", async () => {
    assert.match(await node.run("events", "--for", "svc/shop"), /Normal +Started .*shop-\w+-web/);
  });

  test("wait ends with 0 when it is so, and with 6 and the reason when it is not in time", async () => {
    assert.equal(await node.run("wait", "svc/shop", "--for=jsonpath={.status.readyReplicas}=1"), "service/shop condition met\n");
    const late = await node.try("wait", "svc/shop", "--for=delete", "--timeout", "1s");
    assert.equal(late.code, 6);
    assert.match(late.stderr, /next: +fossora/);
  });

  test("delete says what goes with it, and afterwards nothing of that name is there", async () => {
    const said = await node.try("delete", "svc/shop", "--wait");
    assert.deepEqual([said.code, said.stdout], [0, "service/shop deleted\n"]);
    assert.match(said.stderr, /goes with it: .*route\/shop/);
    const gone = await node.try("get", "svc", "shop");
    assert.equal(gone.code, 4);
    assert.equal((await node.try("delete", "svc/shop")).code, 4);
    await node.run("delete", "svc/shop", "--ignore-not-found");
  });
});
