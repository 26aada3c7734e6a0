import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "../container-ports.ts";
import { measureLoad } from "./node-load.ts";

const container = (id: string, state: Container["state"] = "running"): Container => ({
  id,
  name: `web-${id}`,
  service: "web",
  instance: id,
  container: "web",
  specHash: "",
  state,
  health: "none",
  exitCode: 0,
  outOfMemory: false,
  restarts: 0,
  imageId: "",
  restartPolicy: "on-failure",
  published: {},
});

test("a machine is as busy as it was between two looks, a container too; one that ended meanwhile is left out", async () => {
  let nowMs = 0;
  const counts = [
    { cpus: 4, busyTicks: 100, allTicks: 1_000, memoryBytes: 100, usedBytes: 40 },
    { cpus: 4, busyTicks: 150, allTicks: 1_400, memoryBytes: 100, usedBytes: 50 },
  ];
  const load = await measureLoad(
    {
      containers: {
        list: async () => [container("a"), container("b"), container("c", "exited")],
        stats: async (id) => {
          if (id === "b" && nowMs > 0) throw new Error("it is gone");
          return { memoryBytes: 7, cpuNanos: 2_000_000 * nowMs };
        },
      },
      clock: {
        now: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
      counts: async () => counts.shift() ?? assert.fail("a third look"),
    },
    AbortSignal.timeout(10_000),
  );
  assert.deepEqual(load, {
    cpus: 4,
    busyCpus: 0.5,
    memoryBytes: 100,
    usedBytes: 50,
    containers: [{ service: "web", instance: "web-a", busyCpus: 2, usedBytes: 7 }],
  });
});
