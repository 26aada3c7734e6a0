import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../api/keys.ts";
import type { Listen } from "../api/types.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, serviceSpec } from "../../test/fakes/objects.ts";
import { boundPorts } from "./bound-ports.ts";

const listen = (address: string | undefined, port: number): Listen => ({
  ...(address !== undefined && { address }),
  port,
  protocol: "tcp",
  container: "game",
  targetPort: 25_565,
});

test("boundPorts() are those on an address that no other computer has, of what is to run", async () => {
  const mirror = await mirrorOf((etcd) => {
    const at = (name: string, lan: readonly string[], tailnet: readonly string[]): void =>
      put(etcd, keys.node(name), { ...nodeRecord(name, `boot-${name}`), addresses: { lan, tailnet } });
    at("nas", ["192.168.1.10", "10.0.0.1", "fd00::10"], ["100.64.0.1"]);
    at("pi", ["192.168.1.11", "10.0.0.1"], []);
    const addresses = ["192.168.1.10", "192.168.1.11", "10.0.0.1", "127.0.0.1", "FD00:0::10", undefined];
    const all = addresses.map((address, index) => listen(address, 25_565 + index));
    apply(etcd, "Service", "game", { ...serviceSpec("game", "game:1"), listen: all });
    apply(etcd, "Service", "stopped", { ...serviceSpec("stopped", "game:1"), replicas: 0, listen: [listen("192.168.1.10", 80)] });
    apply(etcd, "Route", "mqtt", {
      path: "/",
      listen: { address: "100.64.0.1", port: 1883, endPort: 1884, protocol: "udp" },
      to: { url: "udp://192.168.1.40:1883" },
    });
  });
  assert.deepEqual(boundPorts("nas", mirror), [
    { name: "route/mqtt", at: "100.64.0.1:1883-1884/udp" },
    { name: "service/game", at: "192.168.1.10:25565/tcp" },
    { name: "service/game", at: "[FD00:0::10]:25569/tcp" },
  ]);
  assert.deepEqual(boundPorts("pi", mirror), [{ name: "service/game", at: "192.168.1.11:25566/tcp" }]);
  assert.deepEqual(boundPorts("gone", mirror), []);
});
