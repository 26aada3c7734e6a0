import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { after, describe, test } from "node:test";
import { Gossip } from "../../src/adapters/gossip/socket.ts";
import { encodeSign } from "../../src/adapters/gossip/datagram.ts";
import type { SignOfLife } from "../../src/mesh-ports.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const sign = (counter: number): SignOfLife => ({
  nodeId: "a".repeat(16),
  bootId: "b".repeat(16),
  counter,
  heard: [{ nodeId: "c".repeat(16), agoMs: 250 }],
});

describe("signs of life over UDP", () => {
  const open: Gossip[] = [];
  after(() => Promise.all(open.map((each) => each.close())));

  async function gossip(keys: () => readonly Buffer[]) {
    const heard: SignOfLife[] = [];
    const made = new Gossip({ keys, onSign: (each) => heard.push(each), log: silentLog });
    open.push(made);
    return { made, heard, port: await made.open(0) };
  }

  test("members hear each other, by IPv4 and IPv6, and through a change of the key", async () => {
    const [old, fresh] = [randomBytes(32), randomBytes(32)];
    let keys = [old];
    const [a, b] = [await gossip(() => keys), await gossip(() => [fresh, old])];
    a.made.send(sign(1), [{ address: "127.0.0.1", port: b.port }]);
    await until("heard by IPv4", () => b.heard.length === 1);
    keys = [fresh, old];
    a.made.send(sign(2), [{ address: "::1", port: b.port }]);
    await until("heard by IPv6", () => b.heard.length === 2);
    assert.deepEqual(b.heard, [sign(1), sign(2)]);
  });

  test("junk, forgeries and unreachable ways are silence", async () => {
    const key = randomBytes(32);
    const { made, heard, port } = await gossip(() => [key]);
    const stranger = dgram.createSocket("udp4");
    for (let count = 0; count < 500; count++) stranger.send(randomBytes(1 + (count % 1_300)), port, "127.0.0.1");
    stranger.send(encodeSign(sign(3), randomBytes(32)), port, "127.0.0.1");
    made.send(sign(4), [
      { address: "255.255.255.255", port: 1 },
      { address: "127.0.0.1", port: 1 },
      { address: "127.0.0.1", port },
    ]);
    await until("its own sign", () => heard.length > 0);
    assert.deepEqual(heard, [sign(4)]);
    stranger.close();
  });

  test("a node without a key says nothing and hears nobody", async () => {
    const mute = await gossip(() => []);
    const key = randomBytes(32);
    const { made, heard, port } = await gossip(() => [key]);
    mute.made.send(sign(1), [{ address: "127.0.0.1", port }]);
    made.send(sign(2), [{ address: "127.0.0.1", port: mute.port }]);
    made.send(sign(3), [{ address: "127.0.0.1", port }]);
    await until("its own sign", () => heard.length > 0);
    assert.deepEqual([mute.heard, heard], [[], [sign(3)]]);
  });
});
