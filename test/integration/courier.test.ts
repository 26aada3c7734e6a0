// The joining's messages between two members over a real 733, where one of them stops answering.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { Courier } from "../../src/agent/joining/courier.ts";
import { TestNode } from "../support/mesh.ts";
import { silentLog } from "../support/real.ts";

/** `port` is answered with that of the asker's connection; everything else when the test says so. */
async function courierTo(t: TestContext) {
  const [far, near] = [await new TestNode(t).found(), new TestNode(t)];
  await far.admit(near);
  const asked = new Map<string, { readonly answer: (body: unknown) => void; readonly over: Promise<unknown> }>();
  const news = new EventTarget();
  await far.listen({
    request: ({ port }, method, _body, signal) => {
      if (method === "port") return Promise.resolve(port);
      const { promise, resolve } = Promise.withResolvers<unknown>();
      asked.set(method, { answer: resolve, over: once(signal, "abort").then(() => signal.reason as unknown) });
      news.dispatchEvent(new Event(method));
      return promise;
    },
  });
  const nothing = (): void => {};
  const courier = new Courier({
    ...{ nodeId: near.nodeId, trust: await near.trust(), token: () => undefined, house: () => undefined, log: silentLog },
    ...{ onAnswer: async () => {}, onRefusal: nothing, onRemoved: nothing, onNobody: nothing, onFailure: nothing },
  });
  t.after(() => courier.close());
  const to = { nodeId: far.nodeId, address: `127.0.0.1:${far.port}` };
  const ask = (method: string): Promise<unknown> => courier.ask(to, method, {});
  /** Of one that does not answer at once. */
  const begin = async (method: string) => {
    const arrived = once(news, method);
    const answer = ask(method);
    answer.catch(nothing); // the test looks at it later
    await arrived;
    const { answer: release, over } = asked.get(method) ?? assert.fail(`${method} did not arrive`);
    return { answer, release, over };
  };
  return { ask, begin };
}

test("after an answer that did not come in time another connection is made, and what is under way on the first one has its time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { ask, begin } = await courierTo(t);
  const first = await ask("port");
  assert.equal(await ask("port"), first);
  const lost = await begin("lost");
  t.mock.timers.tick(6_000);
  const slow = await begin("slow");
  t.mock.timers.tick(6_000);
  await assert.rejects(lost.answer, { name: "MeshUnreachable", message: /did not answer within 10000 ms/ });
  const second = await ask("port");
  assert.notEqual(second, first);
  assert.equal(await ask("port"), second);
  slow.release("after a while");
  assert.equal(await slow.answer, "after a while");
  t.mock.timers.tick(10_000);
  assert.match(String(await lost.over), /The connection is over/);
  assert.equal(await ask("port"), second);
});
