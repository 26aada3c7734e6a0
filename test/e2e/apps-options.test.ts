// What a Service may ask of Docker and few do: Docker's own words for the containers that came of it. On a lab host.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const image = "registry.lab:5000/whoami:1";
const [own, foreign] = process.arch === "arm64" ? ["linux/arm64", "linux/amd64"] : ["linux/amd64", "linux/arm64"];
const macAddress = "02:42:c0:a8:07:33";
const hostPort = 8181;
const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: inner }
spec:
  image: ${image}
  pull: always
  platform: ${own}
  port: 80
  macAddress: "${macAddress}"
  stopSignal: SIGINT
  volumes: ["h1:/srv/films:/films:ro"]
  logging: { driver: json-file, options: { max-size: 1m } }
  engine: { Domainname: attic, HostConfig: { OomScoreAdj: 300, CpuShares: 512 } }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: outer }
spec:
  image: lab/whoami:1
  port: ${hostPort}
  env: { PORT: ${hostPort} }
  network: host
  pid: host
  ipc: host
`;

interface Inspected {
  readonly Name: string;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly Mounts: readonly Readonly<Record<string, unknown>>[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly MacAddress: string }>> };
}

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("what an app may ask of Docker", { skip }, () => {
  let node: HouseNode;

  before(async () => {
    node = await HouseNode.alone(lab);
    await lab.exec(node.name, "sh", "-c", "mkdir -p /srv/films && echo Metropolis > /srv/films/list");
    // As it was here long ago.
    await node.docker("tag", "lab/whoami:2", image);
    await node.apply(manifest, "--wait");
  });
  after(() => lab.down());

  async function inspect(service: string): Promise<Inspected> {
    const [name = ""] = await node.containersOf(service);
    const [found] = JSON.parse(await node.docker("inspect", name)) as Inspected[]; // Docker's form
    assert.ok(found);
    return found;
  }
  const inside = async (service: string, line: string): Promise<string> =>
    (await node.run("exec", service, "--", "sh", "-c", line)).trimEnd();

  test("`pull: always` asks the registry though an image of that name is here", async () => {
    assert.match((await node.request("inner.home.internal", "/json")).body, /"version":"1"/);
    assert.match(await node.run("events", "--for", "svc/inner"), /Pulled +.*whoami:1/);
  });

  test("`NODE:/path` is that folder of the node, read-only if asked for", async () => {
    const [mount] = (await inspect("inner")).Mounts;
    assert.deepEqual([mount?.["Type"], mount?.["Source"], mount?.["Destination"], mount?.["RW"]], ["bind", "/srv/films", "/films", false]);
    assert.equal(await inside("inner", "cat /films/list"), "Metropolis");
  });

  test("a MAC address, a signal to stop and a log of its own are the container's", async () => {
    const { Config, HostConfig, NetworkSettings } = await inspect("inner");
    assert.deepEqual(
      Object.values(NetworkSettings.Networks).map(({ MacAddress }) => MacAddress),
      [macAddress],
    );
    assert.equal(await inside("inner", "cat /sys/class/net/eth0/address"), macAddress);
    assert.equal(Config["StopSignal"], "SIGINT");
    assert.deepEqual(HostConfig["LogConfig"], { Type: "json-file", Config: { "max-size": "1m" } });
    assert.deepEqual((await inspect("outer")).HostConfig["LogConfig"], { Type: "local", Config: { "max-file": "3", "max-size": "10m" } });
  });

  test("`engine` reaches Docker as it is, beside all else", async () => {
    const { Config, HostConfig } = await inspect("inner");
    assert.deepEqual([Config["Domainname"], HostConfig["OomScoreAdj"], HostConfig["CpuShares"]], ["attic", 300, 512]);
  });

  test("the machine's network, processes and shared memory", async () => {
    const { HostConfig } = await inspect("outer");
    assert.deepEqual([HostConfig["NetworkMode"], HostConfig["PidMode"], HostConfig["IpcMode"]], ["host", "host", "host"]);
    assert.equal(await inside("outer", "cat /proc/1/comm"), (await lab.exec(node.name, "cat", "/proc/1/comm")).trimEnd());
    const other = (await inspect("inner")).HostConfig;
    assert.deepEqual([other["PidMode"], other["IpcMode"], other["Privileged"]], ["", "private", false]);
    assert.equal((await node.request("outer.home.internal")).status, 200);
    assert.equal((await node.request("anything", "/", { port: hostPort })).status, 200, "at the machine's own address");
  });

  test("`privileged` asks for all capabilities, where the machine itself has them", async () => {
    await node.apply(
      `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: root }\nspec: { image: "lab/whoami:1", privileged: true }\n`,
    );
    // A lab in a container has not all of them, and then Docker refuses to start it.
    const { status, message } = await until("it runs or cannot", async () =>
      (await node.service("root")).status.conditions.find(
        ({ type, status, reason }) => type === "Ready" && (status === "True" || reason === "CreateFailed"),
      ),
    );
    if (status === "True") assert.equal((await inspect("root")).HostConfig["Privileged"], true);
    else assert.match(message, /unable to apply caps: operation not permitted/);
    await node.deleteService("root");
  });

  test("an image for another processor is not run, and the Service says so", async () => {
    await node.apply(
      `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: foreign }\nspec: { image: "lab/whoami:1", pull: never, platform: ${foreign} }\n`,
    );
    const { message } = await node.condition("foreign", { type: "Ready", status: "False", reason: "ImageNotFound" });
    assert.match(message, new RegExp(foreign ?? ""));
    assert.deepEqual(await node.containersOf("foreign"), []);
  });
});
