import assert from "node:assert/strict";
import { once } from "node:events";
import dgram from "node:dgram";
import net from "node:net";
import { test } from "node:test";
import { portHolder, socketsAt } from "./port-holder.ts";

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 1001 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1002 1
   2: 0A01A8C0:0035 0B01A8C0:C350 01 00000000:00000000 00:00000000 00000000     0        0 1003 1`;

test("a socket holds a port for its own address, or for all", () => {
  assert.deepEqual(socketsAt(table, "127.0.0.1", 53), ["1001"]);
  assert.deepEqual(socketsAt(table, "192.168.1.10", 53), [], "a connection holds no port");
  assert.deepEqual(socketsAt(table, "::", 53), ["1001"]);
  assert.deepEqual(socketsAt(table, "192.168.1.10", 80), ["1002"]);
});

test("the program that holds a port is named", async () => {
  const tcp = net.createServer().listen(0, "127.0.0.1");
  const udp = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
  const us = new RegExp(`\\(pid ${process.pid}\\)$`);
  assert.match((await portHolder(["tcp"], "127.0.0.1", (tcp.address() as net.AddressInfo).port)) ?? "", us);
  assert.match((await portHolder(["udp"], "::", udp.address().port)) ?? "", us);
  assert.match((await portHolder(["udp"], "::", udp.address().port)) ?? "", /^the house's own ingress/);
  tcp.close();
  udp.close();
});
