// Computers that lost their disks and come back: one in the house's tailnet by itself, one on the LAN by a person's word, each as the node that
// it was. On lab hosts.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3, 4] as const;

const apps = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: notes }
spec: { image: "lab/data:1", port: 80, volumes: ["notes:/data"], placement: { require: { nodes: [h3] } } }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: attic }
spec: { image: "lab/whoami:1", port: 80, placement: { require: { labels: { room: attic } } } }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: cellar }
spec: { image: "lab/whoami:1", port: 80, placement: { require: { labels: { room: cellar } } } }
`;

describe("a house of four, two of which lose their disks", { skip }, () => {
  let knownBefore: readonly string[] = [];
  const { house, test } = labSuite(all.length, {
    prepare: async () => {
      await hasNetworkCard(3);
      await house.start(1, 2, 3);
      await house.areOneHouse([1, 2, 3]);
      await house.start(4);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await house.node(1).run("node", "label", "h3", "room=attic");
      await house.node(1).run("node", "label", "h4", "room=cellar");
      await house.node(1).apply(apps, "--wait", "--timeout", "2m");
      knownBefore = await namesAndLabels();
      await house.lab.wipe("h3", "h4");
      await house.lab.boot("h3", "h4");
      for (const number of [3, 4]) await house.node(number).install();
      await hasNetworkCard(3);
    },
  });
  const namesAndLabels = async (): Promise<readonly string[]> => {
    const nodes = await house.node(1).list("nodes");
    return nodes.map(({ metadata }) => `${metadata.name} ${"labels" in metadata ? JSON.stringify(metadata.labels) : ""}`).sort();
  };
  /** Hosts of the lab have none: of all that tells a machine again, this one has the address of its card. */
  const hasNetworkCard = async (number: number): Promise<void> => {
    const card = `/run/net/eth0; mkdir -p $card/device; echo 3c:52:82:00:00:0${number} > $card/address; echo 0 > $card/addr_assign_type`;
    await house.lab.exec(`h${number}`, "sh", "-c", `card=${card}; mount --bind /run/net /sys/class/net`);
  };
  const hasItsApp = async (number: number, app: string): Promise<void> => {
    await until(`${app} runs on h${number}`, async () => (await house.node(number).containersOf(app)).length === 1, LIMIT_MS);
  };

  test("in the tailnet one takes its own place by itself, and its data app is not started on an empty folder", async () => {
    await house.start(3);
    await house.isMember(3);
    await hasItsApp(3, "attic");
    await house.node(1).condition("notes", { type: "Ready", status: "False", reason: "VolumeLost" });
    assert.deepEqual(await house.node(3).containersOf("notes"), []);
  });

  test("on the LAN one takes its former self's place when a person says so", async () => {
    const token = (await house.node(1).run("invite", "-q")).trim();
    const joining = house.node(4).try("join", token, "--timeout", "4m");
    // It is at the address of its former self, and nothing else tells that it is the same.
    await until("it is offered", async () => /fossora node replace h4/.test((await house.node(1).try("status")).stdout), LIMIT_MS);
    await house.node(1).run("node", "replace", "h4");
    const joined = await joining;
    assert.equal(joined.code, 0, joined.stderr);
    await hasItsApp(4, "cellar");
  });

  test("each has its name and labels again, and nobody counts their former selves", async () => {
    await house.areOneHouse(all);
    await until("as before", async () => (await namesAndLabels()).join() === knownBefore.join(), LIMIT_MS);
    await until("four members", async () => (await house.members()).length === 4, LIMIT_MS);
    await until("nobody waits any more", async () => (await house.queued()).length === 0, LIMIT_MS);
  });
});
