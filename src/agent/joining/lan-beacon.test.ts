import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMessage, encodeMessage, nameBytes, type MdnsMessage, type MdnsRecord } from "../../ingress/mdns-message.ts";
import type { Datagram } from "../../adapters/mdns/socket.ts";
import { LanBeacon } from "./lan-beacon.ts";

const PTR = 12;
const SRV = 33;
const service = "_fossora._tcp.local";
const idOf = (letter: string): string => letter.repeat(16);
const base = { id: 0, truncated: false, questions: [], answers: [], authorities: [], additionals: [] } as const;

const query = (more: Partial<MdnsMessage> = {}): Buffer =>
  encodeMessage({ ...base, response: false, questions: [{ name: service, type: PTR, unicast: false }], ...more });
const response = (...answers: readonly MdnsRecord[]): Buffer => encodeMessage({ ...base, response: true, answers });
const srv = (nodeId: string, more: { readonly ttl?: number; readonly port?: number } = {}): MdnsRecord => ({
  name: `${nodeId}.${service}`,
  type: SRV,
  ttl: more.ttl ?? 300,
  flush: true,
  data: Uint8Array.from([0, 0, 0, 0, (more.port ?? 733) >> 8, (more.port ?? 733) & 255, 0]),
});
const from = (address: string, port = 5353) => ({ address, port });

/** On a segment of its own, with a clock that only its own wishes move. */
class Station {
  nowMs = 0;
  readonly said: { readonly atMs: number; readonly message: MdnsMessage }[] = [];
  readonly beacon: LanBeacon;

  constructor({ nodeId = idOf("m"), port = 733 } = {}) {
    this.beacon = new LanBeacon({ nodeId, port, random: () => 0 });
    this.#keep(this.beacon.update({ address: "10.0.0.1" }, 0));
  }

  run(untilMs: number): this {
    while (this.beacon.dueAtMs <= untilMs) {
      this.nowMs = this.beacon.dueAtMs;
      this.#keep(this.beacon.tick(this.nowMs));
    }
    this.nowMs = untilMs;
    return this;
  }

  hear(bytes: Buffer, sender = from("10.0.0.2")): this {
    this.#keep(this.beacon.receive(bytes, sender, this.nowMs));
    return this;
  }

  get found(): readonly string[] {
    return this.beacon.found(this.nowMs);
  }

  /** When it told of itself. */
  get told(): readonly number[] {
    return this.said.filter(({ message }) => message.response).map(({ atMs }) => atMs);
  }

  get asked(): readonly number[] {
    return this.said.filter(({ message }) => !message.response).map(({ atMs }) => atMs);
  }

  #keep(datagrams: readonly Datagram[]): void {
    for (const { bytes, to } of datagrams) {
      const message = decodeMessage(bytes);
      assert.ok(message !== undefined && to === undefined);
      this.said.push({ atMs: this.nowMs, message });
    }
  }
}

test("it announces itself twice, asks at once, and rarer and rarer", () => {
  const station = new Station().run(300_000);
  assert.deepEqual(station.told, [20, 1_020]);
  assert.deepEqual(station.asked.slice(0, 9), [20, 1_020, 3_020, 7_020, 15_020, 31_020, 63_020, 123_020, 183_020]);
});

test("two on a segment hear each other from what they say, with the port of the agent", () => {
  const [one, other] = [new Station(), new Station({ nodeId: idOf("n"), port: 7330 })];
  other.run(100);
  for (const { message } of other.said) one.hear(encodeMessage(message), from("10.0.0.7"));
  assert.deepEqual(one.found, ["10.0.0.7:7330"]);
  one.run(100);
  for (const { message } of one.said) other.hear(encodeMessage(message), from("10.0.0.1"));
  assert.deepEqual(other.found, ["10.0.0.1"]);
});

test("it answers whoever asks, once a second, and not one who knows", () => {
  const station = new Station().run(5_000);
  const before = station.told.length;
  station.hear(query()).hear(query()).run(6_000).hear(query()).run(8_000);
  assert.deepEqual(station.told.slice(before), [5_020, 6_020]);
  const known = { name: service, type: PTR, ttl: 200, flush: false, data: nameBytes(`${idOf("m")}.${service}`) };
  station.hear(query({ answers: [known] })).run(9_000);
  assert.equal(station.told.length, before + 2);
  station.hear(query({ answers: [{ ...known, ttl: 100 }] })).run(11_000);
  assert.equal(station.told.length, before + 3);
  const resolve = { questions: [{ name: `${idOf("m")}.${service}`, type: SRV, unicast: false }], answers: [known] };
  station.hear(query(resolve)).run(13_000);
  assert.equal(station.told.length, before + 4);
});

