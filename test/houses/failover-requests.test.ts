// What is under way when a computer loses its power, and what is asked meanwhile through the others: a GET and a POST are slow and not refused, a
// POST that the app may have heard is not said twice, raw ports lead to the successor, and no registry is needed for that. On lab hosts.
import assert from "node:assert/strict";
import http from "node:http";
import { describe } from "node:test";
import { programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { talk, udpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
/** Ten times the aim. */
const FAILOVER_LIMIT_MS = 80_000;
const PREPULL_LIMIT_MS = 60_000;
const IMAGE = "registry.lab:5000/whoami:1";
const TCP_PORT = 1883;
const UDP_PORT = 1885;
const UDP_ECHO = `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(("0.0.0.0", ${UDP_PORT}))\nwhile True:\n    packet, sender = s.recvfrom(2048)\n    s.sendto(packet, sender)\n`;
/** All on the same computer, as long as it is there. */
const there = "placement: { prefer: { nodes: [h1] } }";
/** What echoes UDP is run by the host's own Python. */
const apps = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "${IMAGE}", routes: [{ host: shop, port: 80, hold: 80s }], update: { monitor: 1s }, ${there} }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: tcp }
spec: { image: "${IMAGE}", entrypoint: [nc, -ll, -p, "1884", -e, cat], listen: ["${TCP_PORT}:1884/tcp"], stopGrace: 1s, ${there} }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: udp }
spec:
  image: "${IMAGE}"
  entrypoint: [/usr/bin/python3, -c, ${JSON.stringify(UDP_ECHO)}]
  volumes: ["host:/usr:/usr:ro", "host:/lib:/lib:ro", "host:/lib64:/lib64:ro"]
  listen: ["${UDP_PORT}:${UDP_PORT}/udp"]
  stopGrace: 1s
  ${there}
`;

/** Status; 0: nobody answers there. */
function ask(node: HouseNode, method: "GET" | "POST", path = "/"): Promise<number> {
  return new Promise((done) => {
    const options = {
      host: node.address,
      port: 80,
      method,
      path,
      headers: { Host: "shop.home.internal" },
      timeout: 2 * FAILOVER_LIMIT_MS,
      agent: false,
    };
    const request = http.request(options, (response) => {
      response.resume().once("close", () => done(response.statusCode ?? 0));
    });
    request.once("timeout", () => request.destroy()).once("error", () => done(0));
    request.end(method === "POST" ? "x" : undefined);
  });
}

async function echoesDatagrams(node: HouseNode): Promise<boolean> {
  await using client = await udpClient("0.0.0.0");
  client.send("hello", UDP_PORT, node.address);
  return await until("an answer", () => client.heard.includes("hello"), 1_000).catch(() => false);
}

describe("requests while a computer is lost", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await house.node(1).apply(apps, "--wait", "--timeout", "2m");
      for (const node of house.nodes) await until(`${node.name} answers`, async () => (await ask(node, "GET")) === 200);
    },
  });

  test("the others have its images already, and the registry is needed no more", async () => {
    for (const node of house.nodes)
      await until(
        `${node.name} has the image`,
        async () => (await node.docker("images", "--format", "{{.Repository}}:{{.Tag}}")).includes(IMAGE),
        PREPULL_LIMIT_MS,
      );
    await house.lab.kill("registry");
  });

  test("what is asked is answered by the successor, a POST that is under way is not said twice, and raw ports lead there", async (t) => {
    const { instances } = (await house.node(1).service("shop")).status;
    assert.deepEqual(
      instances.map(({ node }) => node),
      ["h1"],
    );
    const [lost, left] = [house.node(1), house.nodes.slice(1)];
    for (const node of left) {
      await until("TCP answers", async () => String(await talk(TCP_PORT, Buffer.from("hello"), node.address)) === "hello");
      await until("UDP answers", () => echoesDatagrams(node));
    }
    const underWay = left.flatMap((node) => [ask(node, "GET", "/wait?ms=8000"), ask(node, "POST", "/wait?ms=8000")]);
    await until("all of them are with the app", async () => {
      const metrics = await Promise.all(
        left.map(({ name }) => house.lab.exec(name, "curl", "-s", "--unix-socket", "/run/fossora/fossora.sock", "http://fossora/metrics")),
      );
      return metrics.every((text) => /fossora_http_open_requests\{route="shop"\} 2/.test(text));
    });
    const began = performance.now();
    await house.lab.kill(lost.name);
    const asked = left.flatMap((node) => [ask(node, "GET"), ask(node, "POST")]);
    assert.deepEqual(await Promise.all(asked), [200, 200, 200, 200]);
    t.diagnostic(`asked anew: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    assert.deepEqual(await Promise.all(underWay), [200, 502, 200, 502]);
    for (const node of left) {
      const said = (): Promise<string> => talk(TCP_PORT, Buffer.from("hello"), node.address).then(String, () => "");
      await until("TCP answers again", async () => (await said()) === "hello", FAILOVER_LIMIT_MS);
      await until("UDP answers again", () => echoesDatagrams(node), FAILOVER_LIMIT_MS);
    }
  });
});
