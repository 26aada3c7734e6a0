// What goes wrong with an app has a name, says what to do, and is over when its cause is gone. On a lab host.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

/** A Service of one container with these lines as its spec. */
function service(name: string, ...lines: readonly string[]): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

const checkedQuickly = "interval: 200ms, timeout: 1s, retries: 2, startGrace: 0s";

const broken = {
  mistyped: service("mistyped", "image: registry.lab:5000/nothing:1"),
  remote: service("remote", "image: registry.lab:5000/whoami:1", "port: 80"),
  refused: service("refused", "image: 127.0.0.1:1/whoami:1"),
  unloaded: service("unloaded", "image: lab/nothing:1", "pull: never"),
  crashing: service("crashing", "image: lab/crash:1", "env: { CRASH_AFTER: 1 }"),
  greedy: service("greedy", "image: lab/whoami:1", "entrypoint: [/bin/sh, -c, tail /dev/zero]", "resources: { memory: 16Mi }"),
  folderless: service("folderless", "image: lab/whoami:1", 'volumes: ["host:/srv/films:/films:ro"]'),
  deaf: service("deaf", "image: lab/whoami:1", "port: 8099", `health: { tcp: 8099, ${checkedQuickly} }`),
  sick: service("sick", "image: lab/whoami:1", "port: 80", `health: { command: [cat, /tmp/well], ${checkedQuickly} }`),
  secretive: service("secretive", "image: lab/whoami:1", "env: { PASSWORD: { secret: secretive/password } }"),
  unplugged: service("unplugged", "image: lab/whoami:1", "devices: [zigbee]"),
  deviceless: service("deviceless", "image: lab/whoami:1", "devices: [/dev/nothing]"),
  huge: service("huge", "image: lab/whoami:1", "resources: { memory: 900Gi }"),
  unreal: service("unreal", "image: lab/whoami:1", "runtime: nothing"),
  ended: service("ended", "image: lab/whoami:1", 'entrypoint: [/bin/sh, -c, "exit 4"]', "restart: no"),
  well: service("well", "image: lab/whoami:1", "port: 80"),
} as const;

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

/** Docker's own parts and one image of the lab, pulled and unpacked, fit; the disk of this machine is not filled. */
const dockerDiskBytes = 64 * 2 ** 20;

describe("a full disk of Docker's", { skip }, () => {
  let node: HouseNode;
  const filler = "/var/lib/docker/filler";

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1);
    assert.ok(first);
    node = new HouseNode(lab, first);
    await lab.stop(node.name, "dockerd");
    await lab.exec(node.name, "mount", "-t", "tmpfs", "-o", `size=${dockerDiskBytes}`, "tmpfs", "/var/lib/docker");
    await lab.restart(node.name, "dockerd");
    await node.install();
    await node.start();
  });
  after(() => lab.down());

  /** To the last byte, but for as many as are to stay free. */
  async function fill(freeBytes: number): Promise<void> {
    const spare = "/var/lib/docker/spare";
    if (freeBytes > 0) await lab.exec(node.name, "fallocate", "-l", String(freeBytes), spare);
    await lab.tryExec(node.name, "dd", "if=/dev/zero", `of=${filler}`, "bs=4k");
    await lab.exec(node.name, "rm", "-f", spare);
  }

  async function isFullUntilSpaceIsMade(name: string): Promise<void> {
    const { message } = await node.condition(name, { type: "Ready", status: "False", reason: "DiskFull" });
    assert.match(message, /no space left on device.*Free some space where Docker keeps its data: docker system df$/s);
    await lab.exec(node.name, "rm", filler);
    await node.isReady(name);
    assert.equal((await node.request(`${name}.home.internal`)).status, 200);
  }

  test("stops the pull of an image, says so, and the app comes up by itself once there is space", async () => {
    await fill(256 * 1024);
    await node.apply(service("pulled", "image: registry.lab:5000/whoami:1", "port: 80"));
    await isFullUntilSpaceIsMade("pulled");
  });

  test("stops the making of a container whose image is here, and so does that one", async () => {
    await fill(0);
    await node.apply(service("made", "image: registry.lab:5000/whoami:1", "port: 80"));
    await isFullUntilSpaceIsMade("made");
  });
});

