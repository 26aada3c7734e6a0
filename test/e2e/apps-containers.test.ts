// Apps of several containers, and what a container may ask for, as the container itself sees it. On a lab host.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const paperless = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: paperless }
spec:
  port: web:80
  containers:
    - name: web
      image: lab/whoami:1
      after: [db, migrate]
      env: { URL: "\${url}", HOST: "\${host}", ZONE: "\${zone}", NODE: "\${node}", PROXIES: "\${proxies}", PRICE: 5$$, DEBUG: true, WORKERS: 3 }
      files:
        - { path: /etc/paperless/app.conf, content: "zone=\${zone} price=5$$", mode: "0640", owner: "1000:1001" }
    - name: migrate
      image: lab/whoami:1
      entrypoint: [/bin/sh, -c, "wget -q -O - http://db/json"]
      run: once
      after: [db]
    - { name: db, image: "lab/health:1", env: { START_DELAY: 2 }, aliases: [database] }
    - name: cache
      image: lab/whoami:2
      network: container:web
      env: { PORT: 81 }
      health: { tcp: 81 }
`;

const everything = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: everything }
spec:
  image: lab/whoami:1
  port: 80
  user: "1000:1001"
  groupAdd: ["1002"]
  hostname: kitchen
  workingDir: /data
  readOnly: true
  init: true
  tmpfs: ["/scratch:size=1Mi,mode=1777"]
  devices: [/dev/net/tun]
  extraHosts: { nas: 192.168.1.10 }
  sysctls: { net.ipv4.ip_default_ttl: "42" }
  ulimits: { nofile: { soft: 500, hard: 600 } }
  shmSize: 2Mi
  capDrop: [ALL]
  labels: { org.example.colour: blue }
  resources: { memory: 64Mi, cpus: 0.5 }
`;

function once(exitCode: number): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: upgrade }
spec:
  port: web:80
  containers:
    - { name: web, image: "lab/whoami:1", after: [migrate] }
    - { name: migrate, image: "lab/whoami:1", run: once, entrypoint: [/bin/sh, -c, "exit ${exitCode}"] }
