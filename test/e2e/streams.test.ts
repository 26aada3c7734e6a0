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
const busyPort = 1999;
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
const appsTcpPort = 1890;
const appsUdpPort = 5310;
/** Their names lead to the node that asks; the ports are for containers alone. */
const appsOnly = `apiVersion: fossora.dev/v1
kind: Route
metadata: { name: inner-echo }
spec: { listen: ${appsTcpPort}, to: "service/echo:1884", allow: [apps] }
---
apiVersion: fossora.dev/v1
kind: Route
metadata: { name: inner-clock }
spec: { listen: ${appsUdpPort}/udp, to: "udp://127.0.0.1:5353", allow: [apps] }
---
apiVersion: fossora.dev/v1
kind: Service
metadata: { name: asker }
spec: { image: lab/whoami:1, port: 80 }
`;
/** One whose answers the test knows, on the host, beside the house. What `nslookup` asks it answers with NXDOMAIN, all else as it came. */
const udpEcho = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5353))
while True:
    packet, sender = s.recvfrom(2048)
    s.sendto(packet[:2] + bytes([0x81, 0x83]) + packet[4:] if b"asked" in packet else packet, sender)`;

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

  test("a port that another program has is said, with the program's name, and taken once it is free", async () => {
    const holder = `import socket, time\ns = socket.create_server(("0.0.0.0", ${busyPort}))\ntime.sleep(3600)`;
    await lab.start(node.name, "holder", ["/usr/bin/python3", "-c", holder]);
    await until("it holds the port", () => {
      const socket = net.connect(busyPort, node.address);
      return new Promise<boolean>((done) => {
        socket.on("error", () => done(false));
        socket.on("connect", () => {
          done(true);
          socket.destroy();
        });
      });
    });
    await node.apply(
      `apiVersion: fossora.dev/v1\nkind: Route\nmetadata: { name: busy }\nspec: { listen: ${busyPort}, to: "service/echo:1884" }\n`,
    );
    await until("the Route is not ready", async () => /^busy +False \(PortBusy\)/m.test(await node.run("get", "routes")));
    assert.match(
      await node.run("describe", "route", "busy"),
      new RegExp(
        `Port ${busyPort}/tcp cannot be opened on ${node.name}: port ${busyPort} is held by python3\\S* \\(pid \\d+\\)\\. Stop that program`,
      ),
    );
    await lab.stop(node.name, "holder", { kill: true });
    await until("the port answers", async () => String(await talk(busyPort, Buffer.from("hello"), node.address)) === "hello");
    await until("the Route is ready", async () => /^busy +True/m.test(await node.run("get", "routes")), 60_000);
    assert.match(await node.run("describe", "route", "busy"), /every client has the gateway's address/);
    await node.run("delete", "route", "busy");
  });

  test("`allow: [apps]` lets containers in by the app's name, over TCP and UDP, and nobody of the LAN", async () => {
    await node.apply(appsOnly, "--wait");
    const inside = (line: string): Promise<string> => node.run("exec", "asker", "--", "sh", "-c", line);
    await until("a container reaches the TCP port", async () => {
      return (await inside(`echo hello | nc -w 2 echo.home.internal ${appsTcpPort}`)) === "hello\n";
    });
    await until("a container reaches the UDP port", async () => {
      return /can't find asked.*NXDOMAIN/.test(await inside(`nslookup asked.test. echo.home.internal:${appsUdpPort} 2>&1 || true`));
    });
    await assert.rejects(talk(appsTcpPort, Buffer.from("hello"), node.address), /ECONNREFUSED|ECONNRESET/);
    await using client = await udpClient("0.0.0.0");
    client.send("hello", appsUdpPort, node.address);
    await until("the LAN's own port answers", () => {
      client.send("outer", udpPort, node.address);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.includes("outer")), 100));
    });
    assert.ok(!client.heard.includes("hello"), client.heard.join());
    await node.run("delete", "route", "inner-echo", "inner-clock");
    await node.run("delete", "service", "asker");
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
