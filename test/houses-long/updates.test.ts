// A new version of an app comes while people use it through all computers: nobody is told no, whoever of them works on it may die, and any of
// them holds it or goes on. On lab hosts.
import assert from "node:assert/strict";
import { describe, type TestContext } from "node:test";
import type { ServiceView } from "../support/house.ts";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { startLoad, type Load } from "../support/load.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const host = "shop.home.internal";
const UPDATE_LIMIT_MS = 120_000;
/** Through each of the three. */
const REQUESTS_PER_SECOND = 67;
/** Before and after what is done, so that the load is steady on both sides. */
const STEADY_ANSWERS = 200;

function shop(version: number, replicas: number, line = "update: { order: start-first, monitor: 1s }"): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec:
  image: lab/whoami:${version}
  port: 80
  replicas: ${replicas}
  ${line}
`;
}

describe("an update of an app that people use through three computers", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await house.node(1).apply(shop(1, 3), "--wait", "--timeout", "2m");
      for (const node of house.nodes) await until(`${node.name} answers`, async () => (await node.request(host)).status === 200);
    },
  });

  const versionsOf = async (asked = 1): Promise<readonly string[]> => {
    const { status } = await house.node(asked).service("shop");
    return status.instances.flatMap(({ containers }) => containers.map(({ image }) => image.slice(-1)));
  };
  /** A moment after the last container of another version is gone, nobody tells of it any more. */
  const allRun = async (...versions: readonly string[]): Promise<void> => {
    await until(`all run ${versions.join()}`, async () => (await versionsOf()).join() === versions.join());
  };
  const containersLeft = async (count: number, numbers = all): Promise<void> => {
    await until(
      `${count} containers are left`,
      async () => (await Promise.all(numbers.map((number) => house.node(number).containersOf("shop")))).flat().length === count,
      UPDATE_LIMIT_MS,
    );
  };
  const underLoad = async (t: TestContext, path: string, run: () => Promise<void>): Promise<void> => {
    const loads = house.nodes.map(({ address }): Load =>
      startLoad({
        address,
        httpPort: 80,
        dnsPort: 53,
        host,
        path,
        postEvery: 5,
        requestsPerSecond: REQUESTS_PER_SECOND,
        queriesPerSecond: 5,
      }),
    );
    try {
      await Promise.all(loads.map((load) => load.answers(STEADY_ANSWERS)));
      await run();
      await Promise.all(loads.map((load) => load.answers(STEADY_ANSWERS)));
    } finally {
      const results = await Promise.all(loads.map((load) => load.stop()));
      const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
      t.diagnostic(
        `${sum(results.map(({ requests }) => requests))} requests, slowest ${Math.max(...results.map(({ slowestMs }) => slowestMs))} ms`,
      );
      assert.deepEqual(
        results.flatMap(({ failures }) => failures),
        [],
      );
    }
  };

  test("of three instances loses no request", async (t) => {
    await underLoad(t, "/", async () => {
      await house.node(1).apply(shop(2, 3), "--wait", "--timeout", "2m");
      await containersLeft(3);
    });
    await allRun("2", "2", "2");
  });

  test("nor with answers that take a while", async (t) => {
    await underLoad(t, "/wait?ms=300", async () => {
      await house.node(2).apply(shop(1, 3), "--wait", "--timeout", "2m");
      await containersLeft(3);
    });
    await allRun("1", "1", "1");
  });

  test("nor of a single instance", async (t) => {
    await house.node(1).apply(shop(1, 1), "--wait", "--timeout", "2m");
    await containersLeft(1);
    await underLoad(t, "/wait?ms=300", async () => {
      await house.node(3).apply(shop(2, 1), "--wait", "--timeout", "2m");
      await containersLeft(1);
    });
    await allRun("2");
  });

  test("is held on one computer and gone on with on another", async () => {
    await house.node(1).apply(shop(2, 3), "--wait", "--timeout", "2m");
    await containersLeft(3);
    await house.node(1).run("rollout", "pause", "svc/shop");
    await house.node(2).apply(shop(1, 3));
    const { message } = await house.node(3).condition("shop", { type: "Reconciling", reason: "Paused" });
    assert.match(message, /0 of 3 instances run what was applied last/);
    assert.match(await house.node(3).run("rollout", "status", "svc/shop"), /The update is paused/);
    assert.deepEqual(await versionsOf(), ["2", "2", "2"]);
    await house.node(3).run("rollout", "resume", "svc/shop", "--wait", "--timeout", "2m");
    await containersLeft(3);
    await allRun("1", "1", "1");
    await house.node(2).run("rollout", "undo", "svc/shop", "--wait", "--timeout", "2m");
    await containersLeft(3);
    await allRun("2", "2", "2");
  });

  test("to one that never becomes healthy is taken back, and the old ones serve all the time", async (t) => {
    const broken =
      'update: { order: start-first, monitor: 1s, onFailure: rollback }\n  health: { http: /health, status: "204", interval: 200ms, timeout: 1s, retries: 2, startGrace: 0s }';
    await underLoad(t, "/", async () => {
      await house.node(1).apply(shop(1, 3, broken));
      await house.node(2).condition("shop", { type: "Stalled", reason: "UpdateFailed" });
      await containersLeft(3);
    });
    await allRun("2", "2", "2");
  });

  const nowhere = (onFailure: string, image = "registry.lab:5000/late:1"): string =>
    shop(1, 3, `update: { order: start-first, monitor: 1s, onFailure: ${onFailure} }`).replace("lab/whoami:1", image);

  test("to an image that is nowhere is held, says so on all computers, and the old ones serve; a later manifest goes on", async (t) => {
    await underLoad(t, "/", async () => {
      await house.node(2).apply(nowhere("pause"));
      for (const node of house.nodes) {
        const { message } = await node.condition("shop", { type: "Stalled", reason: "UpdateFailed" });
        assert.match(message, /ImageNotFound.*registry\.lab:5000\/late:1/);
      }
      const { status } = await house.node(1).service("shop");
      const serving = status.instances.filter(({ ready }) => ready).flatMap(({ containers }) => containers.map(({ image }) => image));
      assert.deepEqual(serving, ["lab/whoami:2", "lab/whoami:2", "lab/whoami:2"]);
      await house.node(3).apply(shop(1, 3), "--wait", "--timeout", "2m");
      await containersLeft(3);
    });
    await allRun("1", "1", "1");
  });

  test("to an image that is nowhere is tried on under onFailure: continue, and done once the image is there", async (t) => {
    const ids = async (): Promise<readonly string[]> => (await house.node(1).service("shop")).status.instances.map(({ name }) => name);
    const before = await ids();
    await underLoad(t, "/", async () => {
      await house.node(2).apply(nowhere("continue"));
      const tried = await until("an instance waits for the image", async () =>
        (await house.node(3).service("shop")).status.instances.find(({ reason }) => reason === "ImageNotFound"),
      );
      assert.ok(!before.includes(tried.name), `${tried.name} is none of the new ones`);
      for (const node of house.nodes) await node.docker("tag", "lab/whoami:1", "registry.lab:5000/late:1");
      await until("all run it", async () => (await ids()).every((name) => !before.includes(name)), UPDATE_LIMIT_MS);
      await containersLeft(3);
    });
    const { status } = await house.node(1).service("shop");
    assert.deepEqual(
      [...new Set(status.instances.flatMap(({ containers }) => containers.map(({ image }) => image)))],
      ["registry.lab:5000/late:1"],
    );
    await house.node(1).apply(shop(2, 3), "--wait", "--timeout", "2m");
    await containersLeft(3);
  });

  test("is brought to its end though the computer that works on it loses its power", async () => {
    await house.node(1).apply(shop(2, 3), "--wait", "--timeout", "2m");
    await containersLeft(3);
    const before = new Set((await house.node(1).service("shop")).status.instances.map(({ name }) => name));
    await house.node(1).apply(shop(1, 3));
    const isNew = ({ status }: ServiceView): string | undefined => status.instances.find(({ name }) => !before.has(name))?.node;
    const chosen = await until("a new instance is placed", async () => isNew(await house.node(1).service("shop")));
    const left = all.filter((number) => house.node(number).name !== chosen);
    await house.lab.kill(chosen);
    const [asked = 1] = left;
    await until("the others have updated it", async () => (await versionsOf(asked)).join() === "1,1,1", UPDATE_LIMIT_MS);
    await house.node(asked).run("rollout", "status", "svc/shop", "--timeout", "2m");
    await containersLeft(3, left);
    await house.lab.boot(chosen);
    await house.areOneHouse(all);
    await containersLeft(3);
  });

  test("that failed and is held holds up no failover: another computer goes on with the version before", async () => {
    await house.node(1).apply(shop(1, 3), "--wait", "--timeout", "2m");
    await house.node(2).apply(nowhere("pause", "registry.lab:5000/never:1"));
    await house.node(1).condition("shop", { type: "Stalled", reason: "UpdateFailed" });
    const servingSeenBy = async (number: number): Promise<readonly string[]> =>
      (await house.node(number).service("shop")).status.instances.filter(({ ready }) => ready).map(({ node }) => node);
    const [lost] = await servingSeenBy(1);
    assert.ok(lost !== undefined);
    const left = all.filter((number) => house.node(number).name !== lost);
    await house.lab.kill(lost);
    const [asked = 1] = left;
    await until(
      "three serve without it",
      async () => {
        const serving = await servingSeenBy(asked);
        return serving.length === 3 && !serving.includes(lost);
      },
      UPDATE_LIMIT_MS,
    );
    await house.node(asked).condition("shop", { type: "Stalled", reason: "UpdateFailed" });
    await house.node(asked).apply(shop(1, 3), "--wait", "--timeout", "2m");
    await house.lab.boot(lost);
    await house.areOneHouse(all);
    await containersLeft(3);
  });
});