test("whom it knows well it names when it asks, so that they are silent", () => {
  const station = new Station().run(500).hear(response(srv(idOf("a"))), from("10.0.0.9"));
  station.run(1_100);
  const { message } = station.said.at(-1) ?? assert.fail();
  assert.deepEqual(message.answers, [{ name: service, type: PTR, ttl: 299, flush: false, data: message.answers[0]?.data }]);
  station.run(200_000);
  assert.equal(station.said.at(-1)?.message.answers.length, 0);
});

test("one that says goodbye, or is silent for long, is forgotten; nobody else can say goodbye for it", () => {
  const station = new Station().hear(response(srv(idOf("a")), srv(idOf("b"))), from("10.0.0.9"));
  station.hear(response(srv(idOf("a"), { ttl: 0 })), from("10.0.0.66"));
  assert.deepEqual(station.found, ["10.0.0.9"]);
  station.hear(response(srv(idOf("a"), { ttl: 0 }), srv(idOf("b"), { ttl: 0 })), from("10.0.0.9"));
  assert.deepEqual(station.found, []);
  station.hear(response(srv(idOf("a"), { ttl: 4_000_000 })), from("10.0.0.9")).run(300_001);
  assert.deepEqual(station.found, []);
});

test("own echoes, other services, names that are no node's, port 0 and answers from other ports are nothing", () => {
  const station = new Station();
  const printer = { ...srv(idOf("a")), name: "Printer._ipp._tcp.local" };
  station.hear(response(srv(idOf("m")), printer, srv("nas"), srv(idOf("a"), { port: 0 }), { ...srv(idOf("a")), data: Uint8Array.of(1) }));
  station.hear(response(srv(idOf("a"))), from("10.0.0.9", 40_000));
  assert.deepEqual(station.found, []);
});

test("its own name from elsewhere is no other agent, and is told apart until it says goodbye or is silent for long", () => {
  const station = new Station().hear(response(srv(idOf("m"))), from("10.0.0.1"));
  assert.deepEqual(station.beacon.namesakes(station.nowMs), [], "its own word");
  station.hear(response(srv(idOf("m"))), from("10.0.0.9")).hear(response(srv(idOf("m"), { port: 7330 })), from("10.0.0.8"));
  assert.deepEqual([station.found, station.beacon.namesakes(station.nowMs)], [[], ["10.0.0.9", "10.0.0.8:7330"]]);
  station.hear(response(srv(idOf("m"), { ttl: 0 })), from("10.0.0.9"));
  assert.deepEqual(station.beacon.namesakes(station.nowMs), ["10.0.0.8:7330"]);
  for (const last of [11, 12, 13, 14, 15]) station.hear(response(srv(idOf("m"))), from(`10.0.0.${last}`));
  assert.equal(station.beacon.namesakes(station.nowMs).length, 4);
  station.run(300_001);
  assert.deepEqual(station.beacon.namesakes(station.nowMs), []);
});

test("a flood takes no more than its places, and no more than so many packets a second are read", () => {
  const station = new Station().hear(response(srv(idOf("a"))), from("10.0.0.9"));
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  const ids = Array.from({ length: 150 }, (_, number) => `${letters[number % 32]}${letters[number >> 5]}`.padEnd(16, "z"));
  for (const [number, nodeId] of ids.entries()) station.hear(response(srv(nodeId, { port: 1_000 + number })), from("10.0.0.66"));
  assert.equal(station.found.filter((address) => address.startsWith("10.0.0.66")).length, 4);
  assert.ok(station.found.includes("10.0.0.9"));
  for (let number = 0; number < 100; number += 1) station.hear(response(srv(idOf("c"))), from("10.0.0.67"));
  station.hear(response(srv(idOf("d"))), from("10.0.0.68"));
  assert.ok(!station.found.includes("10.0.0.68"));
  station.run(1_000).hear(response(srv(idOf("d"))), from("10.0.0.68"));
  assert.ok(station.found.includes("10.0.0.68"));
});

test("of many addresses the last heard stay", () => {
  const station = new Station();
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  for (let number = 0; number < 100; number += 1)
    station.hear(response(srv(`${letters[number % 32]}${letters[number >> 5]}`.padEnd(16, "z"))), from(`10.0.1.${number}`));
  assert.equal(station.found.length, 64);
  assert.ok(station.found.includes("10.0.1.99"));
});

test("with another address it says so, and goes with a goodbye", () => {
  const station = new Station().run(10_000);
  station.beacon.update({ address: "10.0.0.5" }, station.nowMs);
  station.run(10_500);
  const said = station.said.at(-2)?.message.answers.find(({ type }) => type === 1);
  assert.deepEqual([...(said?.data ?? [])], [10, 0, 0, 5]);
  const [goodbye] = station.beacon.leave();
  assert.deepEqual(new Set(decodeMessage(goodbye?.bytes ?? Buffer.alloc(0))?.answers.map(({ ttl }) => ttl)), new Set([0]));
});
