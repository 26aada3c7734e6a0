// Images come from a registry and go again when nobody needs them; those of others stay. On a lab host.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const registry = "registry.lab:5000";

function shop(image: string): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "${registry}/${image}", port: 80, update: { monitor: 1s } }
`;
}

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("an image of a registry", { skip }, () => {
  let node: HouseNode;

  before(async () => {
    node = await HouseNode.alone(lab);
    // Somebody's own: a Service may use it, and it stays all the same.
    await node.docker("pull", "-q", `${registry}/slow:1`);
  });
  after(() => lab.down());

  async function images(): Promise<readonly string[]> {
    const listed = await node.docker("images", "--format", "{{.Repository}}:{{.Tag}}", `${registry}/*`);
    return listed.split("\n").filter(Boolean).sort();
  }

  test("is pulled at the first apply, which tells of each step", async () => {
    await node.lab.exec(node.name, "sh", "-c", `cat > /tmp/shop.yaml <<'E'\n${shop("whoami:1")}E`);
    const said = await node.try("apply", "-f", "/tmp/shop.yaml", "--wait");
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stderr, new RegExp(`image ${registry}/whoami:1 done`));
    assert.match(said.stderr, /shop is ready: http:\/\/shop\.home\.internal/);
    assert.match(await node.run("events", "--for", "svc/shop"), new RegExp(`Pulled +.*${registry}/whoami:1`));
  });

  test("goes when neither this version of the app nor the one before it uses it; nobody else's goes", async () => {
    await until("the first one has proven itself", async () => (await node.service("shop")).status.rollout === undefined);
    await node.apply(shop("slow:1"), "--wait");
    assert.deepEqual(await images(), [`${registry}/slow:1`, `${registry}/whoami:1`]);
    await node.apply(shop("whoami:2"), "--wait");
    await until("the first one is gone", async () => !(await images()).includes(`${registry}/whoami:1`));
    await node.apply(shop("health:1"), "--wait");
    await node.apply(shop("data:1"), "--wait");
    await until("the one of two versions ago is gone", async () => !(await images()).includes(`${registry}/whoami:2`));
    assert.deepEqual(await images(), [`${registry}/data:1`, `${registry}/health:1`, `${registry}/slow:1`]);
    assert.match(await node.docker("images", "-q", "lab/whoami:1"), /\w/);
  });

  test("that is present is not asked for: the app starts while the registry is away", async () => {
    await lab.kill("registry");
    await node.deleteService("shop");
    await node.apply(shop("slow:1"), "--wait");
    assert.equal((await node.request("shop.home.internal")).status, 200);
  });
});
