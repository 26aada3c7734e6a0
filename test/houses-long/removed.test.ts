// A computer is lost, removed, and switched on again much later: what ran on it runs elsewhere by then, and must not run on both. On lab hosts.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const LIMIT_MS = 300_000;
const diary = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: diary }
spec: { containers: [{ name: diary, image: "lab/whoami:1", volumes: ["host:/srv:/srv"] }], port: 80 }
`;

describe("a house of two", { skip }, () => {
  let nas: HouseNode;
  let attic: HouseNode;
  const { house, test } = labSuite(2, {
    tailnet: false,
    prepare: async () => {
      [nas, attic] = [house.node(1), house.node(2)];
      for (const { lab, name } of [nas, attic]) await lab.exec(name, "mkdir", "-p", "/srv");
      await nas.run("up", "--node-name", "nas", "--mdns", "off");
      await attic.run("join", (await nas.run("invite", "-q")).trim(), "--node-name", "attic", "--mdns", "off");
      await house.areOneHouse([1, 2]);
      await nas.run("node", "cordon", "nas");
      await nas.apply(diary, "--wait", "--timeout", "3m");
      await nas.run("node", "uncordon", "nas");
    },
  });

  test("what ran on a standby that was removed while it was off does not run on it again", async () => {
    assert.equal((await attic.containersOf("diary")).length, 1);
    await house.lab.kill(attic.name);
    await until("it is removed", async () => (await nas.try("node", "remove", "attic", "--confirm=attic")).code === 0, LIMIT_MS);
    await until("diary runs on the other one", async () => (await nas.containersOf("diary")).length === 1, LIMIT_MS);
    const removed = "/var/lib/fossora/trust/removed.json";
    await until("its certificates are struck off", async () => (await nas.lab.exec(nas.name, "cat", removed)).trim() !== "[]", LIMIT_MS);
    await house.lab.boot(attic.name);
    await attic.run("up");
    await until(
      "it is alone in a house of its own",
      async () => {
        const { code, stdout } = await attic.try("get", "nodes");
        return code === 0 && !stdout.includes("nas");
      },
      LIMIT_MS,
    );
    // Its Docker may have started it before any agent was there.
    await until("nothing of the house is left on it", async () => (await attic.containersOf("diary")).length === 0, LIMIT_MS);
    assert.equal((await nas.containersOf("diary")).length, 1);
  });
});
