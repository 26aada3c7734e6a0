// Every computer of a house answers for every app, wherever it runs: the program as it is installed, on lab hosts.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { describe } from "node:test";
import { programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { askOneShot } from "../support/mdns-listener.ts";
import { talk } from "../support/streams.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const echoPort = 1883;
const innerPort = 1890;
const apps = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: echo }
spec:
  image: lab/whoami:1
  entrypoint: [nc, -ll, -p, "1884", -e, cat]
  listen: ["${echoPort}:1884/tcp"]
  stopGrace: 1s
---
apiVersion: fossora.dev/v1
kind: Route
metadata: { name: inner }
spec: { listen: ${innerPort}, to: "service/echo:1884", allow: [apps] }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: asker }
spec: { image: "lab/whoami:1", port: 80, replicas: 3 }
`;

describe("three computers and an app on one of them", { skip }, () => {
  const { house, test } = labSuite(4, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.node(1).apply(apps, "--wait", "--timeout", "2m");
    },
  });
  const nodes = (): readonly HouseNode[] => house.nodes.slice(0, 3);
  /** Where it runs, and where it does not. */
  const placesOf = async (service: string): Promise<{ readonly here: HouseNode; readonly elsewhere: readonly HouseNode[] }> => {
    const has = await Promise.all(nodes().map(async (node) => (await node.containersOf(service)).length > 0));
    const here = nodes().find((_, index) => has[index]);
    assert(here, `${service} runs nowhere`);
    return { here, elsewhere: nodes().filter((node) => node !== here) };
  };

  test("it answers through each of them, and hears who asked", async () => {
    const { here, elsewhere } = await placesOf("whoami");
    const clientOf = async (node: HouseNode): Promise<string | undefined> => {
      const { status, body } = await node.request("whoami.home.internal", "/json");
      assert.equal(status, 200, `${node.name}: ${body}`);
      return /x-forwarded-for"?: *"?([\d.]+)/i.exec(body)?.[1];
    };
    const client = await until(`${here.name} answers`, () => clientOf(here));
    assert.ok(!nodes().some(({ address }) => address === client), client);
    for (const node of elsewhere) assert.equal(await until(`${node.name} answers`, () => clientOf(node)), client);
  });

  test("raw ports answer at each of them, those for apps alone to containers anywhere", async () => {
    for (const node of nodes())
      await until(`${node.name} answers`, async () => String(await talk(echoPort, Buffer.from("hello"), node.address)) === "hello");
    for (const node of nodes()) {
      const [container = ""] = await node.containersOf("asker");
      if (container === "") continue;
      const asked = `echo hello | nc -w 3 inner.home.internal ${innerPort}`;
      await until(
        `a container on ${node.name} is answered`,
        async () => (await node.docker("exec", container, "sh", "-c", asked)).trim() === "hello",
      );
    }
  });

  test("any of them tells what all their proxies have counted", async (t) => {
    const text = await until("all have answered", async () => {
      const described = await house.node(1).run("describe", "route", "whoami");
      return house.nodes.slice(0, 3).every(({ name }) => described.includes(`Traffic on ${name}, for`)) && described;
    });
    t.diagnostic(text.slice(text.indexOf("Traffic on")));
    assert.doesNotMatch(text, /not known/);
  });

  test("each tells all addresses for its name, the one where it runs first", async () => {
    const { here } = await placesOf("whoami");
    for (const node of nodes()) {
      const resolver = new Resolver({ timeout: 5_000, tries: 1 });
      resolver.setServers([node.address]);
      const addresses = await until(`${node.name} knows all`, async () => {
        const found = await resolver.resolve4("whoami.home.internal");
        return found.length === 3 && found;
      });
      assert.equal(addresses[0], here.address);
      assert.deepEqual(
        addresses.toSorted(),
        nodes()
          .map(({ address }) => address)
          .toSorted(),
      );
    }
  });

  test("one of them speaks for whoami.local on the LAN", async () => {
    // h4 is somebody's computer that belongs to no house.
    const spoke = await until("one answers", async () => {
      const { answers } = await askOneShot(house.lab, "h4", "whoami.local");
      return answers.length > 0 && new Set(answers.map(({ from }) => from));
    });
    assert.equal(spoke.size, 1, [...spoke].join());
    assert.ok(nodes().some(({ address }) => spoke.has(address)));
  });

  test("a computer without power takes nobody's app along but its own", async (t) => {
    const { here, elsewhere } = await placesOf("whoami");
    const [lost, left] = elsewhere;
    assert(lost && left);
    await house.lab.kill(lost.name);
    for (const node of [here, left]) {
      const { status } = await node.request("whoami.home.internal", "/json");
      assert.equal(status, 200, node.name);
    }
    const resolver = new Resolver({ timeout: 5_000, tries: 1 });
    resolver.setServers([left.address]);
    const began = performance.now();
    await until(
      "its address is told no more",
      async () => !(await resolver.resolve4("whoami.home.internal")).includes(lost.address),
      LIMIT_MS,
    );
    t.diagnostic(`its address was told for ${((performance.now() - began) / 1000).toFixed(1)} s more`);
    await house.lab.boot(lost.name);
    await house.areOneHouse(all);
    await until(`${lost.name} answers again`, async () => (await lost.request("whoami.home.internal", "/json")).status === 200, LIMIT_MS);
  });

  test("an app whose computer has no power answers from another one, under the same name through the same computer", async (t) => {
    // Of fewer voters the one that is lost may take the quorum along.
    await house.hasVoters(3);
    const { here, elsewhere } = await placesOf("whoami");
    await house.lab.kill(here.name);
    const [asked] = elsewhere;
    assert(asked);
    const began = performance.now();
    const { status } = await asked.request("whoami.home.internal", "/json");
    t.diagnostic(`the first request: ${status} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await until("it answers", async () => (await asked.request("whoami.home.internal", "/json")).status === 200, LIMIT_MS);
    await house.lab.boot(here.name);
    await house.areOneHouse(all);
    for (const node of nodes())
      await until(`${node.name} answers`, async () => (await node.request("whoami.home.internal", "/json")).status === 200, LIMIT_MS);
  });
});
