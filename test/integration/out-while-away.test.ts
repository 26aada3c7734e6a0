// A computer that was off while its house went on without it: what it runs and writes once it is back is nothing of that house's any more. Real
// etcd, real TLS, the real protocol.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { findEtcdProgram } from "../../src/agent/etcd-binary.ts";
import { createInvite } from "../../src/agent/invites.ts";
import type { OwnHouse } from "../../src/agent/joining/joining-options.ts";
import { isCountedOut, lastKnown } from "../../src/agent/joining/seen.ts";
import { holdsAuthority, houseHash, removedNodes } from "../../src/agent/trust.ts";
import { keys } from "../../src/api/keys.ts";
import { departed } from "../../src/joining/store-change.ts";
import { parseToken } from "../../src/trust/token.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { houseNode } from "../fakes/joining.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const LIMIT_MS = 120_000;

/** `nas` votes, `attic` stands by; what has lived on each of them, as memberships of its house. */
class HouseOfTwo {
  readonly nas: TestJoiningNode;
  readonly attic: TestJoiningNode;
  readonly lives: Record<"nas" | "attic", OwnHouse["membership"][]> = { nas: [], attic: [] };

  private constructor(t: TestContext, nas: TestJoiningNode, attic: TestJoiningNode) {
    this.nas = nas;
    this.attic = attic;
    t.after(async () => {
      await attic.close();
      await nas.close();
    });
  }

  static async begin(t: TestContext, ips: readonly [string, string]): Promise<HouseOfTwo> {
    const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    const node = (name: "nas" | "attic", ip: string): TestJoiningNode =>
      new TestJoiningNode({ program, name, ip, onHouse: async (own) => void (own && house.lives[name].push(own.membership)) });
    const house: HouseOfTwo = new HouseOfTwo(t, node("nas", ips[0]), node("attic", ips[1]));
    const { nas, attic } = house;
    await nas.start();
    await until("nas founds", () => nas.phase === "member");
    const token = await createInvite(nas.store, { hash: houseHash(nas.dataDir) ?? "", addresses: [] }, soon());
    attic.wish = { addresses: [nas.address], token: parseToken(token) };
    await attic.start();
    await until("attic is its standby", () => attic.phase === "member", LIMIT_MS);
    attic.wish = undefined;
    await until("attic can sign for the house", () => holdsAuthority(attic.dataDir), LIMIT_MS);
    for (const { dataDir } of [nas, attic]) await until("each knows both", () => lastKnown(dataDir).length === 2, LIMIT_MS);
    return house;
  }
}

/** By a person, until its certificates are struck off. */
async function remove(at: TestJoiningNode, { name, nodeId }: TestJoiningNode): Promise<void> {
  const { compare, writes } = await at.control.removal(name, soon());
  assert.ok((await at.store.commit({ compare, writes }, soon())).committed);
  await until("its certificates are struck off", () => removedNodes(at.dataDir).includes(nodeId), LIMIT_MS);
}

test("a standby that was removed while it was off lives on only until somebody of its house answers", { skip }, async (t) => {
  const { nas, attic, lives } = await HouseOfTwo.begin(t, ["127.0.0.71", "127.0.0.72"]);
  const houseId = houseHash(nas.dataDir);
  await attic.kill();
  await remove(nas, attic);
  await nas.kill();
  lives.attic.length = 0;
  await attic.start();
  await until("it goes on without quorum", () => lives.attic.length > 0, LIMIT_MS);
  assert.equal(lives.attic[0]?.houseId, houseId);
  await nas.start();
  await until("it has left", () => attic.house?.id !== houseId, LIMIT_MS);
  assert.ok(attic.words.some((text) => /removed from its house/.test(text)));
  assert.ok(isCountedOut(attic.dataDir));
  await until("it has a house of its own", () => attic.phase === "member", LIMIT_MS);
  assert.notEqual(lives.attic.at(-1)?.houseId, houseId);
});

test("a voter whose house was taken over, and that was removed from it, starts neither its store nor its apps", { skip }, async (t) => {
  const { nas, attic, lives } = await HouseOfTwo.begin(t, ["127.0.0.73", "127.0.0.74"]);
  const houseId = houseHash(nas.dataDir);
  await nas.kill();
  await until("attic sees it", async () => !(await attic.joining.lookToTakeOver()).hasQuorum, LIMIT_MS);
  await attic.joining.takeOver();
  await until("attic serves", async () => (await attic.store.get(keys.houseNode(nas.nodeId), soon())) !== undefined, LIMIT_MS);
  await until("attic votes alone", () => attic.joining.sight?.isFresh, LIMIT_MS);
  await remove(attic, nas);
  lives.nas.length = 0;
  await nas.start();
  await until("it has a house of its own", () => nas.phase === "member" && nas.house !== undefined && nas.house.id !== houseId, LIMIT_MS);
  assert.ok(!lives.nas.some((each) => each.houseId === houseId), JSON.stringify(lives.nas));
});

test("a node whose place another one took by a guess lives again under the name that it has from then on", { skip }, async (t) => {
  const { nas, attic, lives } = await HouseOfTwo.begin(t, ["127.0.0.75", "127.0.0.76"]);
  const before = attic.memberId;
  await attic.kill();
  const successor = houseNode("s", { name: "attic" });
  const writes = departed(attic.nodeId, { name: "attic", removed: false });
  const put = { put: keys.houseNode(successor.nodeId), value: JSON.stringify(successor) };
  await nas.store.commit({ compare: [], writes: [...writes, put] }, soon());
  await until("it has left", async () => (await nas.store.get(keys.leaving(attic.nodeId), soon())) === undefined, LIMIT_MS);
  lives.attic.length = 0;
  await attic.start();
  await until("it lives again", () => lives.attic.length > 0, LIMIT_MS);
  assert.ok(!lives.attic.some(({ memberId }) => memberId === before), JSON.stringify(lives.attic));
  assert.equal((await nas.store.get(keys.houseNode(attic.nodeId), soon()))?.value.includes('"name":"attic-2"'), true);
});
