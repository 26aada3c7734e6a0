// Whether the ingress of another node is there: asked by its own, on 734.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { startHouse, type AcrossHouse, type AcrossNode } from "../support/across.ts";
import { soon } from "../support/ingress.ts";

const LIMIT_MS = 5_000;

describe("a ping on 734", () => {
  let house: AcrossHouse;
  let near: AcrossNode;
  let far: AcrossNode;
  before(async () => {
    house = await startHouse(["near", "far"]);
    [near, far] = house.nodes as [AcrossNode, AcrossNode];
    await Promise.all(house.nodes.map((node) => node.serve({})));
  });
  after(() => house.stop());

  const ask = (node: string, limitMs = LIMIT_MS): Promise<boolean> => near.client.ping({ node, limitMs }, soon());

  test("is answered again and again, also when many ask at once, over one connection", async () => {
    assert.deepEqual(
      await Promise.all(Array.from({ length: 20 }, () => ask("far"))),
      Array.from({ length: 20 }, () => true),
    );
    assert.equal(await ask("far"), true);
    assert.match(await near.metrics(), /fossora_mesh_connections\{direction="out"\} 1\b/);
  });

  test("is not answered by a process that stands still, and is again when it goes on", async () => {
    const { pid } = await far.client.status(soon());
    process.kill(pid, "SIGSTOP");
    try {
      assert.equal(await ask("far", 300), false);
      // The kernel of a machine takes connections for a program that stands still.
      assert.equal(await ask("far", 300), false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    assert.equal(await ask("far"), true);
  });

  test("tells of a contact with the house by the other one's clock, and one that lay about while that stood still tells of an old one", async () => {
    const tell = (): Promise<boolean> => near.client.ping({ node: "far", limitMs: LIMIT_MS, contactAtMs: systemClock.now() }, soon());
    const heardAt = async (): Promise<number> => (await far.client.fence(soon()))?.contactAtMs ?? 0;
    const promise = (...containers: readonly string[]) =>
      far.client.putFence({ containers, contactAtMs: systemClock.now() - 10_000 }, soon());
    assert.deepEqual([await tell(), await heardAt()], [true, 0], "nothing is promised");
    await promise("nobody-has-this-one");
    for (let times = 0; times < 2; times++) assert.equal(await tell(), true);
    assert.ok(Math.abs(systemClock.now() - (await heardAt())) < 2_000);
    const { pid } = await far.client.status(soon());
    const stoppedAt = systemClock.now();
    process.kill(pid, "SIGSTOP");
    try {
      for (let times = 0; times < 3; times++)
        assert.equal(await near.client.ping({ node: "far", limitMs: 700, contactAtMs: systemClock.now() }, soon()), false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    assert.ok((await heardAt()) <= stoppedAt + 100, `${(await heardAt()) - stoppedAt} ms later`);
    await promise();
  });

  test("of a node that nobody knows is answered by nobody", async () => assert.equal(await ask("elsewhere"), false));

  test("of one that was removed is not even sent", async () => {
    await near.use({ mesh: { ...near.mesh, removed: [far.nodeId] } });
    assert.equal(await ask("far"), false);
    await near.use({});
    assert.equal(await ask("far"), true);
  });
});
