// Images come from a registry and go again when nobody needs them; those of others stay. On a lab host.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const registry = "registry.lab:5000";
/** The hash is bcrypt's, the only one that docker-registry takes. */
const login = { username: "me", password: "secret", hash: "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a" } as const;

/** Also of the image that would start slowly: it is there to be pulled. */
function shop(image: string): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "${registry}/${image}", port: 80, env: { START_DELAY: 0 }, update: { monitor: 1s } }
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

  test("of a registry that wants a login waits for root's `docker login` there, as its condition says", async (t) => {
    await askForLogin(node);
    const { root } = await node.host();
    const configFile = path.join(root, "root/.docker/config.json");
    mkdirSync(path.dirname(configFile), { recursive: true });
    writeFileSync(configFile, JSON.stringify({ credHelpers: { [registry]: "pass" } }));
    t.after(() => rmSync(configFile, { force: true }));

    await node.apply(shop("crash:1").replace("name: shop", "name: locked").replace("START_DELAY", "CRASH_AFTER"));
    const { message } = await node.condition("locked", { type: "Ready", status: "False", reason: "RegistryRefused" });
    assert.match(message, /\/root\/\.docker\/config\.json leaves its login to credHelpers, which is not asked: remove that there\./);
    assert.ok(message.endsWith(`Log in on that machine as root: docker login ${registry}`), message);
    assert.match((await node.request("locked.home.internal", "/", { method: "POST" })).body, /docker login registry\.lab:5000/);

    rmSync(configFile);
    await node.docker("login", "--username", login.username, "--password", login.password, registry);
    await node.isReady("locked");
    assert.equal((await node.request("locked.home.internal")).status, 200);
  });

  test("that is present is not asked for: the app starts while the registry is away", async () => {
    await lab.kill("registry");
    await node.deleteService("shop");
    await node.apply(shop("slow:1"), "--wait");
    assert.equal((await node.request("shop.home.internal")).status, 200);
  });
});

/** As an operator does: a file of passwords, and a line that names it. From now on it refuses whoever comes without. */
async function askForLogin(node: HouseNode): Promise<void> {
  const root = path.join((await node.host()).dir, "../registry/root"); // no host of `lab status`, but as they are
  const file = path.join(root, "etc/docker/registry/lab.yml");
  writeFileSync(path.join(root, "etc/docker/registry/passwords"), `${login.username}:${login.hash}\n`);
  const config = readFileSync(file, "utf8").replace(
    /\}\s*$/,
    ", auth: { htpasswd: { realm: lab, path: /etc/docker/registry/passwords } } }\n",
  );
  writeFileSync(file, config);
  await node.lab.stop("registry", "registry");
  await node.lab.restart("registry", "registry");
}
