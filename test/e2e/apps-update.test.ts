// A new version of an app comes while people use it, and one that does not work never takes its place. On a lab host.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { startLoad } from "../support/load.ts";
import { until } from "../support/until.ts";

const host = "shop.home.internal";
/** Before and after what is done, so that the load is steady on both sides. */
const steadyAnswers = 200;

interface Shop {
  readonly image?: string;
  readonly replicas?: number;
  readonly labels?: string;
  /** Further lines of the spec. */
  readonly lines?: readonly string[];
}

function shop({ image = "lab/whoami:1", replicas = 1, labels = "{}", lines = [] }: Shop): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop, labels: ${labels} }
spec:
  image: ${image}
  port: 80
  replicas: ${replicas}
${lines.map((line) => `  ${line}\n`).join("")}`;
}

const quickly = "update: { order: start-first, monitor: 1s }";
const neverHealthy = 'health: { http: /health, status: "204", interval: 200ms, timeout: 1s, retries: 2, startGrace: 0s }';

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("an update of an app that people use", { skip }, () => {
  let node: HouseNode;

  before(async () => {
    node = await HouseNode.alone(lab);
    await node.apply(shop({ replicas: 2, lines: [quickly] }), "--wait");
  });
  after(() => lab.down());

  async function versions(): Promise<readonly string[]> {
    const answers = await Promise.all(Array.from({ length: 10 }, () => node.request(host, "/json")));
    return [...new Set(answers.map(({ body }) => (JSON.parse(body) as { readonly version: string }).version))]; // the lab image's form
  }

  async function settled(count: number): Promise<void> {
    await node.isReady("shop");
    await until(`${count} containers are left`, async () => (await node.containersOf("shop")).length === count);
  }

  test("to another image loses no request and no query, and afterwards the new version answers", async (t) => {
    const before = await node.containersOf("shop");
    const load = startLoad({ address: node.address, httpPort: 80, dnsPort: 53, host, requestsPerSecond: 200, queriesPerSecond: 50 });
    try {
      await load.answers(steadyAnswers);
      await node.apply(shop({ image: "lab/whoami:2", replicas: 2, lines: [quickly] }), "--wait");
      await until("none of the old containers is left", async () => {
        const names = await node.containersOf("shop");
        return names.length === 2 && !names.some((name) => before.includes(name));
      });
      await load.answers(steadyAnswers);
    } finally {
      const { requests, queries, failures, slowestMs } = await load.stop();
      t.diagnostic(`${requests} requests, ${queries} queries, slowest ${slowestMs} ms`);
      assert.deepEqual(failures, []);
    }
    assert.deepEqual(await versions(), ["2"]);
  });

  test("of labels, routes or replicas restarts no container that stays", async () => {
    const before = await node.containers();
    await node.apply(shop({ image: "lab/whoami:2", replicas: 2, labels: "{ group: trade }", lines: [quickly] }), "--wait");
    assert.deepEqual(await node.containers(), before);

    const routes = "routes: [{ host: shop }, { host: trade }]";
    await node.apply(shop({ image: "lab/whoami:2", replicas: 2, labels: "{ group: trade }", lines: [quickly, routes] }), "--wait");
    await until("the new name answers", async () => (await node.request("trade.home.internal")).status === 200);
    assert.deepEqual(await node.containers(), before);

    await node.apply(shop({ image: "lab/whoami:2", replicas: 3, lines: [quickly] }), "--wait");
    const grown = await node.containers();
    assert.equal(grown.length, 3);
    assert.deepEqual(
      before.filter((line) => !grown.includes(line)),
      [],
    );

    await node.apply(shop({ image: "lab/whoami:2", replicas: 1, lines: [quickly] }), "--wait");
    await settled(1);
    const [last] = await node.containers();
    assert.ok(last && grown.includes(last));
  });

  test("to an image that does not exist leaves the old one serving, says why, and goes on once it is corrected", async () => {
    const before = await node.containers();
    await node.apply(shop({ image: "registry.lab:5000/missing:1", lines: [quickly] }));
    const stalled = await node.condition("shop", { type: "Stalled", reason: "UpdateFailed" });
    assert.match(stalled.message, /ImageNotFound.*registry\.lab:5000\/missing:1/);
    assert.match(await node.run("get", "svc", "shop"), /1\/1 .*UpdateFailed/);
    assert.deepEqual(await versions(), ["2"]);
    assert.deepEqual(await node.containers(), before);

    await node.apply(shop({ image: "lab/whoami:1", lines: [quickly] }), "--wait");
    await settled(1);
    assert.deepEqual(await versions(), ["1"]);
  });

  test("to nothing but a health check that never passes leaves the old one serving and says why", async () => {
    const before = await node.containers();
    await node.apply(shop({ image: "lab/whoami:1", lines: [quickly, neverHealthy] }));
    const stalled = await node.condition("shop", { type: "Stalled", reason: "UpdateFailed" });
    assert.match(stalled.message, /stopped.*Unhealthy.*200/);
    assert.deepEqual(await versions(), ["1"]);
    const now = await node.containers();
    assert.deepEqual(
      before.filter((line) => !now.includes(line)),
      [],
    );
  });

  test("with onFailure: rollback goes back and says so", async () => {
    await node.apply(shop({ image: "lab/whoami:1", lines: [quickly] }), "--wait");
    await settled(1);
    const before = await node.containers();
    const rollback = "update: { order: start-first, monitor: 1s, onFailure: rollback }";
    // Its predecessor may not even have been ready through `monitor` when this comes.
    await assert.rejects(
      node.apply(shop({ image: "lab/whoami:2", lines: [rollback, neverHealthy] }), "--wait"),
      /exit 1\n[^]*rolled back.*Unhealthy/,
    );
    await settled(1);
    assert.deepEqual(await node.containers(), before);
    assert.deepEqual(await versions(), ["1"]);
  });
});
