// An engine that hangs, or is killed, takes nobody's app along: three computers on lab hosts, and people who ask through all of them. What
// ends meanwhile is led to no more, and says why.
import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import type { Condition } from "../../src/api/resource.ts";
import { programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { LabHouse, LIMIT_MS } from "../support/lab-house.ts";
import { startLoad } from "../support/load.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const host = "shop.home.internal";
/** Through each of the three. */
const REQUESTS_PER_SECOND = 20;
/** Before and after what is done, so that the load is steady on both sides. */
const STEADY_ANSWERS = 200;

const shop = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec:
  image: "lab/whoami:1"
  routes: [{ host: shop, port: 80, hold: 1s }]
  placement: { prefer: { nodes: [h2] } }
`;

describe("an engine that does not answer", { skip }, () => {
  const house = new LabHouse(new Lab());
  let absent: string | undefined;
  before(async () => {
    absent = await house.up(3);
    if (absent !== undefined) return;
    await house.start(...all);
    await house.areOneHouse(all);
    await house.node(1).apply(shop, "--wait", "--timeout", "2m");
    for (const node of house.nodes) await until(`${node.name} answers`, async () => (await node.request(host)).status === 200, LIMIT_MS);
    assert.deepEqual((await house.node(1).service("shop")).status.nodes, ["h2"]);
  });
  after(() => house.lab.down());
  const needs = (t: TestContext): boolean => {
    if (absent !== undefined) t.skip(absent);
    return absent === undefined;
  };

  const conditions = async (): Promise<readonly Condition[]> => (await house.node(1).service("shop")).status.conditions;
  const says = (wanted: string): Promise<Condition> =>
    until(
      `shop says ${wanted}`,
      async () => (await conditions()).find(({ type, status, reason }) => `${type} ${status} ${reason}` === wanted),
      LIMIT_MS,
    );
  const isWell = async (): Promise<void> => {
    await until("all is well", async () => (await conditions()).map(({ type }) => type).join() === "Ready", LIMIT_MS);
    await house.areOneHouse(all);
    for (const node of house.nodes) await until(`${node.name} answers`, async () => (await node.request(host)).status === 200, LIMIT_MS);
  };
  const hang = (signal: "STOP" | "CONT"): Promise<string> => house.lab.exec("h2", "sh", "-c", `kill -${signal} $(pidof dockerd)`);

  /** Its container goes on, so nobody notices but by what the house says. */
  const goesUnnoticed = async (t: TestContext, silence: () => Promise<unknown>): Promise<void> => {
    const loads = house.nodes.map(({ address }) =>
      startLoad({ address, httpPort: 80, dnsPort: 53, host, requestsPerSecond: REQUESTS_PER_SECOND, queriesPerSecond: 2 }),
    );
    try {
      await Promise.all(loads.map((load) => load.answers(STEADY_ANSWERS)));
      await silence();
      const { message } = await says("DockerReady False DockerUnavailable");
      assert.match(message, /h2/);
      assert.equal((await says("Ready True Ready")).status, "True");
      await until(
        "status names the computer",
        async () => /h2: Docker does not answer/.test((await house.node(1).try("status")).stdout),
        LIMIT_MS,
      );
      assert.match(await house.node(3).run("describe", "service", "shop"), /DockerUnavailable/);
      await Promise.all(loads.map((load) => load.answers(STEADY_ANSWERS)));
    } finally {
      const results = await Promise.all(loads.map((load) => load.stop()));
      t.diagnostic(`${results.reduce((sum, { requests }) => sum + requests, 0)} requests`);
      assert.deepEqual(
        results.flatMap(({ failures }) => failures),
        [],
      );
    }
  };

  test("because it hangs, costs no request", async (t) => {
    if (!needs(t)) return;
    const before = await house.node(2).containers();
    try {
      await goesUnnoticed(t, () => hang("STOP"));
    } finally {
      await hang("CONT");
    }
    await isWell();
    assert.deepEqual(await house.node(2).containers(), before);
  });

  test("starts nothing again that ends meanwhile, and that is said", async (t) => {
    if (!needs(t)) return;
    const [container = ""] = await house.node(2).containersOf("shop");
    const pid = (await house.node(2).docker("inspect", "--format", "{{.State.Pid}}", container)).trim();
    await hang("STOP");
    try {
      await says("DockerReady False DockerUnavailable");
      await house.lab.exec("h2", "kill", "-KILL", pid);
      const { message } = await says("Ready False DockerUnavailable");
      assert.match(message, /has ended, and Docker does not answer/);
      for (const node of house.nodes) {
        const page = await until(`${node.name} says why`, async () => {
          const answer = await node.request(host);
          return answer.status === 503 && answer;
        });
        assert.match(page.body, /Docker does not answer/);
      }
    } finally {
      await hang("CONT");
    }
    await isWell();
  });

  test("because it was killed, costs no request", async (t) => {
    if (!needs(t)) return;
    await goesUnnoticed(t, () => house.lab.stop("h2", "dockerd", { kill: true }));
    await house.lab.restart("h2", "dockerd");
    await isWell();
  });
});
