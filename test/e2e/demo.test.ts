// `npm run demo` as a person types it, on a lab host.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Resource } from "../../src/api/resource.ts";
import { HouseNode } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { cacheFolder } from "../../tools/machine.ts";

const project = path.join(import.meta.dirname, "../..");

const alice = "/opt/alice";

describe("npm run demo", { skip: labReason() ?? false }, () => {
  const lab = new Lab();
  let node: HouseNode;

  before(async () => {
    const [host] = await lab.up(1, { share: [project, cacheFolder()] });
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
  const objects = async (): Promise<readonly string[]> => {
    const { items } = JSON.parse(await node.run("get", "services,routes,dnsrecords", "-o", "json")) as {
      readonly items: readonly Resource[];
    };
    return items.map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.resourceVersion}`);
  };
  const images = (): Promise<string> => lab.exec(node.name, "docker", "images", "--format", "{{.Repository}}:{{.Tag}}");

  test("ends with an app that answers by its name, and says how long each step took", async () => {
    const output = await demo();
    assert.match(output, /✓ http:\/\/hello\.home\.internal\/ answers +\d+\.\ds/);
    assert.match(output, /Hello from your house/);
    assert.match(await lab.exec(node.name, "/usr/local/bin/fossora", "get", "services"), /hello +1\/1 +Ready/);
  });

  test("changes nothing the second time", async () => {
    // Not the size of the store's file: etcd has pages of its own.
    const seen = async (): Promise<unknown> => [await node.containers(), await node.pid("agent"), await node.pid("etcd"), await objects()];
    const before = await seen();
    assert.match(await demo(), /unchanged, hello is ready/);
    assert.deepEqual(await seen(), before);
  });

  test("takes nothing back while the house has an app or data that the demo did not make, and names both", async () => {
    const manifest = `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: diary }\nspec: { image: "fossora/hello:1", port: 80, volumes: ["pages:/pages"] }\n`;
    await lab.exec(node.name, "sh", "-c", `printf '%s' '${manifest}' | /usr/local/bin/fossora apply -f - --wait --timeout 2m`);
    const refused = async (): Promise<string> => {
      const { code, stderr } = await lab.tryExec(node.name, "sh", path.join(project, "tools/run"), "tools/demo.ts", "stop");
      assert.equal(code, 1);
      return stderr;
    };
    const before = [await node.containers(), await objects()];
    assert.match(await refused(), /service\/diary +fossora delete service\/diary\n[^]* \/var\/lib\/fossora\/volumes\/diary-pages /);
    assert.deepEqual([await node.containers(), await objects()], before);
    await node.run("delete", "svc/diary", "--wait");
    assert.match(await refused(), /removed: .*\n {2}\/var\/lib\/fossora\/volumes\/diary-pages /);
    await lab.exec(node.name, "rm", "-r", "/var/lib/fossora/volumes/diary-pages");
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

  test("takes other ports where 80 and 53 are held, says so, and leaves the holders alone", async () => {
    await lab.start(node.name, "web", ["busybox", "httpd", "-f", "-p", "80", "-h", "/srv"]);
    await lab.start(node.name, "names", ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root"]);
    const holders = async (): Promise<string> => lab.exec(node.name, "pgrep", "-fl", "httpd|dnsmasq");
    const before = await holders();
    const { code, stdout, stderr } = await lab.tryExec(node.name, "sh", path.join(project, "tools/run"), "tools/demo.ts");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /port 80 is held by busybox.*; 8080 was taken instead/);
    assert.match(stderr, /port 53 is held by dnsmasq.*; 5354 was taken instead/);
    assert.match(stdout, /✓ http:\/\/hello\.home\.internal:8080\/ answers/);
    assert.match(stdout, /dig @\S+ -p 5354 hello\.home\.internal[^]*curl -H 'Host: hello\.home\.internal' http:\/\/\S+:8080\//);
    await demo("stop");
    assert.equal(await holders(), before);
    for (const service of ["web", "names"]) await lab.stop(node.name, service);
  });

  test("works without root for who may use Docker, on high ports and in folders of their own", async () => {
    const clone = `${alice}/fossora`;
    await makeAlice(node, clone);
    const asAlice = (...args: readonly string[]) =>
      lab.tryExec(node.name, "su", "alice", "-c", ["cd", clone, "&&", "sh", "tools/run", "tools/demo.ts", ...args].join(" "));
    const { code, stdout, stderr } = await asAlice();
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /✓ http:\/\/hello\.home\.internal:8080\/ answers[^]*Hello from your house/);
    assert.match(await lab.exec(node.name, "ps", "axww", "-o", "user=,args="), /^alice .*fossora/m);
    const stopped = await asAlice("stop");
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.match((await node.containers()).join(), /^\w+ \/mine [^,]*$/);
    assert.equal((await lab.tryExec(node.name, "pgrep", "-a", "fossora")).stdout, "");
    assert.equal((await lab.tryExec(node.name, "test", "-e", `${alice}/.local/share/fossora`)).code, 1);
  });

  test("starts dockerd where none runs, and ends it without a trace", async () => {
    await lab.exec(node.name, "docker", "rm", "-f", "mine");
    await lab.stop(node.name, "dockerd");
    const forget =
      "ip link del docker0; iptables -F; iptables -t nat -F; iptables -X; iptables -t nat -X; rm -rf /var/lib/docker /run/docker*";
    await lab.exec(node.name, "sh", "-c", forget);
    const rules = (): Promise<string> =>
      lab.exec(node.name, "sh", "-c", "iptables -S; iptables -t nat -S; cat /proc/sys/net/ipv4/ip_forward");
    const before = await rules();

    assert.match(await demo(), /✓ Docker \S+ started, its log is \/root\/\.local\/state\/fossora-demo\/dockerd\.log/);
    assert.match(await demo(), /✓ Docker \S+, started by an earlier run/);
    assert.match(await demo("stop"), /Ended the dockerd that the demo had started/);
    assert.equal((await lab.tryExec(node.name, "pgrep", "-a", "dockerd|containerd")).stdout, "");
    for (const left of ["/var/lib/docker", "/run/docker.sock", "/sys/class/net/docker0"])
      assert.equal((await lab.tryExec(node.name, "test", "-e", left)).code, 1, left);
    assert.equal(await rules(), before);
  });
});

/** In the group docker, with a clone of her own; what the lock names and what was built once for it is there, as after a first run. */
async function makeAlice({ lab, name }: HouseNode, clone: string): Promise<void> {
  const cache = `${alice}/.cache/fossora`;
  const parts = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "src",
    "controllers",
    "schemas",
    "manifests",
    "tools",
    "test/support",
  ];
  const script = `set -e
    getent group docker >/dev/null || groupadd docker
    useradd --create-home --home-dir ${alice} --groups docker alice
    chgrp docker /run/docker.sock && chmod 660 /run/docker.sock
    mkdir -p ${clone}/node_modules ${cache}
    cd ${project} && cp -r --parents ${parts.join(" ")} ${clone}
    chown -R alice ${alice}
    mount --bind ${project}/node_modules ${clone}/node_modules
    mount --bind ${cacheFolder()} ${cache}`;
  await lab.exec(name, "sh", "-c", script);
}
