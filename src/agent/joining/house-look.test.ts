import assert from "node:assert/strict";
import { test } from "node:test";
import { houseNode, houseState, nodeId, request } from "../../../test/fakes/joining.ts";
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
    ...{ onAnswer: () => assert.fail("no message is sent"), onRefusal: nothing, onRemoved: nothing, onNobody: nothing, onFailure: nothing },
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
    storeLog: "/a/log/etcd.log",
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

test("a store that does not answer is told of a computer whose agent does, with where it says why", async () => {
  const memberOf = (letter: string) => {
    const { memberName, peerUrl } = request(letter);
    return { id: `m${letter}`, name: memberName, peerUrl, clientUrls: [`https://${letter}:2379`], learner: false };
  };
  const status = {
    clusterId: "c1",
    leaderId: "ma",
    learner: false,
    term: 2,
    version: "3.7.3",
    dbBytes: 0,
    dbInUseBytes: 0,
    isFull: false,
    revision: 1,
  };
  const { computers, votersUp } = await lookRound({
    inside: {
      sight: {
        records: { roster: new Map(["a", "b", "c", "d"].map((letter) => [nodeId(letter), houseNode(letter)])), entries: [] },
        members: ["a", "b", "c"].map(memberOf),
        isFresh: true,
        ageMs: 0,
        seen: { house: houseState() },
      },
      membership: { clusterId: "c1", memberId: "ma" },
      memberStatus: async (host) => {
        if (host !== "c:2379") throw new Error("It does not answer");
        return { ...status, memberId: "mc" };
      },
    },
    self: nodeId("a"),
    versions: { fossora: "0.1.0", etcd: "3.7.3" },
    storeLog: "/a/log/etcd.log",
    replaceAfterMs: 600_000,
    ask: async () => ({ versions: { fossora: "0.1.0", etcd: "3.7.3" }, storeLog: "/b/log/etcd.log" }),
    heardAtMs: () => undefined,
    clock: realClock,
    signal: AbortSignal.timeout(10_000),
  });
  const silent = new Map(computers.map(({ name, silentStore }) => [name, silentStore?.log]));
  assert.deepEqual([silent.get("b"), silent.get("c"), silent.get("d")], ["/b/log/etcd.log", undefined, undefined]);
  assert.equal(
    votersUp +
      silent
        .values()
        .filter((log) => log !== undefined)
        .toArray().length,
    3,
  );
});
