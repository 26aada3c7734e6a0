// `up`, `down` and `uninstall` on a computer without systemd: what they start, what they leave alone, and what remains.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { download, filesOf, ourProcesses, setUp } from "../support/installed.ts";
import { Lab, labReason } from "../support/lab.ts";
import { startLoad, type LoadFailure } from "../support/load.ts";
import { until } from "../support/until.ts";

const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: once }
spec:
  after: [whoami]
  containers: [{ name: main, image: "lab/whoami:1" }, { name: job, image: "lab/whoami:1", run: once, entrypoint: [/bin/true] }]
`;
const whoami = "whoami.home.internal";
/** Of what `up` prints and a second `up` would print again. */
const steadyAnswers = 200;

const lab = new Lab();

describe("a computer without systemd", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;
  let filesBefore: ReadonlySet<string>;
  const groups = (): string => readFileSync(path.join(root, "etc/group"), "utf8");
  let root = "";
  let groupsBefore = "";

  before(async () => {
    await lab.down();
    const [host] = await lab.up(1);
    assert.ok(host);
    root = host.root;
    node = new HouseNode(lab, host);
    await download(node);
    filesBefore = await filesOf(node);
    groupsBefore = groups();
  });
  after(() => lab.down());

  async function pids(): Promise<readonly number[]> {
    return Promise.all((["agent", "ingress", "etcd"] as const).map((name) => node.pid(name)));
  }

  test("is a node after `up`, which says where it answers and what comes next", async () => {
    const { code, said } = await setUp(node, "up", "--node-name", "attic", "--log-level", "debug");
    assert.equal(code, 0, said);
    assert.match(said, /this is node 'attic', zone home\.internal/);
    assert.match(said, /proxy :80, DNS :53/);
    assert.match(said, /nothing starts it at boot here: after one, run `fossora up` again/);
    assert.match(said, /Next +fossora apply -f/);
    assert.equal((await node.try("status")).code, 0);
    await node.apply(manifest, "--wait", "--timeout", "2m");
  });

  test("is for root and the group `fossora`, whose members need no root; others are told how to join", async () => {
    assert.equal((await lab.exec(node.name, "stat", "-c", "%a %U %G", "/run/fossora/fossora.sock")).trim(), "660 root fossora");
    const asNobody = () => lab.tryExec(node.name, "runuser", "-u", "nobody", "--", "/usr/local/bin/fossora", "get", "services");
    const { code, stderr } = await asNobody();
    assert.equal(code, 7);
    assert.match(stderr, /Cannot reach the node at \/run\/fossora\/fossora\.sock: you may not open it\..* the group "fossora"/);
    assert.match(stderr, /sudo usermod -aG fossora \$USER, log in again/);

    await lab.exec(node.name, "gpasswd", "--add", "nobody", "fossora");
    const member = await asNobody();
    assert.equal(member.code, 0, member.stderr);
    assert.match(member.stdout, /^whoami +1\/1 +Ready/m);
  });

  test("stays as it is when `up` runs again, and keeps the flags that it was given", async () => {
    const [processes, containers] = [await ourProcesses(node), await node.containers()];
    for (const flags of [[], ["--log-level", "debug"]]) assert.equal((await setUp(node, "up", ...flags)).code, 0);
    assert.deepEqual(await ourProcesses(node), processes);
    assert.deepEqual(await node.containers(), containers);
    assert.ok(
      processes.some((line) => / agent .*--node-name attic .*--log-level debug/.test(line)),
      processes.join("\n"),
    );
  });

  test("takes another build by `up` without a failed request, and other flags restart the agent alone", async (t) => {
    const [agent, ingress, etcd] = await pids();
    const containers = await node.containers();
    const stream = await openStream(node, t);
    let failures: readonly LoadFailure[] = [];
    const load = startLoad({
      address: node.address,
      httpPort: 80,
      dnsPort: 53,
      host: whoami,
      requestsPerSecond: 100,
      queriesPerSecond: 20,
    });
    try {
      await load.answers(steadyAnswers);
      await node.installAnotherBuild();
      await node.run("up");
      await load.answers(steadyAnswers);
    } finally {
      failures = (await load.stop()).failures;
    }
    assert.deepEqual(failures, []);
    const now = await pids();
    assert.notEqual(now[0], agent);
    assert.notEqual(now[1], ingress);
    assert.equal(now[2], etcd);
    assert.deepEqual(await node.containers(), containers);

    await node.run("up", "--dns-port", "53");
    assert.notEqual(await node.pid("agent"), now[0]);
    assert.deepEqual([await node.pid("ingress"), await node.pid("etcd")], [now[1], now[2]]);
    assert.equal(stream.ended, false, "the stream was cut by the handover");
  });

  test("has none of our processes after `down`, not even an ingress that a stream kept, and all of its containers", async (t) => {
    const containers = await node.containers();
    await openStream(node, t);
    const ingress = await node.pid("ingress");
    assert.equal((await setUp(node, "up")).code, 0); // the build from before
    assert.notEqual(await node.pid("ingress"), ingress);
    assert.ok(
      (await ourProcesses(node)).some((line) => line.startsWith(`${ingress} `)),
      "the old ingress did not stay for its stream",
    );

    const { code, stderr } = await node.try("down");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /stopped here; the apps run on until this computer restarts/);
    assert.deepEqual(await ourProcesses(node), []);
    assert.deepEqual(await node.containers(), containers);
    assert.equal((await node.try("status")).code, 7);
    assert.match((await node.try("down")).stderr, /does not run here/);
  });

  test("takes its apps up again by `up`, with the flags from before", async () => {
    const containers = await node.containers();
    const { code, stderr } = await node.try("up");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /node 'attic'/);
    assert.equal((await node.request(whoami)).status, 200);
    assert.deepEqual(await node.containers(), containers);
  });

  test("has nothing but data and apps after `uninstall`, and Docker starts those and no others", async () => {
    await node.docker("run", "-d", "--name", "neighbour", "--network", "fossora", "lab/whoami:1");
    const containers = await node.containers();
    const { code, stderr } = await node.try("uninstall");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /removed \/usr\/local\/bin\/fossora/);
    assert.match(stderr, /Stays +data in \/var\/lib\/fossora; 2 containers, which Docker now starts by itself\n.*has ended.*once-\S+-job/);
    assert.deepEqual(await ourProcesses(node), []);
    assert.deepEqual(await node.containers(), containers);
    assert.deepEqual(
      [...(await filesOf(node))].filter((file) => !filesBefore.has(file) && !file.startsWith("/var/lib/fossora/")).sort(),
      ["/etc/.pwd.lock", "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-", "/usr/local", "/usr/local/bin", "/var/lib/fossora"], // groupadd's and groupdel's
    );
    assert.equal(groups(), groupsBefore);
    assert.deepEqual(await restartPolicies(node), {
      "once-job": "no",
      "once-main": "unless-stopped",
      "whoami-whoami": "unless-stopped",
    });
    assert.equal((await node.docker("inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", "neighbour")).trim(), "no");

    await lab.stop(node.name, "dockerd");
    await lab.restart(node.name, "dockerd");
    await until("both apps are back", async () => (await node.containers()).length === 2);
  });

  test("is the same house after `uninstall` and `up`, which adopts the apps without a restart", async () => {
    const containers = await node.containers();
    const { code, said } = await setUp(node, "up");
    assert.equal(code, 0, said);
    assert.match(said, /this is node 'attic'/);
    await node.isReady("whoami", "once");
    assert.deepEqual(await node.containers(), containers);
    assert.equal((await node.request(whoami)).status, 200);
    assert.ok(!Object.values(await restartPolicies(node)).includes("unless-stopped"));
  });
});

/** By `service-container`. */
async function restartPolicies(node: HouseNode): Promise<Readonly<Record<string, string>>> {
  const format =
    '{{index .Config.Labels "fossora.dev/name"}}-{{index .Config.Labels "fossora.dev/container"}} {{.HostConfig.RestartPolicy.Name}}';
  const ids = (await node.docker("ps", "-aq", "--filter", "label=fossora.dev/kind")).split("\n").filter(Boolean);
  const lines = (await node.docker("inspect", "--format", format, ...ids)).split("\n").filter(Boolean).sort();
  return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string])); // the format above
}

/** A page that goes on for an hour, as a video does; open until the test ends. */
async function openStream({ address }: HouseNode, t: TestContext): Promise<{ readonly ended: boolean }> {
  const stream = { ended: false };
  const end = (): void => void (stream.ended = true);
  const request = http.get({ host: address, path: "/sse?n=36000&ms=100", headers: { host: whoami }, agent: false });
  t.after(() => request.destroy());
  await new Promise<void>((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      response.on("error", end);
      response.on("close", end);
      response.once("data", () => resolve());
    });
  });
  return stream;
}
