import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { peersIn, tcpPeers } from "./tcp-peers.ts";

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const rest = "00000000:00000000 00:00000000 00000000     0        0 1059 1 00000000f3a39ceb 100 0 0 10 0";

test("the other ends of a port's connections are read, and of no other's, nor of those that are over", () => {
  const table = [
    head,
    `   0: 0100007F:094B 00000000:0000 0A ${rest}`,
    `   1: 0201A8C0:094B 0301A8C0:D431 01 ${rest}`,
    `   2: 0201A8C0:094B 0401A8C0:D431 06 ${rest}`,
    `   3: 0201A8C0:094C 0501A8C0:D431 01 ${rest}`,
  ].join("\n");
  assert.deepEqual(peersIn(table, 2379), ["192.168.1.3"]);
});

test("an IPv4 address is the same in the table of IPv6, and an IPv6 address is written as usual", () => {
  const own = "0000000000000000FFFF00000201A8C0:094B";
  const table = [
    head,
    `   0: ${own} 0000000000000000FFFF00000301A8C0:D431 01 ${rest}`,
    `   1: ${own} 5C117AFD0000E0A10000000001000000:D431 01 ${rest}`,
  ].join("\n");
  assert.deepEqual(peersIn(table, 2379), ["192.168.1.3", "fd7a:115c:a1e0::1"]);
});

test("a connection of this computer is seen from where it came until it ends", async (t) => {
  const server = net.createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo; // TCP
  const socket = net.connect({ port, host: "127.0.0.1", localAddress: "127.0.7.7" });
  const [accepted] = (await once(server, "connection")) as [net.Socket];
  assert.deepEqual(tcpPeers(port), ["127.0.7.7"]);
  const ended = once(accepted, "close");
  accepted.resume();
  socket.destroy();
  await ended;
  assert.deepEqual(tcpPeers(port), []);
});
