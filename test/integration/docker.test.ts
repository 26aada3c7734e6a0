// The dockerode adapter keeps the `Containers` contract on a real dockerd.
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { after, before, describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { DockerContainers } from "../../src/adapters/dockerode/containers.ts";
import { containersContract } from "../contracts/containers.ts";
import { type Program, signal } from "../contracts/containers-bench.ts";
import { freeNetwork, noDocker, startDocker, type TestDocker } from "../support/docker.ts";
import { makeTestImage, noBusybox } from "../support/docker-image.ts";

const image = "fossora-test:1";
const limitMs = 60_000;
const run = Math.random().toString(36).slice(2, 7);

const commands: Readonly<Record<Program, readonly string[]>> = {
  runs: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"],
  "runs, and ends with 143": ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 1 & wait $!; done"],
  "exits 0": ["true"],
  "exits 3": ["sh", "-c", "exit 3"],
  // Its shell outlives it: when the container ends at once, dockerd may take the kernel's notice too late (moby's exit and OOM events race).
  "runs out of memory": ["sh", "-c", "tail /dev/zero; sleep 3"],
  "ignores the stop signal": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
  "says hello": ["echo", "hello"],
};

describe("Docker", { skip: noDocker() ?? noBusybox() ?? false }, () => {
  let docker: TestDocker;
  let containers: DockerContainers;
  const [network, otherNetwork] = [freeNetwork(`ft${run}`), freeNetwork(`ft${run}b`)];

  before(async () => {
    docker = await startDocker();
    containers = new DockerContainers({ socketPath: docker.socketPath });
    await makeTestImage(docker.socketPath, { reference: image, page: "Hello from a test\n", files: { "/data/from-image": "kept\n" } });
    await containers.ensureNetwork(network, signal);
  });

  after(async () => {
    for (const { id } of await containers.list(undefined, signal)) await containers.remove(id, signal);
    for (const { name } of await containers.networks(signal)) await containers.removeNetwork(name, signal);
    containers.close();
    await docker.stop();
  });

  const foreign = (name: string) => new Docker({ socketPath: docker.socketPath }).getContainer(name);

  containersContract("a real dockerd", () => ({
    containers,
    image,
    network,
    otherNetwork,
    command: (program) => commands[program],
    directory: () => mkdtempSync(path.join(docker.folder, "volume-")),
    addForeign: async (name) => {
      const made = await new Docker({ socketPath: docker.socketPath }).createContainer({
        name,
        Image: image,
        Cmd: [...commands.runs],
        HostConfig: { NetworkMode: "none" },
      });
      await made.start();
    },
    foreignRuns: async (name) => (await foreign(name).inspect()).State.Running,
    ...(docker.restart && { restart: docker.restart }),
    until: async (holds, what) => {
      const deadline = performance.now() + limitMs;
      while (!(await holds())) {
        assert(performance.now() < deadline, what);
        await sleep(20);
      }
    },
  }));
});
