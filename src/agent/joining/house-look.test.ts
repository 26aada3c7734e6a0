import assert from "node:assert/strict";
import { test } from "node:test";
import { houseNode, houseState } from "../../../test/fakes/joining.ts";
import { TestNode } from "../../../test/support/mesh.ts";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { Courier } from "./courier.ts";
import { lookRound } from "./house-look.ts";

test("a node of the house whose address another one has now is silent, and what is meant for it reaches nobody", async (t) => {
  const self = await new TestNode(t).found();
  const [former, now] = [await self.admit(new TestNode(t)), await self.admit(new TestNode(t))];
  const asked: string[] = [];
  await now.listen({
    request: async (_peer, method) => {
      asked.push(method);
      return { versions: { fossora: "0.2.0", etcd: "3.7.3" } };
    },
  });
  const nothing = (): void => {};
  const courier = new Courier({
    ...{ nodeId: self.nodeId, trust: await self.trust(), token: () => undefined, house: () => undefined, log: silentLog },
    ...{ onAnswer: () => assert.fail("no message is sent"), onRefusal: nothing, onNobody: nothing, onFailure: nothing },
  });
  t.after(() => courier.close());
  const address = `127.0.0.1:${now.port}`;
  const roster = new Map(
    [houseNode("a", { nodeId: former.nodeId, addresses: [address] }), houseNode("b", { nodeId: now.nodeId, addresses: [address] })].map(
      (node) => [node.nodeId, node],
    ),
  );
  const { computers } = await lookRound({
    inside: {
      sight: {
        records: { roster, entries: [] },
        members: [],
        isFresh: true,
        ageMs: 0,
        seen: { house: houseState() },
      },
      membership: { clusterId: "c1" },
      memberStatus: () => Promise.reject(new Error("there is no store")),
    },
    self: self.nodeId,
    versions: { fossora: "0.1.0", etcd: "3.7.3" },
    replaceAfterMs: 600_000,
    ask: (to, method) => courier.ask(to, method, null),
    heardAtMs: () => undefined,
    clock: realClock,
    signal: AbortSignal.timeout(10_000),
  });
  assert.deepEqual(
    computers.map(({ name, roundTripMs }) => [name, roundTripMs !== undefined]),
    [
      ["a", false],
      ["b", true],
    ],
  );
  await assert.rejects(courier.ask({ nodeId: former.nodeId, address }, "come-again", null), {
    name: "MeshUnreachable",
    message: `Another node answers at ${address} (${now.nodeId})`,
  });
  assert.deepEqual([...new Set(asked)], ["state"]);
});
