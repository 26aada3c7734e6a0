// Raw TCP and UDP ports of an app, asked from another computer. On a lab host.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import type { HouseSummary } from "../../src/api/wire.ts";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { talk, udpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

const tcpPort = 1883;
const udpPort = 5300;
const manifest = (listen: string): string => `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: echo }
spec:
  image: lab/whoami:1
  entrypoint: [nc, -ll, -p, "1884", -e, cat]
  listen: [${listen}]
  stopGrace: 1s
---
apiVersion: fossora.dev/v1
kind: Route
metadata: { name: clock }
spec: { listen: ${udpPort}/udp, to: "udp://127.0.0.1:5353" }
`;
/** The lab's images speak no UDP: this one is on the host, beside the house. */
const udpEcho = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5353))
while True:
    s.sendto(*s.recvfrom(2048))`;

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("an app with raw ports", { skip }, () => {
  let node: HouseNode;
  before(async () => {
    node = await HouseNode.alone(lab);
    await lab.start(node.name, "echo", ["/usr/bin/python3", "-c", udpEcho]);
    await node.apply(manifest(`"${tcpPort}:1884/tcp"`), "--wait");
  });
  after(() => lab.down());

  const listeners = async (): Promise<NonNullable<HouseSummary["listeners"]>> => (await node.summary()).listeners ?? [];
  const tcpAnswers = () =>
    until("the TCP port answers", async () => String(await talk(tcpPort, Buffer.from("hello"), node.address)) === "hello");

  test("TCP answers at the host's address", async () => {
    await tcpAnswers();
  });

  test("UDP answers at the host's address, from where it was asked", async () => {
    await using client = await udpClient("0.0.0.0");
    await until("the UDP port answers", () => {
      client.send("hello", udpPort, node.address);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.includes("hello")), 100));
    });
    assert.deepEqual([...client.from], [`${node.address}:${udpPort}`]);
  });

  test("both outlive the ingress", async () => {
    const before = await node.pid("ingress");
    await node.signal("ingress", "KILL");
    await until("another ingress", async () => (await node.pid("ingress")) !== before);
    await tcpAnswers();
  });

  test("a port that is taken out of the manifest is closed", async () => {
    await node.apply(manifest('"1885:1884"'), "--wait");
    await until("nobody listens there", async () => {
      const socket = net.connect(tcpPort, node.address);
      return new Promise<boolean>((done) => {
        socket.on("error", (error: NodeJS.ErrnoException) => done(error.code === "ECONNREFUSED"));
        socket.on("connect", () => done(socket.destroy() && false));
      });
    });
    await until(
      "the status knows",
      async () => (await listeners()).every(({ protocol, port }) => protocol !== "tcp" || port === 1885),
      60_000,
    );
  });
});
