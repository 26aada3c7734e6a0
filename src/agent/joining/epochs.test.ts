import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { houseState, sender } from "../../../test/fakes/joining.ts";
import { silentLog } from "../../../test/support/real.ts";
import { PROTOCOL, type HouseState, type Message } from "../../joining/messages.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Greeting } from "./courier.ts";
import { hearOfChange, type EpochOptions, type Told } from "./epochs.ts";

const worker = { houseId: "house1", epoch: 0, clusterId: "c1" };
const voter = { ...worker, memberId: "mb" };

function peer(more: Partial<MeshPeer> = {}): MeshPeer {
  const house = { hash: "house1", ca: "" };
  return {
    nodeId: sender("a").nodeId,
    standing: "member",
    publicKey: "",
    house,
    address: "a",
    port: 733,
    exporter: () => new Uint8Array(32),
    ...more,
  };
}

/** Of the one other node that there is. */
function hear(greeting: Partial<Greeting>, options: Partial<EpochOptions> = {}): Promise<Told | undefined> {
  const defaults = { membership: voter, isRunning: false, self: sender("b"), members: ["a:733", "b:733"], candidates: [] };
  const greet = async (): Promise<Greeting> => ({ peer: peer(), answers: [], isRemoved: false, ...greeting });
  return hearOfChange({ ...defaults, greet, clock: new VirtualClock(), log: silentLog, ...options }, new AbortController().signal);
}

function answer(house: HouseState): Message {
  return { protocol: PROTOCOL, kind: "hello-answer", from: sender("a", { house }), members: [] };
}

test("a voter and a worker hear before they begin that they were removed", async () => {
  for (const membership of [voter, worker]) assert.equal(await hear({ isRemoved: true }, { membership }), "was removed");
});

test("nobody but a member of their house may say so", async () => {
  const others = [peer({ standing: "stranger" }), peer({ house: { hash: "house2", ca: "" } })];
  for (const each of others) assert.equal(await hear({ isRemoved: true, peer: each }), undefined);
});

test("a higher epoch of the house is heard, and no lower one", async () => {
  const told = await hear({ answers: [answer(houseState({ epoch: 1 }))] });
  assert.equal(typeof told === "object" && told.message.from.house?.epoch, 1);
  assert.equal(await hear({ answers: [answer(houseState())] }), undefined);
  assert.equal(await hear({ answers: [answer(houseState({ epoch: 1 }))], peer: peer({ standing: "stranger" }) }), undefined);
});

test("nobody is asked for a store that runs, or without a house", async () => {
  const greet = (): Promise<Greeting> => assert.fail("nobody is asked");
  assert.equal(await hear({}, { greet, isRunning: true }), undefined);
  assert.equal(await hear({}, { greet, membership: undefined }), undefined);
});
