// Real sockets on loopback, where each address is a computer on one LAN.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { test, type TestContext } from "node:test";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { LanWatch, segmentsOf } from "./lan-watch.ts";

const network = "127.0.0.0/8";

/** Each test's nodes have ports of their own: others on this machine speak on the same group. */
let port = 20_000 + (process.pid % 20_000);

function watchOn(
  t: TestContext,
  address: string,
  nodeId: string,
): { readonly watch: LanWatch; readonly at: string; readonly stop: () => Promise<void> } {
  port += 1;
  const watch = new LanWatch({ nodeId, port, links: () => [{ address, network }], clock: realClock, log: silentLog });
  const abort = new AbortController();
  const running = watch.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  t.after(stop);
  return { watch, at: `${address}:${port}`, stop };
}

const hasAll = (found: readonly string[], wanted: readonly string[]): boolean => wanted.every((each) => found.includes(each));

test("several nodes on one LAN find each other, one that comes later too, and one that goes is forgotten", async (t) => {
  const nodes = [1, 2, 3].map((number) => watchOn(t, `127.0.77.${number}`, `lanwatchtest${"abc"[number - 1]}`.padEnd(16, "x")));
  const others = (own: string): readonly string[] => nodes.map(({ at }) => at).filter((at) => at !== own);
  await until("all know all", () => nodes.every(({ watch, at }) => hasAll(watch.found(), others(at))));
  const late = watchOn(t, "127.0.77.4", "lanwatchtestdxxx");
  await until("the late one knows all, and all know it", () =>
    nodes.every(({ watch, at }) => watch.found().includes(late.at) && late.watch.found().includes(at)),
  );
  assert.ok(nodes.every(({ watch, at }) => !watch.found().includes(at)));
  await late.stop();
  await until("it is forgotten", () => nodes.every(({ watch }) => !watch.found().includes(late.at)));
});

test("junk on the group ends nothing", async (t) => {
  const one = watchOn(t, "127.0.78.1", "lanwatchjunkaxxx");
  const socket = dgram.createSocket({ type: "udp4", reuseAddr: true });
  t.after(() => socket.close());
  await new Promise<void>((done) => socket.bind(5353, "224.0.0.251", done));
  socket.setMulticastInterface("127.0.78.2");
  let seed = 7;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff;
  for (let number = 0; number < 2_000; number += 1) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
    if (number % 2 === 0 && bytes.length > 12) bytes.writeUInt16BE(0x8400, 2);
    await new Promise<void>((done) => socket.send(bytes, 5353, "224.0.0.251", () => done()));
  }
  const other = watchOn(t, "127.0.78.3", "lanwatchjunkbxxx");
  await until("they find each other", () => one.watch.found().includes(other.at) && other.watch.found().includes(one.at));
});

test("one address speaks for each network", () => {
  const links = [
    { address: "192.168.1.2", network: "192.168.1.0/24" },
    { address: "192.168.1.3", network: "192.168.1.0/24" },
    { address: "10.0.0.2", network: "10.0.0.0/8" },
  ];
  assert.deepEqual(
    [...segmentsOf(links)],
    [
      ["192.168.1.0/24", { address: "192.168.1.2" }],
      ["10.0.0.0/8", { address: "10.0.0.2" }],
    ],
  );
});
