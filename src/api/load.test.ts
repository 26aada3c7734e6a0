import assert from "node:assert/strict";
import { test } from "node:test";
import { houseLoad, type ContainerLoad, type NodeLoad } from "./load.ts";

const node = (...containers: readonly ContainerLoad[]): NodeLoad => ({ cpus: 4, busyCpus: 1, memoryBytes: 100, usedBytes: 50, containers });
const container = (instance: string, busyCpus: number, usedBytes: number): ContainerLoad => ({
  service: instance.split("-")[0] ?? "",
  instance,
  busyCpus,
  usedBytes,
});

test("an app is the sum of its instances on all nodes, an instance that of its containers", () => {
  const { services, nodes } = houseLoad([
    { node: "nuc", load: node(container("web-b", 0.5, 10), container("db-x", 1, 5)) },
    { node: "pi4", unknown: "it does not answer" },
    { node: "nas", load: node(container("web-a", 0.25, 20), container("web-a", 0.25, 1)) },
  ]);
  assert.deepEqual(services, [
    { name: "db", busyCpus: 1, usedBytes: 5, instances: [{ name: "db-x", node: "nuc", busyCpus: 1, usedBytes: 5 }] },
    {
      name: "web",
      busyCpus: 1,
      usedBytes: 31,
      instances: [
        { name: "web-a", node: "nas", busyCpus: 0.5, usedBytes: 21 },
        { name: "web-b", node: "nuc", busyCpus: 0.5, usedBytes: 10 },
      ],
    },
  ]);
  assert.deepEqual(
    nodes.map((each) => each.node),
    ["nas", "nuc", "pi4"],
  );
});