describe("an app that cannot run", { skip }, () => {
  let node: HouseNode;

  before(async () => {
    node = await HouseNode.alone(lab);
    await lab.kill("registry");
    await node.apply(Object.values(broken).join("---\n"));
  });
  after(() => lab.down());

  /** Checks what a person reads in the list and in the description. */
  async function says(name: keyof typeof broken, reason: string, message: RegExp): Promise<void> {
    const condition = await node.condition(name, { type: "Ready", status: "False", reason });
    assert.match(condition.message, message);
    assert.match(await node.run("get", "svc", name), new RegExp(`^${name} +0/1 +${reason} `, "m"));
    assert.ok((await node.run("describe", "svc", name)).includes(condition.message));
  }

  async function heals(name: keyof typeof broken, ...lines: readonly string[]): Promise<void> {
    await node.apply(service(name, ...lines));
    await node.isReady(name);
  }

  test("whose image is not in the registry, or cannot be asked for, says which; the others run", async () => {
    await node.isReady("well");
    await says("refused", "ImagePullFailed", /127\.0\.0\.1:1.*reaches the registry/s);
    await says("remote", "ImagePullFailed", /registry\.lab:5000.*reaches the registry/s);
    await lab.boot("registry");
    await node.isReady("remote");
    assert.equal((await node.request("remote.home.internal")).status, 200);
    await says("mistyped", "ImageNotFound", /registry\.lab:5000\/nothing:1.*name and tag/s);
    await says("unloaded", "ImageNotFound", /lab\/nothing:1.*pull: never/s);
    await heals("mistyped", "image: registry.lab:5000/whoami:1");
  });

  test("because it crashes again and again is in a CrashLoop until it is mended", async () => {
    await says("crashing", "CrashLoop", /last with 1\b.*fossora logs crashing/s);
    await heals("crashing", "image: lab/crash:1", "env: { CRASH_AFTER: 0 }");
  });

  test("because it takes more memory than it may is OutOfMemory", async () => {
    await says("greedy", "OutOfMemory", /resources\.memory/);
    await heals("greedy", "image: lab/whoami:1", "resources: { memory: 16Mi }");
  });

  test("because it ended and may not be started again says with what", async () => {
    await says("ended", "Exited", /ended with 4/);
  });

  test("without its folder says which, and Docker makes no empty one; it starts when the folder is there", async () => {
    const folder = path.join((await node.host()).root, "srv/films");
    await says("folderless", "HostPathMissing", /'\/srv\/films' does not exist/);
    assert.equal(existsSync(folder), false);
    mkdirSync(folder);
    writeFileSync(path.join(folder, "title"), "a film");
    await node.isReady("folderless");
    assert.equal(await node.run("exec", "folderless", "--", "cat", "/films/title"), "a film");
  });

  test("that nobody hears on its port says which", async () => {
    await says("deaf", "PortNotListening", /8099/);
    await heals("deaf", "image: lab/whoami:1", "port: 80", `health: { tcp: 80, ${checkedQuickly} }`);
  });

  test("whose health check fails says what the check said, and is Ready when it is well", async () => {
    await says("sick", "Unhealthy", /No such file/);
    // A body is not held: the page comes at once, and says what `describe` says.
    const { status, body } = await node.request("sick.home.internal", "/", { method: "POST", body: "x" });
    assert.equal(status, 503);
    assert.match(body, /<h1>sick is not available<\/h1>[^]*No such file[^]*Unhealthy[^]*fossora describe service\/sick/);
    await node.run("exec", "sick", "--", "touch", "/tmp/well");
    await node.isReady("sick");
  });

  test("that needs a secret which does not exist yet waits for it by name", async () => {
    await says("secretive", "SecretMissing", /secretive\/password/);
    assert.deepEqual(await node.containersOf("secretive"), []);
    await heals("secretive", "image: lab/whoami:1", "env: { PASSWORD: plain }");
  });

  test("for which no node has the device or the memory is not placed, and each node says why", async () => {
    await says("unplugged", "NoNodeFits", /h1: it lacks the device 'zigbee'/);
    await says("huge", "NoNodeFits", /h1: memory: needs 900Gi/);
    await says("deviceless", "DeviceMissing", /\/dev\/nothing/);
    await heals("huge", "image: lab/whoami:1", "resources: { memory: 64Mi }");
  });

  test("that Docker refuses to make says what Docker said", async () => {
    await says("unreal", "CreateFailed", /nothing/);
    await heals("unreal", "image: lab/whoami:1");
  });

  test("while Docker is stopped says so, is known to nobody as ready, and runs again when Docker does", async () => {
    await lab.stop(node.name, "dockerd");
    const condition = await node.condition("well", { type: "Ready", reason: "DockerUnavailable" });
    assert.match(condition.message, /systemctl start docker/);
    await until("its node says so, too", async () => (await node.run("describe", "node", "h1")).includes("DockerUnavailable"));
    assert.match((await node.try("status")).stdout, /Docker/);
    await lab.restart(node.name, "dockerd");
    await node.isReady("well");
    await until("it answers", async () => (await node.request("well.home.internal")).status === 200);
    assert.equal((await node.containersOf("well")).length, 1);
  });
});