`;
}

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

const inner = (container: string, port: number): string => `apiVersion: fossora.dev/v1
kind: Route
metadata: { name: paperless-${container} }
spec: { host: ${container}, to: "service/paperless/${container}:${port}" }
`;

describe("what containers are given", { skip }, () => {
  let node: HouseNode;

  before(async () => {
    node = await HouseNode.alone(lab);
    await node.apply(`${paperless}---\n${everything}`, "--wait");
  });
  after(() => lab.down());

  /** In a shell of the container. */
  async function inside(service: string, line: string, container = service): Promise<string> {
    return (await node.run("exec", service, "-c", container, "--", "sh", "-c", line)).trimEnd();
  }

  async function inspect(service: string, container: string, format: string): Promise<string> {
    const filters = [`label=fossora.dev/name=${service}`, `label=fossora.dev/container=${container}`].flatMap((filter) => [
      "--filter",
      filter,
    ]);
    const id = (await node.docker("ps", "-aq", ...filters)).trim();
    return (await node.docker("inspect", "--format", format, id)).trimEnd();
  }

  test("a Route leads to any container of an app by its name and port", async () => {
    await node.apply(`${inner("db", 80)}---\n${inner("cache", 81)}`, "--wait");
    const answer = async (host: string): Promise<string> => (await node.request(host, "/json")).body;
    await until(
      "both are reached",
      async () => (await answer("db")).includes('"name":"health"') && (await answer("cache")).includes('"version":"2"'),
    );
    await node.run("delete", "route", "paperless-db", "paperless-cache");
  });

  test("the containers of an app find each other by name and alias, and nobody else's", async () => {
    assert.match(await inside("paperless", "wget -q -O - http://db/json", "web"), /"name":"health"/);
    assert.match(await inside("paperless", "wget -q -O - http://database/json", "web"), /"name":"health"/);
    assert.match(await inside("paperless", "wget -q -O - http://web/json", "db"), /"name":"whoami"/);
    await assert.rejects(inside("everything", "wget -q -O - http://db/json"), /exit 1\n/);
  });

  test("`after` waits until a container with a health check is healthy, and one that runs once has ended with 0", async () => {
    assert.equal(await inspect("paperless", "migrate", "{{.State.Status}} {{.State.ExitCode}}"), "exited 0");
    const startOf = async (container: string): Promise<number> => Date.parse(await inspect("paperless", container, "{{.State.StartedAt}}"));
    const [db, migrate, web] = await Promise.all(["db", "migrate", "web"].map(startOf));
    assert.ok(db && migrate && web);
    assert.ok(migrate - db >= 2_000, `db listens 2 s after its start, and migrate began after ${migrate - db} ms`);
    assert.ok(web >= Date.parse(await inspect("paperless", "migrate", "{{.State.FinishedAt}}")));
    // The image's own check is run by Docker, which a busy machine may keep from it for a moment.
    await until("it is ready", async () => /1\/1 +Ready/.test(await node.run("get", "svc", "paperless")));
  });

  test("one that runs once and fails keeps the app from starting, which says why, and is run again when it is corrected", async () => {
    await node.apply(once(3));
    const { message } = await node.condition("upgrade", { type: "Ready", reason: "CrashLoop" });
    assert.match(message, /migrate: .* 3\b/);
    assert.deepEqual(
      (await node.containersOf("upgrade")).filter((name) => name.endsWith("-web")),
      [],
    );
    assert.match(await node.run("describe", "svc/upgrade"), /^ +web +lab\/whoami:1 +waiting$/m);
    await node.apply(once(0), "--wait");
    assert.equal((await node.request("upgrade.home.internal")).status, 200);
  });

  test("`network: container:web` shares web's network, and is made anew with it", async () => {
    assert.match(await inside("paperless", "wget -q -O - http://127.0.0.1:81/json", "web"), /"version":"2"/);
    const [web, cache] = [await inspect("paperless", "web", "{{.Id}}"), await inspect("paperless", "cache", "{{.Id}}")];
    assert.equal(await inspect("paperless", "cache", "{{.HostConfig.NetworkMode}}"), `container:${web}`);
    await node.docker("rm", "-f", web);
    await until("both were made anew", async () => {
      const now = [await inspect("paperless", "web", "{{.Id}}"), await inspect("paperless", "cache", "{{.Id}}")];
      return now[0] !== web && now[1] !== cache && now[0] !== now[1];
    });
    await node.isReady("paperless");
    assert.match(await inside("paperless", "wget -q -O - http://127.0.0.1:81/json", "web"), /"version":"2"/);
  });

  test("env is filled in, and `$$` is a dollar", async () => {
    const names = ["URL", "HOST", "ZONE", "NODE", "PROXIES", "PRICE", "DEBUG", "WORKERS"];
    const gateway = await inside("paperless", "echo $PROXIES", "web");
    assert.match(gateway, /^(10|172)\.\d+\.0\.1$/);
    assert.equal(
      await inside("paperless", `echo ${names.map((name) => `"$${name}"`).join(" ")}`, "web"),
      `http://paperless.home.internal paperless.home.internal home.internal h1 ${gateway} 5$ true 3`,
    );
  });

  test("files have their content, mode and owner", async () => {
    assert.equal(
      await inside("paperless", "stat -c '%a %u:%g' /etc/paperless/app.conf; cat /etc/paperless/app.conf", "web"),
      "640 1000:1001\nzone=home.internal price=5$",
    );
  });

  test("user, groups, host name and working folder are as asked for", async () => {
    assert.equal(await inside("everything", "id -u; id -g; hostname; pwd"), "1000\n1001\nkitchen\n/data");
    assert.match(await inside("everything", "id -G"), /\b1002\b/);
  });

  test("a read-only container writes to its tmpfs alone, up to its size", async () => {
    await assert.rejects(inside("everything", "touch /tmp/x"), /Read-only file system/);
    assert.equal(await inside("everything", "stat -c %a /scratch; echo kept > /scratch/x; cat /scratch/x"), "1777\nkept");
    await assert.rejects(inside("everything", "dd if=/dev/zero of=/scratch/y bs=1M count=2"), /No space left/);
  });

  test("a plain device, further hosts, kernel parameters and limits are there", async () => {
    assert.equal(await inside("everything", "stat -c %F /dev/net/tun"), "character special file");
    assert.match(await inside("everything", "cat /etc/hosts"), /^192\.168\.1\.10\s+nas$/m);
    assert.equal(await inside("everything", "cat /proc/sys/net/ipv4/ip_default_ttl"), "42");
    // Of the app itself: what `exec` starts has the soft limit that Go's runtime gave runc, now and then.
    assert.match(await inside("everything", "cat /proc/1/limits"), /^Max open files +500 +600 /m);
    assert.match(await inside("everything", "df -k /dev/shm"), / 2048 /);
    assert.match(await inside("everything", "grep CapEff /proc/self/status"), /0000000000000000$/);
    assert.equal(await inspect("everything", "everything", '{{index .Config.Labels "org.example.colour"}}'), "blue");
    assert.equal(
      await inspect("everything", "everything", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.Init}}"),
      "67108864 500000000 true",
    );
  });
});
