import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { SeededRandom, VirtualClock } from "../../../test/fakes/clock.ts";
import { houseState, join, sender } from "../../../test/fakes/joining.ts";
import { FakeEtcd } from "../../../test/fakes/store.ts";
import { limitMs, TestNode } from "../../../test/support/mesh.ts";
import { silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { MeshRefusal } from "../../api/errors.ts";
import { tryAnother } from "../../joining/door.ts";
import { PROTOCOL, type Message } from "../../joining/messages.ts";
import { parseToken } from "../../trust/token.ts";
import { createInvite, redeemInvite, type Proven } from "../invites.ts";
import { houseHash, trustFiles } from "../trust.ts";
import { Courier, type CourierOptions } from "./courier.ts";

async function newCourier(t: TestContext, node: TestNode, options: Partial<CourierOptions>): Promise<Courier> {
  const courier = new Courier({
    nodeId: node.nodeId,
    trust: await node.trust(),
    token: () => undefined,
    house: () => undefined,
    onAnswer: async () => undefined,
    onRefusal: () => undefined,
    onRemoved: () => undefined,
    onNobody: () => undefined,
    onFailure: () => undefined,
    log: silentLog,
    ...options,
  });
  t.after(() => courier.close());
  return courier;
}

test("a person reads that the house says no; that its store does not answer is no such thing, and neither is a failure of the way", async (t) => {
  const newcomer = new TestNode(t);
  const codes = ["TryAnother", "Refused", "TooOften"];
  const house = await (
    await new TestNode(t).found()
  ).listen({
    request: async () => {
      const code = codes.shift() ?? "";
      throw new MeshRefusal(code, `said ${code}`);
    },
  });
  const [refusals, failures]: [string[], string[]] = [[], []];
  const courier = await newCourier(t, newcomer, {
    onRefusal: (why) => refusals.push(why),
    onFailure: (_address, error) => failures.push(String(error)),
  });
  for (const left of [2, 1, 0]) {
    courier.send([`127.0.0.1:${house.port}`], join("x"));
    await until("it was asked", () => codes.length === left);
  }
  await until("the last was heard", () => refusals.length === 2);
  assert.deepEqual([refusals, failures], [["said Refused", "said TooOften"], ["MeshRefusal: said TooOften"]]);
});

test("a token goes along with every request until this node holds certificates of its house", async (t) => {
  const house = await new TestNode(t).found();
  const store = new FakeEtcd(new VirtualClock()).client("a", { clock: new VirtualClock(), random: new SeededRandom(1) });
  const token = parseToken(
    await createInvite(store, { hash: houseHash(house.dataDir) ?? "", addresses: [] }, AbortSignal.timeout(limitMs)),
  );
  const withToken: boolean[] = [];
  await house.listen({
    request: async (peer, _method, body) => {
      const proven = body as Proven; // the courier's
      withToken.push(proven.proof !== undefined);
      const answer = tryAnother({ self: sender("a", { nodeId: house.nodeId }), members: [] });
      return proven.proof === undefined
        ? { message: answer }
        : (await redeemInvite(store, peer, proven, AbortSignal.timeout(limitMs)))(answer);
    },
  });
  const newcomer = new TestNode(t);
  const answers: Message[] = [];
  const courier = await newCourier(t, newcomer, {
    token: () => token,
    house: () => houseHash(newcomer.dataDir),
    onAnswer: async (_peer, message) => void answers.push(message),
  });
  const ask = async (times: number): Promise<void> => {
    courier.send([`127.0.0.1:${house.port}`], join("x"));
    await until("an answer", () => answers.length === times);
  };
  await ask(1);
  // Now it knows the house that it asks, and takes its nodes for members.
  courier.setTrust(await newcomer.trust({ ca: readFileSync(trustFiles(house.dataDir).ca, "utf8") }));
  await ask(2);
  await house.admit(newcomer);
  courier.setTrust(await newcomer.trust());
  await ask(3);
  assert.deepEqual(withToken, [true, true, false]);
});

test("of what comes back only answers count: a hello is asked for none, and who answers it with hellos answers nothing", async (t) => {
  const stranger = await new TestNode(t).found();
  const house = houseState({ id: houseHash(stranger.dataDir) ?? "" });
  const from = sender("x", { nodeId: stranger.nodeId, house });
  const hello: Message = { protocol: PROTOCOL, kind: "hello", from };
  const answer: Message = { protocol: PROTOCOL, kind: "hello-answer", from, members: [] };
  const said: Message[][] = [
    [hello, hello, hello, hello],
    [hello, answer],
  ];
  await stranger.listen({ request: async () => said.shift() });
  const [heard, nobody]: [string[], string[]] = [[], []];
  const courier = await newCourier(t, new TestNode(t), {
    onAnswer: async (_peer, { kind }) => void heard.push(kind),
    onNobody: (address) => nobody.push(address),
  });
  const address = `127.0.0.1:${stranger.port}`;
  courier.send([address], { ...hello, from: sender("y") });
  await until("it said nothing", () => nobody.length === 1 || heard.length > 0);
  courier.send([address], { ...hello, from: sender("y") });
  await until("it said something", () => heard.length > 0);
  assert.deepEqual([heard, nobody], [["hello-answer"], [address]]);
});

test("an answer that cannot be judged is dropped, and the next one counts", async (t) => {
  const stranger = new TestNode(t);
  const answer: Message = { protocol: PROTOCOL, kind: "hello-answer", from: sender("x", { nodeId: stranger.nodeId }), members: [] };
  await stranger.listen({ request: async () => [answer] });
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  let heard = 0;
  const courier = await newCourier(t, new TestNode(t), {
    onAnswer: async () => {
      heard += 1;
      throw new MeshRefusal("Busy", "Too many ask this node at once");
    },
  });
  for (const times of [1, 2]) {
    courier.send([`127.0.0.1:${stranger.port}`], { protocol: PROTOCOL, kind: "hello", from: sender("y") });
    await until("it was heard", () => heard === times);
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(unhandled, []);
});
