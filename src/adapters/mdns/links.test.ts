// Real sockets on loopback, where two addresses are two members of the group.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { test, type TestContext } from "node:test";
import { silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { MdnsLinks, type Responder, type SegmentWish } from "./links.ts";
import type { Datagram, Endpoint } from "./socket.ts";

const loopback = "127.0.0.0/8";

/** Says its address when it is told one, `pong` to all or to one who asks, and `bye` when it leaves. */
class Echo implements Responder<SegmentWish> {
  readonly heard: string[] = [];
  dueAtMs = Number.POSITIVE_INFINITY;

  update({ address }: SegmentWish, nowMs: number): readonly Datagram[] {
    this.dueAtMs = nowMs + 20;
    return [{ bytes: Buffer.from(`here is ${address}`) }];
  }

  receive(packet: Buffer, from: Endpoint): readonly Datagram[] {
    this.heard.push(packet.toString());
    return packet.toString() === "ping" ? [{ bytes: Buffer.from("pong"), to: from }] : [];
  }

  tick(): readonly Datagram[] {
    this.dueAtMs = Number.POSITIVE_INFINITY;
    return [{ bytes: Buffer.from("tick") }];
  }

  leave(): readonly Datagram[] {
    return [{ bytes: Buffer.from("bye") }];
  }
}

function linksOf(t: TestContext): MdnsLinks<SegmentWish, Echo> {
  const links = new MdnsLinks<SegmentWish, Echo>({ responder: () => new Echo(), log: silentLog });
  t.after(() => links.end({ handover: false }));
  return links;
}

const wishes = (network: string, address: string): ReadonlyMap<string, SegmentWish> => new Map([[network, { address }]]);
const heardBy = (links: MdnsLinks<SegmentWish, Echo>): readonly string[] => links.state.flatMap(({ responder }) => responder.heard);

test("two programs share the port and hear each other and themselves; who leaves says so, and what is due comes by itself", async (t) => {
  const [one, other] = [linksOf(t), linksOf(t)];
  one.apply(wishes(loopback, "127.0.0.1"));
  await until("it hears itself", () => heardBy(one).includes("here is 127.0.0.1"));
  other.apply(wishes(loopback, "127.0.0.2"));
  await until("each hears the other", () => heardBy(one).includes("here is 127.0.0.2") && heardBy(other).includes("tick"));
  other.apply(new Map());
  await until("it hears the goodbye", () => heardBy(one).includes("bye"));
  assert.deepEqual(other.state, []);
});

test("who asks from a port of its own is answered there, and who is not on the segment is not heard", async (t) => {
  const links = linksOf(t);
  const asker = dgram.createSocket("udp4");
  t.after(() => asker.close());
  const answers: string[] = [];
  asker.on("message", (packet, { port }) => answers.push(`${packet.toString()} from ${port}`));
  await new Promise<void>((done) => asker.bind(0, "127.0.0.1", done));
  asker.setMulticastInterface("127.0.0.1");
  links.apply(wishes("127.0.0.2/31", "127.0.0.2"));
  await until("it is there", () => heardBy(links).includes("tick"));
  asker.send("ping", 5353, "224.0.0.251");
  const neighbour = dgram.createSocket("udp4");
  t.after(() => neighbour.close());
  await new Promise<void>((done) => neighbour.bind(0, "127.0.0.3", done));
  neighbour.setMulticastInterface("127.0.0.3");
  await until("a neighbour is heard", async () => {
    await new Promise((done) => neighbour.send("hello", 5353, "224.0.0.251", done));
    return heardBy(links).includes("hello");
  });
  assert.ok(!heardBy(links).includes("ping"));
  links.apply(wishes(loopback, "127.0.0.2"));
  await until("it is answered", async () => {
    await new Promise((done) => asker.send("ping", 5353, "224.0.0.251", done));
    return answers.length > 0;
  });
  assert.equal(answers[0], "pong from 5353");
});

test("an address that is not this computer's is a problem that is told, and goes away with it", async (t) => {
  const links = linksOf(t);
  links.apply(wishes("192.0.2.0/24", "192.0.2.1"));
  const problem = await until("it is told", () => links.state[0]?.problem);
  assert.match(problem, /^port 5353: .*(ENODEV|EADDRNOTAVAIL)/);
  links.apply(wishes("192.0.2.0/24", "127.0.0.1"));
  await until("it is well again", () => links.state[0] !== undefined && links.state[0].problem === undefined);
});
