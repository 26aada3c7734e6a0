import assert from "node:assert/strict";
import { test } from "node:test";
import { engineDevices, engineMounts, enginePorts, isOnHostNetwork } from "./engine-options.ts";
import type { Container } from "./types.ts";

function container(HostConfig: unknown, network = "default"): Container {
  return { name: "app", image: "app:1", network, engine: { HostConfig } } as unknown as Container; // only what is read of it
}

test("Binds and Mounts with a source are mounts; what Docker makes for the container alone is none", () => {
  const Mounts = [
    { Type: "bind", Source: "/srv", Target: "/in" },
    { Type: "volume", Source: "named", Target: "/data", ReadOnly: true },
    { Type: "volume", Target: "/cache" },
    { Type: "tmpfs", Target: "/tmp" },
  ];
  assert.deepEqual(engineMounts(container({ Binds: ["/db:/data", "/etc/localtime:/etc/localtime:z,ro", "db:/data", "/alone"], Mounts })), [
    { text: "/db:/data", readOnly: false, isPath: true },
    { text: "db:/data", readOnly: false, isPath: false },
    { text: "/srv:/in", readOnly: false, isPath: true },
    { text: "named:/data", readOnly: true, isPath: false },
  ]);
});

test("what each machine has of its own is nobody's data", () => {
  const Binds = [
    "/var/run/docker.sock:/var/run/docker.sock",
    "/etc/localtime:/etc/localtime",
    "/dev/dri:/dev/dri",
    "/run/dbus:/run/dbus:ro",
  ];
  assert.deepEqual(engineMounts(container({ Binds })), []);
  assert.equal(engineMounts(container({ Binds: ["/etc/app:/config", "/runner:/data", "/develop:/src"] })).length, 3);
});

test("a port counts that is named, a device by its path on the machine", () => {
  const PortBindings = { "80/tcp": [{ HostPort: "8080" }, { HostPort: "" }], "81/tcp": [{ HostPort: "0" }, {}], "82/tcp": null };
  const asked = container({ PortBindings, Devices: [{ PathOnHost: "/dev/ttyACM0" }, {}] });
  assert.deepEqual([enginePorts(asked), engineDevices(asked)], [["8080"], ["/dev/ttyACM0"]]);
});

test("the network is that of `engine` before the field's", () => {
  assert.deepEqual(
    [container({ NetworkMode: "host" }), container({ NetworkMode: "none" }, "host"), container({}, "host"), container({})].map(
      isOnHostNetwork,
    ),
    [true, false, true, false],
  );
});

test("what is not in Docker's words is left to Docker", () => {
  for (const written of [undefined, null, 1, [], { Binds: "x", Mounts: {}, Devices: [null], PortBindings: [] }]) {
    const odd = container(written);
    assert.deepEqual([engineMounts(odd), enginePorts(odd), engineDevices(odd), isOnHostNetwork(odd)], [[], [], [], false]);
  }
});
